// Encodes GIFs in a thread of its own, so that the event loop stays free and a run can be ended meanwhile.

import { builtUrl } from '@deepearth/core/built-url';
import { freeMemory } from '@deepearth/core/free-memory';
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
  const spare = freeMemory<SharedArrayBuffer>(mostSpareBytes);
  /** The copies that the thread has, by their numbers. */
  const lent = new Map<number, SharedArrayBuffer>();
  let copies = 0;
  const ask = async (name: string, argument: unknown): Promise<Uint8Array[]> => {
    const { parts, free } = await worker.request<GifReply>(name, argument);
    for (const copy of free) {
      spare.give(lent.get(copy)!);
      lent.delete(copy);
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
          const memory = spare.take(data.length) ?? new SharedArrayBuffer(data.length);
          const pixels = new Uint8Array(memory);
          pixels.set(data);
          release?.();
          const copy = copies++;
          lent.set(copy, memory);
          return ask('add', { file, copy, picture: { width, height, channels, data: pixels } });
        },
        end: () => ask('end', { file }),
      };
    },
    close: () => worker.close(),
  };
}
