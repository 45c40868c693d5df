// The thread that chooses colours and compresses: one of a run's `sink/gif` has one, whatever the number of its files.

import { serve } from '@deepearth/core/worker-server';
import { gifWriter, type GifOptions, type GifPicture, type GifWriter } from './gif-frames.ts';

const writers = new Map<number, GifWriter>();

const parts = (made: readonly Uint8Array[]) => ({ result: made, transfer: made.map(({ buffer }) => buffer) });

serve({
  async start({ file, options }: { readonly file: number; readonly options: GifOptions }) {
    writers.set(file, await gifWriter(options));
    return {};
  },
  add: ({ file, picture }: { readonly file: number; readonly picture: GifPicture }) =>
    parts(writers.get(file)!.add(picture)),
  end({ file }: { readonly file: number }) {
    const rest = parts(writers.get(file)!.end());
    writers.delete(file);
    return rest;
  },
});
