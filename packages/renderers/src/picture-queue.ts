// Keeps pictures of one input in order, sequence by sequence, until they are wanted: a few in memory, the rest in scratch.

import { tensor, type Frame, type Picture, type Scratch } from '@deepearth/core';

/** Frames are handles and need no room; pictures do. */
export type Panel = Picture | Frame;

/** The frame that a panel shows. */
export const frameOf = (panel: Panel): Frame => (panel.kind === 'frame' ? panel : panel.frame);

type Kept =
  | Panel
  | {
      readonly picture: Omit<Picture, 'pixels'>;
      readonly shape: readonly number[];
      readonly offset: number;
      readonly bytes: number;
    };

export interface PictureQueue {
  readonly length: number;
  push(panel: Panel): Promise<void>;
  /** The oldest of a sequence; `undefined` when there is none. */
  shift(sequence: string): Promise<Panel | undefined>;
}

/**
 * Holds at most `inMemory` pictures; the pixels of others wait in the scratch, which is opened when it is needed and
 * belongs to whoever opens it.
 */
export function pictureQueue(
  open: () => Promise<Pick<Scratch, 'append' | 'read' | 'clear'>>,
  inMemory = 4,
): PictureQueue {
  const kept = new Map<string, Kept[]>();
  let length = 0;
  let scratch: ReturnType<typeof open> | undefined;
  let stored = 0;
  // One step after another: clearing the scratch must not overtake pixels that are still on their way into it.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const turn = last.then(step);
    last = turn.catch(() => undefined);
    return turn;
  };
  const keep = (sequence: string, entry: Kept): void => {
    const entries = kept.get(sequence);
    if (entries) entries.push(entry);
    else kept.set(sequence, [entry]);
    length++;
  };
  return {
    get length() {
      return length;
    },
    push: (panel) =>
      inTurn(async () => {
        const { sequence } = frameOf(panel);
        if (panel.kind === 'frame' || length - stored < inMemory) return keep(sequence, panel);
        const { pixels, ...picture } = panel;
        const offset = await (await (scratch ??= open())).append(pixels.data);
        keep(sequence, { picture, shape: pixels.shape, offset, bytes: pixels.data.length });
        stored++;
      }),
    shift: (sequence) =>
      inTurn(async () => {
        const entries = kept.get(sequence);
        const first = entries?.shift();
        if (!first) return undefined;
        length--;
        if (entries!.length === 0) kept.delete(sequence);
        if ('kind' in first) return first;
        const room = await scratch!;
        const data = await room.read(first.offset, first.bytes);
        // All has been fetched: the scratch begins anew, so that it does not grow with the length of the run.
        if (--stored === 0) await room.clear();
        return { ...first.picture, pixels: tensor('uint8', first.shape, data) };
      }),
  };
}
