// Brings several streams of pictures together, frame by frame.

import type { Frame } from '@deepearth/core';
import type { Panel, PictureQueue } from './picture-queue.ts';

const frameOf = (panel: Panel): Frame => (panel.kind === 'frame' ? panel : panel.frame);

/** What all streams show of one frame; `undefined` where a stream has shown nothing yet. */
export interface Row {
  readonly frame: Frame;
  readonly panels: readonly (Panel | undefined)[];
  /** Streams that have no picture of this very frame, and whose latest one stands in. */
  readonly held: readonly number[];
}

interface Lane {
  readonly iterator: AsyncIterator<Panel>;
  readonly queue: PictureQueue;
  pulling: Promise<void> | undefined;
  done: boolean;
  head: Panel | undefined;
  latest: Panel | undefined;
}

/** How long to wait for a stream, in milliseconds, before others are read ahead for the first time. */
const patience = 50;

/**
 * Rows in order of frame numbers, which every stream keeps. A stream that lacks a frame (one picture per time step, a
 * frame that was skipped) shows its latest picture again. The streams may be at very different places: a reducer that
 * fits on everything returns when the source has ended long ago. So while one is waited for the others are read on,
 * into their queues; without that, the source would wait for them and none would ever go on.
 */
export async function* joinByFrame(
  inputs: readonly AsyncIterable<Panel>[],
  queueOf: (index: number) => PictureQueue,
): AsyncGenerator<Row> {
  const lanes: Lane[] = inputs.map((items, index) => ({
    iterator: items[Symbol.asyncIterator](),
    queue: queueOf(index),
    pulling: undefined,
    done: false,
    head: undefined,
    latest: undefined,
  }));
  const pull = (lane: Lane): Promise<void> =>
    (lane.pulling ??= (async () => {
      const next = await lane.iterator.next();
      if (next.done) lane.done = true;
      else await lane.queue.push(next.value);
      lane.pulling = undefined;
    })());

  // Streams that are in step need no reading ahead; once one has kept the others waiting it will do so again, and then
  // waiting first would cost every frame its time.
  let apart = false;
  const fillHeads = async (): Promise<void> => {
    for (;;) {
      for (const lane of lanes) lane.head ??= await lane.queue.shift();
      const wanting = lanes.filter((lane) => !lane.head && !lane.done);
      if (wanting.length === 0) return;
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
    for (;;) {
      await fillHeads();
      const heads = lanes.flatMap(({ head }) => (head ? [frameOf(head)] : []));
      const frame = heads.reduce<Frame | undefined>(
        (least, candidate) => (!least || candidate.number < least.number ? candidate : least),
        undefined,
      );
      if (!frame) return;
      const held: number[] = [];
      lanes.forEach((lane, index) => {
        if (lane.head && frameOf(lane.head).number === frame.number) [lane.latest, lane.head] = [lane.head, undefined];
        else held.push(index);
      });
      yield { frame, panels: lanes.map(({ latest }) => latest), held };
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
