// Asks a worker thread for work, one promise per request.

import { builtUrl } from '@deepearth/core/built-url';
import type { Progress } from './model.ts';

export interface WorkerClient {
  /** Sends a request and waits for its answer; the transferred buffers are gone here. */
  request<T>(name: string, argument?: unknown, transfer?: readonly ArrayBufferLike[]): Promise<T>;
  /** Ends the thread; requests under way are rejected, with the reason given or one that says so. */
  close(reason?: unknown): Promise<void>;
}

/** What goes over: a request, and its answers. */
export interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failed: string }
  | { readonly id: number; readonly step: string; readonly done: number; readonly total: number | null };

export interface WorkerOptions {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/**
 * Starts the built worker `name` ('./umap-js-worker.js') of this package. When the signal aborts, the thread is ended at once and requests are rejected with its
 * reason; a thread that dies rejects them with what is known of its end. It keeps no process alive while nothing is asked of it.
 */
export async function startWorker(name: string, { signal, progress }: WorkerOptions): Promise<WorkerClient> {
  signal?.throwIfAborted();
  const { Worker } = await import('node:worker_threads');
  // Without the flags of this process: a test runner's would send the built worker back to the sources.
  const worker = new Worker(builtUrl(name, import.meta.url), { execArgv: [] });
  worker.unref();
  const waiting = new Map<number, { resolve: (result: any) => void; reject: (error: unknown) => void }>();
  let asked = 0;
  let ended: unknown;
  const settle = (id: number) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    return one;
  };
  const end = (reason: unknown): void => {
    ended ??= reason;
    signal?.removeEventListener('abort', onAbort);
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
  };
  const onAbort = (): void => {
    end(signal!.reason);
    void worker.terminate();
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  worker.on('message', (reply: Reply) => {
    if ('step' in reply) progress?.(reply.step, reply.done, reply.total);
    else if ('failed' in reply) settle(reply.id)?.reject(new Error(reply.failed));
    else settle(reply.id)?.resolve(reply.result);
  });
  worker.on('error', (cause) => end(new Error(`the worker ${name} died: ${cause.message}`, { cause })));
  worker.on('exit', (code) => end(new Error(`the worker ${name} ended with code ${code} before it answered; was it out of memory?`)));
  return {
    request(name, argument, transfer = []) {
      return new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        const id = ++asked;
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, name, argument } satisfies Request, transfer as ArrayBuffer[]);
      });
    },
    async close(reason = new Error(`the worker ${name} was closed`)) {
      end(reason);
      await worker.terminate();
    },
  };
}
