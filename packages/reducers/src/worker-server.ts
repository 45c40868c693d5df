// The other end of worker-client: answers requests within a worker thread.

import { parentPort } from 'node:worker_threads';
import type { Progress } from './model.ts';
import type { Reply, Request } from './worker-client.ts';

/** Answers a request: the result and the buffers to hand over with it. */
export type Handler = (argument: any, progress: Progress) => Promise<Answer> | Answer;
export interface Answer {
  readonly result?: unknown;
  readonly transfer?: readonly ArrayBufferLike[];
}

/** Serves requests one after the other. */
export function serve(handlers: Readonly<Record<string, Handler>>): void {
  const port = parentPort!;
  const post = (reply: Reply, transfer: readonly ArrayBufferLike[] = []): void => port.postMessage(reply, transfer as ArrayBuffer[]);
  let former: Promise<void> = Promise.resolve();
  port.on('message', ({ id, name, argument }: Request) => {
    former = former.then(async () => {
      try {
        const { result, transfer } = await handlers[name]!(argument, (step, done, total) => post({ id, step, done, total }));
        post({ id, result }, transfer);
      } catch (error) {
        post({ id, failed: error instanceof Error ? error.message : String(error) });
      }
    });
  });
}
