// Keeps clips that wait: the records of their frames on disk, what reads them at hand.

import type { Clip, Frame, FrameRecord } from './items.ts';
import { readableFrame, readerOf, type LocatorReader } from './readable-frame.ts';
import type { Scratch } from './stage.ts';

/** A clip that was put down: itself where a frame of it can be read by nothing else, else where it lies. */
export type ShelvedClip =
  | Clip
  | {
      readonly offset: number;
      readonly bytes: number;
      /** Of its frames; all of them have the same. */
      readonly reader: LocatorReader;
    };

/** Clips in scratch. */
export interface ClipShelf {
  put(clip: Clip): Promise<ShelvedClip>;
  /** An equal clip; may be called again. */
  take(shelved: ShelvedClip): Promise<Clip>;
}

/** The scratch belongs to whoever opens it. */
export function clipShelf(scratch: Pick<Scratch, 'append' | 'read'>): ClipShelf {
  return {
    async put(clip) {
      const reader = commonReader(clip.frames);
      if (!reader) return clip;
      const records = clip.frames.map(({ read: _, ...record }): FrameRecord => record);
      const bytes = new TextEncoder().encode(JSON.stringify({ ...clip, frames: records }));
      return { offset: await scratch.append(bytes), bytes: bytes.length, reader };
    },
    async take(shelved) {
      if ('kind' in shelved) return shelved;
      const { offset, bytes, reader } = shelved;
      const text = new TextDecoder().decode(await scratch.read(offset, bytes));
      const { frames, ...clip } = JSON.parse(text) as Omit<Clip, 'frames'> & { readonly frames: FrameRecord[] };
      return { ...clip, frames: frames.map((record) => readableFrame(record, reader)) };
    },
  };
}

function commonReader([first, ...others]: readonly Frame[]): LocatorReader | undefined {
  const reader = first && readerOf(first);
  return others.every((frame) => readerOf(frame) === reader) ? reader : undefined;
}
