// Asks a worker thread for work, one promise per request.

import { switchOffTelemetry } from './no-telemetry.ts';

/** Told while work goes on: a step, what of it is done, and of how many where that is known. */
export type WorkerProgress = (step: string, done: number, total: number | null) => void;

/** A worker thread that serves requests. */
export interface WorkerClient {
  /** Sends a request and waits for its reply; the transferred buffers are gone here. */
  request<T>(name: string, argument?: unknown, transfer?: readonly ArrayBufferLike[]): Promise<T>;
  /**
   * Rejects requests under way, with the reason given or one that says so, and waits until the thread has ended. May be
   * called twice.
   */
  close(reason?: unknown): Promise<void>;
}

/** What goes over: a request, and its replies. */
export interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failed: string }
  | { readonly id: number; readonly step: string; readonly done: number; readonly total: number | null };

/** The request after which a thread does nothing more. */
export const lastRequest = 'close';

export interface WorkerOptions {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: WorkerProgress | undefined;
  /**
   * True when the thread calls native code: it is let finish the call it is in (ending a thread inside of ONNX Runtime
   * takes the whole process down, 1.30), so its calls have to be short. Other threads are ended at once.
   */
  readonly native?: boolean;
}

/**
 * Starts a built worker (see `builtUrl`) whose module calls `serve`. When the signal aborts, requests are rejected with
 * its reason at once and the thread is closed; a thread that dies rejects them with what is known of its end. It keeps
 * no process alive while nothing is asked of it.
 */
export async function startWorker(
  url: URL,
  { signal, progress, native = false }: WorkerOptions,
): Promise<WorkerClient> {
  signal?.throwIfAborted();
  const threads = 'node:worker_threads'; // not a literal: bundlers for browsers, where this line is not reached, would look for it
  const { Worker } = (await import(/* @vite-ignore */ threads)) as typeof import('node:worker_threads');
  // Without the flags of this process: a test runner's would send the built worker back to the sources.
  switchOffTelemetry();
  const worker = new Worker(url, { execArgv: [] });
  const name = url.pathname.split('/').at(-1)!;
  worker.unref();
  const gone = new Promise<void>((resolve) => void worker.once('exit', () => resolve()));
  const waiting = new Map<number, { resolve: (result: any) => void; reject: (error: unknown) => void }>();
  let asked = 0;
  let ended: unknown;
  const settle = (id: number) => {
    const one = waiting.get(id);
    waiting.delete(id);
    // A late reply of a thread that is being closed is nobody's: its end is waited for, and must keep the process
    // alive.
    if (waiting.size === 0 && ended === undefined) worker.unref();
    return one;
  };
  const end = (reason: unknown): void => {
    ended ??= reason;
    signal?.removeEventListener('abort', onAbort);
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
  };
  const close = async (reason: unknown = new Error(`the worker ${name} was closed`)): Promise<void> => {
    const first = ended === undefined;
    end(reason);
    if (first) {
      worker.ref();
      if (native) worker.postMessage({ id: 0, name: lastRequest, argument: undefined } satisfies Request);
      else void worker.terminate();
    }
    await gone;
  };
  const onAbort = (): void => void close(signal!.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  worker.on('message', (reply: Reply) => {
    if ('step' in reply) progress?.(reply.step, reply.done, reply.total);
    else if ('failed' in reply) settle(reply.id)?.reject(new Error(reply.failed));
    else settle(reply.id)?.resolve(reply.result);
  });
  worker.on('error', (cause) => end(new Error(`the worker ${name} died: ${cause.message}`, { cause })));
  worker.on('exit', (code) =>
    end(new Error(`the worker ${name} ended with code ${code} before it answered; was it out of memory?`)),
  );
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
    close,
  };
}
