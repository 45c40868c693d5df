// Keeps pictures of one input in order until they are wanted: a few in memory, the rest on disk.

import { open, type FileHandle } from 'node:fs/promises';
import { tensor, type Frame, type Picture } from '@deepearth/core';

/** Frames are handles and need no room; pictures do. */
export type Panel = Picture | Frame;

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
  /** The oldest; `undefined` when there is none. */
  shift(): Promise<Panel | undefined>;
  close(): Promise<void>;
}

/**
 * Holds at most `inMemory` pictures; the pixels of others wait in the file at `path`, which is made when it is needed.
 */
export function pictureQueue(path: () => Promise<string>, inMemory = 4): PictureQueue {
  const kept: Kept[] = [];
  let file: FileHandle | undefined;
  let end = 0;
  let onDisk = 0;
  return {
    get length() {
      return kept.length;
    },
    async push(panel) {
      if (panel.kind === 'frame' || kept.length - onDisk < inMemory) return void kept.push(panel);
      file ??= await open(await path(), 'w+');
      const { pixels, ...picture } = panel;
      await file.write(pixels.data, 0, pixels.data.length, end);
      kept.push({ picture, shape: pixels.shape, offset: end, bytes: pixels.data.length });
      end += pixels.data.length;
      onDisk++;
    },
    async shift() {
      const first = kept.shift();
      if (!first || 'kind' in first) return first;
      const data = new Uint8Array(first.bytes);
      await file!.read(data, 0, first.bytes, first.offset);
      if (--onDisk === 0) {
        // All has been fetched: begin the file anew, so that it does not grow with the length of the run.
        await file!.truncate(0);
        end = 0;
      }
      return { ...first.picture, pixels: tensor('uint8', first.shape, data) };
    },
    close: async () => file?.close(),
  };
}
