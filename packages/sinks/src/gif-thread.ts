// Encodes GIFs in a thread of its own, so that the event loop stays free and a run can be ended meanwhile.

import { builtUrl } from '@deepearth/core/built-url';
import { startWorker } from '@deepearth/core/worker-client';
import type { AnimationWriter } from '@deepearth/vision/animation';
import type { GifOptions } from './gif-frames.ts';
import type { GifReply } from './gif-worker.ts';

/** Of copies that wait to be used again: files of several sizes take turns. */
const mostSpareBytes = 2 ** 25;

/** The thread. */
export interface GifThread {
  /** Starts a file; see `gifWriter`. */
  start(options: GifOptions): AnimationWriter;
  close(): Promise<void>;
}

/** Starts the thread; when the signal aborts, what was asked of it is rejected and it ends at once. */
export async function gifThread(signal: AbortSignal): Promise<GifThread> {
  const worker = await startWorker(builtUrl('./gif-worker.js', import.meta.url), { signal });
  let files = 0;
  /**
   * Memory for copies of pictures, used again, and shared: new memory for each keeps the garbage collector busy, and so
   * does memory that goes to the thread and comes back, which counts as new each time.
   */
  const copies = new Map<number, SharedArrayBuffer>();
  let made = 0;
  /** Numbers of copies that nobody needs, the longest spare first. */
  const spare: number[] = [];
  const copyOf = (pixels: Uint8Array): number => {
    const at = spare.findIndex((copy) => copies.get(copy)!.byteLength === pixels.length);
    const [copy = made++] = at >= 0 ? spare.splice(at, 1) : [];
    if (at < 0) copies.set(copy, new SharedArrayBuffer(pixels.length));
    new Uint8Array(copies.get(copy)!).set(pixels);
    return copy;
  };
  const ask = async (name: string, argument: unknown): Promise<Uint8Array[]> => {
    const { parts, free } = await worker.request<GifReply>(name, argument);
    spare.push(...free);
    let bytes = spare.reduce((sum, copy) => sum + copies.get(copy)!.byteLength, 0);
    while (bytes > mostSpareBytes) {
      const first = spare.shift()!;
      bytes -= copies.get(first)!.byteLength;
      copies.delete(first);
    }
    return parts;
  };
  return {
    start(options) {
      const file = files++;
      const started = worker.request('start', { file, options });
      started.catch(() => undefined); // it rejects for who adds the first picture
      return {
        async add({ data, width, height, channels, release }) {
          await started;
          // A copy: others may still look at the picture, and posting a view would clone all that is behind it.
          const copy = copyOf(data);
          release?.();
          return ask('add', {
            file,
            copy,
            picture: { width, height, channels, data: new Uint8Array(copies.get(copy)!) },
          });
        },
        end: () => ask('end', { file }),
      };
    },
    close: () => worker.close(),
  };
}
