// The thread that chooses colours and compresses: one of a run's `sink/gif` has one, whatever the number of its files.

import { serve } from '@deepearth/core/worker-server';
import { gifWriter, type GifOptions, type GifPicture, type GifWriter } from './gif-frames.ts';

/** Parts of a file, and the copies of pictures that are in it. */
export interface GifReply {
  readonly parts: Uint8Array[];
  readonly free: number[];
}

const writers = new Map<number, GifWriter>();
const copyOf = new WeakMap<GifPicture, number>();
let free: number[] = [];

function reply(parts: Uint8Array[]) {
  const result: GifReply = { parts, free };
  free = [];
  return { result, transfer: parts.map(({ buffer }) => buffer) };
}

serve({
  async start({ file, options }: { readonly file: number; readonly options: GifOptions }) {
    writers.set(file, await gifWriter(options, (picture) => void free.push(copyOf.get(picture)!)));
    return {};
  },
  add({ file, copy, picture }: { readonly file: number; readonly copy: number; readonly picture: GifPicture }) {
    copyOf.set(picture, copy);
    return reply(writers.get(file)!.add(picture));
  },
  end({ file }: { readonly file: number }) {
    const rest = reply(writers.get(file)!.end());
    writers.delete(file);
    return rest;
  },
});
