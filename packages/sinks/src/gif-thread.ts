// Encodes GIFs in a thread of its own, so that the event loop stays free and a run can be ended meanwhile.

import { builtUrl } from '@deepearth/core/built-url';
import { startWorker } from '@deepearth/core/worker-client';
import type { AnimationWriter } from '@deepearth/vision/animation';
import type { GifOptions } from './gif-frames.ts';

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
  return {
    start(options) {
      const file = files++;
      const started = worker.request('start', { file, options });
      started.catch(() => undefined); // it rejects for who adds the first picture
      return {
        async add({ data, ...size }) {
          await started;
          // A copy: others may still look at the picture, and posting a view would clone all that is behind it.
          const copy = data.slice();
          return worker.request<Uint8Array[]>('add', { file, picture: { ...size, data: copy } }, [copy.buffer]);
        },
        end: () => worker.request<Uint8Array[]>('end', { file }),
      };
    },
    close: () => worker.close(),
  };
}
