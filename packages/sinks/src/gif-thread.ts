// Encodes GIFs in a thread of its own, so that the event loop stays free and a run can be ended meanwhile.

import { builtUrl } from '@deepearth/core/built-url';
import { startWorker } from '@deepearth/core/worker-client';
import type { AnimationWriter } from '@deepearth/vision/animation';
import type { GifOptions } from './gif-frames.ts';
import type { GifReply } from './gif-worker.ts';

/** Copies that wait to be used again; one is on its way at a time. */
const mostSpare = 2;

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
  /** Memory for copies of pictures: new memory for each would keep the garbage collector busy. */
  let spare: ArrayBuffer[] = [];
  const ask = async (name: string, argument: unknown, transfer?: ArrayBuffer[]): Promise<Uint8Array[]> => {
    const { parts, free } = await worker.request<GifReply>(name, argument, transfer);
    spare = [...spare, ...free].slice(-mostSpare);
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
          const last = spare.pop();
          const copy = new Uint8Array(last?.byteLength === data.length ? last : new ArrayBuffer(data.length));
          copy.set(data);
          release?.();
          return ask('add', { file, picture: { width, height, channels, data: copy } }, [copy.buffer]);
        },
        end: () => ask('end', { file }),
      };
    },
    close: () => worker.close(),
  };
}
