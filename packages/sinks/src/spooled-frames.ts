// Encodes pictures a few at a time and keeps them on disk in their order, for files whose head says how many there are.

import type { Scratch } from '@deepearth/core';
import { scratchPieces } from '@deepearth/core/scratch-pieces';
import type { AnimationPicture } from '@deepearth/vision/animation';

/** Pictures that are encoded at a time; encoding runs beside this thread. */
const underWay = 3;

/** Encoded pictures, on disk. */
export interface SpooledFrames {
  /** Starts to encode a picture; waits while too many are under way. */
  add(picture: AnimationPicture): Promise<void>;
  /** Waits for all of them; returns how many there are. */
  settle(): Promise<number>;
  /** Bytes of all of them, and how many there are. */
  readonly bytes: number;
  parts(): AsyncGenerator<Uint8Array>;
  /** Waits for what is under way and gives the disk back. */
  close(): Promise<void>;
}

/** Starts with none; `frame` makes the bytes of a picture that has been encoded, in the order of the pictures. */
export function spooledFrames(
  scratch: Scratch,
  encode: (picture: AnimationPicture) => Promise<Uint8Array>,
  frame: (encoded: Uint8Array, index: number) => Uint8Array,
): SpooledFrames {
  const coding: Promise<Uint8Array>[] = [];
  let count = 0;
  const take = async (): Promise<void> => {
    await scratch.append(frame(await coding.shift()!, count));
    count++;
  };
  return {
    async add(picture) {
      const encoded = encode(picture);
      // A failure is met when its turn comes; until then it is no unhandled one.
      encoded.then(
        () => picture.release?.(),
        () => undefined,
      );
      coding.push(encoded);
      while (coding.length >= underWay) await take();
    },
    async settle() {
      while (coding.length) await take();
      return count;
    },
    get bytes() {
      return scratch.length;
    },
    parts: () => scratchPieces(scratch, scratch.length),
    async close() {
      await Promise.allSettled(coding);
      await scratch.clear();
    },
  };
}
