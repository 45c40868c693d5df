// Where decoding begins, so that a frame comes out whole.

import type { VideoIndex } from './video-index.ts';

/** A place to begin at. */
export interface SeekPoint {
  /** The last frame, up to the one that is wanted, that needs no other: what was found is right once it comes out. */
  readonly key: number;
  /** The time to ask for, counted from the beginning of the file; `undefined` for the beginning. */
  readonly seconds: number | undefined;
}

/** The last frame up to a number that needs no other to be decoded; 0 where there is none. */
export function keyBefore(keys: Uint8Array, number: number): number {
  let at = number;
  while (at > 0 && keys[at] === 0) at--;
  return at;
}

/**
 * The place for a frame. Containers that are searched by when a frame is decoded, and not by when it is shown, or that
 * have no index, lead behind it: `keysBack` says from how many keys before the last one it is looked for.
 */
export function seekPoint({ keys, seconds, startSeconds }: VideoIndex, number: number, keysBack: number): SeekPoint {
  const key = keyBefore(keys, number);
  let start = key;
  for (let i = 0; i < keysBack && start > 0; i++) start = keyBefore(keys, start - 1);
  const at = seconds[keysBack === 0 ? number : start]! - startSeconds - 0.0005;
  return { key, seconds: start > 0 && at > 0 ? at : undefined };
}
