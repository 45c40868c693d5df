// Brings several streams of pictures together, frame by frame.

import { compareFrames, type Frame } from '@deepearth/core';
import { frameOf, type Panel, type PictureQueue } from './picture-queue.ts';

/** What all streams show of one frame; `undefined` where a stream has shown nothing of its sequence yet. */
export interface Row {
  readonly frame: Frame;
  readonly panels: readonly (Panel | undefined)[];
  /** Streams that have no picture of this very frame, and whose latest one of the sequence is taken instead. */
  readonly held: readonly number[];
}

/** One of the streams. */
interface Lane {
  readonly iterator: AsyncIterator<Panel>;
  readonly queue: PictureQueue;
  pulling: Promise<void> | undefined;
  done: boolean;
  /** The sequences of what came and is in no row yet, in the order in which it came. */
  readonly waiting: string[];
  /** The sequence of what came last, and those before it that are over. */
  current: string | undefined;
  readonly over: Set<string>;
  /** The first of each sequence that is in no row yet, once it has been looked at. */
  readonly heads: Map<string, Panel>;
  /** What the last row of each sequence showed. */
  readonly latest: Map<string, Panel>;
}

/** How long to wait for a stream, in milliseconds, before others are read ahead for the first time. */
const patience = 50;

/**
 * Rows in the order of frames (`compareFrames`) within each sequence, which every stream keeps; sequences in the order
 * of the first stream, and last those that only others have. A stream that lacks a frame (one picture per time step, a
 * frame that was skipped) shows its latest picture of the sequence again. Where sequences are `interleaved` any may
 * come again until the streams end; else one is over when the next begins.
 *
 * The streams may be at very different places: a reducer that fits on everything returns when the source has ended long
 * ago. So while one is waited for the others are read on, into their queues; without that, the source would wait for
 * them and none would ever go on.
 */
export async function* joinByFrame(
  inputs: readonly AsyncIterable<Panel>[],
  queueOf: (index: number) => PictureQueue,
  interleaved = false,
): AsyncGenerator<Row> {
  const lanes = inputs.map((items, index): Lane => ({
    iterator: items[Symbol.asyncIterator](),
    queue: queueOf(index),
    pulling: undefined,
    done: false,
    waiting: [],
    current: undefined,
    over: new Set(),
    heads: new Map(),
    latest: new Map(),
  }));

  const pull = (lane: Lane): Promise<void> =>
    (lane.pulling ??= (async () => {
      const next = await lane.iterator.next();
      if (next.done) lane.done = true;
      else {
        const { sequence } = frameOf(next.value);
        await lane.queue.push(next.value);
        lane.waiting.push(sequence);
        if (!interleaved && lane.current !== undefined && lane.current !== sequence) lane.over.add(lane.current);
        lane.current = sequence;
      }
      lane.pulling = undefined;
    })());

  const headOf = async (lane: Lane, sequence: string): Promise<Panel | undefined> => {
    const head = lane.heads.get(sequence) ?? (await lane.queue.shift(sequence));
    if (head) lane.heads.set(sequence, head);
    return head;
  };

  // Streams that are in step need no reading ahead; once one has kept the others waiting it will do so again, and then
  // waiting first would cost every frame its time.
  let apart = false;

  /** The streams that have to be read on before the next row of a sequence can be told. */
  const wantingOf = async (sequence: string): Promise<Lane[]> => {
    const wanting: Lane[] = [];
    for (const lane of lanes)
      // Whether it is over is asked first: what comes while the queue is looked at is seen in the next turn.
      if (!lane.done && !lane.over.has(sequence) && !(await headOf(lane, sequence))) wanting.push(lane);
    return wanting;
  };

  /** The sequence of the next row, when all streams have shown what they have of it; `undefined` at the end. */
  const nextSequence = async (former: string | undefined): Promise<string | undefined> => {
    for (;;) {
      // One that is under way is shown to its end, also when the first stream has no more of it.
      const begun =
        former !== undefined &&
        !interleaved &&
        lanes.some(({ waiting, done, over }) => waiting.includes(former) || !(done || over.has(former)));
      const leader = lanes.find(({ waiting, done }) => waiting.length > 0 || !done);
      if (!leader) return undefined;
      const sequence = begun ? former : leader.waiting[0];
      const wanting = sequence === undefined ? [leader] : await wantingOf(sequence);
      if (wanting.length === 0) {
        if (lanes.some(({ waiting }) => waiting.includes(sequence!))) return sequence;
        continue;
      }
      if (apart) {
        await Promise.race(lanes.filter((lane) => !lane.done).map(pull));
        continue;
      }
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          apart = true;
          resolve();
        }, patience);
      });
      await Promise.race([late, ...wanting.map(pull)]).finally(() => clearTimeout(timer));
    }
  };

  try {
    let former: string | undefined;
    for (;;) {
      const sequence = await nextSequence(former);
      if (sequence === undefined) return;
      if (!interleaved && former !== undefined && former !== sequence)
        for (const { latest } of lanes) latest.delete(former);
      former = sequence;
      const heads = await Promise.all(lanes.map((lane) => headOf(lane, sequence)));
      const frame = heads.reduce<Frame | undefined>((least, head) => {
        const candidate = head && frameOf(head);
        return candidate && (!least || compareFrames(candidate, least) < 0) ? candidate : least;
      }, undefined)!;
      const held: number[] = [];
      lanes.forEach((lane, index) => {
        const head = heads[index];
        if (head && frameOf(head).number === frame.number) {
          lane.latest.set(sequence, head);
          lane.heads.delete(sequence);
          lane.waiting.splice(lane.waiting.indexOf(sequence), 1);
        } else held.push(index);
      });
      yield { frame, panels: lanes.map(({ latest }) => latest.get(sequence)), held };
    }
  } finally {
    await Promise.allSettled(
      lanes
        .flatMap(({ pulling }) => (pulling ? [pulling] : []))
        .map((pending) => Promise.race([pending, new Promise((resolve) => setTimeout(resolve, patience))])),
    );
    // A stream that is still waiting ends with the run; the others are ended here.
    await Promise.all(
      lanes.map(async ({ iterator, pulling }) => {
        if (!pulling) await iterator.return?.();
      }),
    );
  }
}
