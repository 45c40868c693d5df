// The other end of worker-client: serves requests within a worker thread.

import { parentPort } from 'node:worker_threads';
import { lastRequest, type Reply, type Request, type WorkerProgress } from './worker-client.ts';

/**
 * Returns a request: the result and the buffers to hand over with it. The signal is aborted when the thread is closed.
 */
export type Handler = (argument: any, progress: WorkerProgress, signal: AbortSignal) => Promise<Answer> | Answer;
export interface Answer {
  readonly result?: unknown;
  readonly transfer?: readonly ArrayBufferLike[];
}

/** Serves requests one after the other; when it is closed, it drops those that wait and lets the thread end. */
export function serve(handlers: Readonly<Record<string, Handler>>): void {
  const port = parentPort!;
  const post = (reply: Reply, transfer: readonly ArrayBufferLike[] = []): void =>
    port.postMessage(reply, transfer as ArrayBuffer[]);
  let former: Promise<void> = Promise.resolve();
  const closing = new AbortController();
  port.on('message', ({ id, name, argument }: Request) => {
    if (name === lastRequest) {
      closing.abort();
      former = former.then(() => port.close());
      return;
    }
    former = former.then(async () => {
      if (closing.signal.aborted) return;
      try {
        const { result, transfer } = await handlers[name]!(
          argument,
          (step, done, total) => post({ id, step, done, total }),
          closing.signal,
        );
        post({ id, result }, transfer);
      } catch (error) {
        post({ id, failed: error instanceof Error ? error.message : String(error) });
      }
      // A turn of the event loop, so that a request to close is heard before the next one starts.
      await new Promise((resolve) => setImmediate(resolve));
    });
  });
}
