// Keeps pictures of one input in order, sequence by sequence, until they are wanted: a few in memory, the rest in
// scratch.

import { frameInBytes, tensor, type Frame, type Picture, type Scratch } from '@deepearth/core';

/** Frames are handles and need little room; pictures need much. */
export type Panel = Picture | Frame;

/** The frame that a panel shows. */
export const frameOf = (panel: Panel): Frame => (panel.kind === 'frame' ? panel : panel.frame);

/** Bytes in the scratch, and what they are. */
interface Stored {
  readonly offset: number;
  readonly bytes: number;
  readonly make: (bytes: Uint8Array) => Panel;
}

type Kept = Panel | { readonly stored: Stored };

export interface PictureQueue {
  readonly length: number;
  push(panel: Panel): Promise<void>;
  /** The oldest of a sequence; `undefined` when there is none. */
  shift(sequence: string): Promise<Panel | undefined>;
}

/**
 * Holds at most `inMemory` pictures and 64 times as many frames; the pixels of other pictures wait in the scratch, and
 * other frames where their source reads them by their locator. It is opened when it is needed and belongs to whoever
 * opens it.
 */
export function pictureQueue(
  open: () => Promise<Pick<Scratch, 'append' | 'read' | 'clear'>>,
  inMemory = 4,
): PictureQueue {
  const kept = new Map<string, Kept[]>();
  let length = 0;
  let frames = 0;
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
        const inBytes = panel.kind === 'frame' ? frameInBytes(panel) : pictureInBytes(panel);
        const room = panel.kind === 'frame' ? frames < 64 * inMemory : length - frames - stored < inMemory;
        if (room || !inBytes) {
          if (panel.kind === 'frame') frames++;
          return keep(sequence, panel);
        }
        const { bytes, make } = inBytes;
        const offset = await (await (scratch ??= open())).append(bytes);
        keep(sequence, { stored: { offset, bytes: bytes.length, make } });
        stored++;
      }),
    shift: (sequence) =>
      inTurn(async () => {
        const entries = kept.get(sequence);
        const first = entries?.shift();
        if (!first) return undefined;
        length--;
        if (entries!.length === 0) kept.delete(sequence);
        if ('kind' in first) {
          if (first.kind === 'frame') frames--;
          return first;
        }
        const { offset, bytes, make } = first.stored;
        const room = await scratch!;
        const data = await room.read(offset, bytes);
        // All has been fetched: the scratch begins anew, so that it does not grow with the length of the run.
        if (--stored === 0) await room.clear();
        return make(data);
      }),
  };
}

/** A picture's pixels, and what makes the picture of them again, which holds none of them. */
function pictureInBytes({ pixels: { shape, data }, ...picture }: Picture): {
  readonly bytes: Uint8Array;
  readonly make: (bytes: Uint8Array) => Picture;
} {
  return { bytes: data, make: (bytes) => ({ ...picture, pixels: tensor('uint8', shape, bytes) }) };
}
