// A worker thread of the engine, in Node and in a browser.

import { Stopped } from './context.ts';
import type { JobName } from './jobs.ts';
import { startThread, type Thread, type ThreadSetup } from './thread.ts';

/** What the engine asks of a worker. */
export type Request =
  | { readonly kind: 'start'; readonly setup: ThreadSetup }
  | { readonly kind: 'run'; readonly name: JobName; readonly params: unknown }
  | { readonly kind: 'stop' }
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'read'; readonly at: number; readonly length: number };

/** What a worker returns; `progress` comes only where memory is not shared. */
export type Reply =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'progress'; readonly units: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string | undefined };

interface Port {
  postMessage(message: Reply, transfer?: ArrayBuffer[]): void;
}

function serve(port: Port): (request: Request) => void {
  let thread: Thread | undefined;
  const answer = async (request: Request): Promise<unknown> => {
    if (request.kind === 'start') return void (thread = await startThread(request.setup));
    if (!thread) throw new Error('the worker was not started');
    const { main } = thread;
    if (request.kind === 'write') return new Uint8Array(main.memory.buffer).set(request.bytes, request.at);
    if (request.kind === 'read') return new Uint8Array(main.memory.buffer, request.at, request.length).slice();
    if (request.kind === 'run')
      return thread.run(request.name, request.params, (units) => port.postMessage({ kind: 'progress', units }));
  };
  return (request) => {
    if (request.kind === 'stop') return thread?.stop();
    void answer(request).then(
      (value) =>
        port.postMessage({ kind: 'done', value }, value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []),
      (error: unknown) =>
        port.postMessage(
          error instanceof Stopped
            ? { kind: 'stopped' }
            : {
                kind: 'failed',
                message: error instanceof Error ? error.message : String(error),
                stack: error instanceof Error ? error.stack : undefined,
              },
        ),
    );
  };
}

interface BrowserScope extends Port {
  onmessage: ((event: { data: Request }) => void) | null;
}

if (typeof process !== 'undefined' && process.versions?.node) {
  const name = 'node:worker_threads'; // not a literal: bundlers for browsers would look for it
  const { parentPort } = (await import(/* @vite-ignore */ name)) as typeof import('node:worker_threads');
  if (parentPort) parentPort.on('message', serve(parentPort as unknown as Port));
} else {
  const scope = globalThis as unknown as BrowserScope;
  const handle = serve(scope);
  scope.onmessage = ({ data }) => handle(data);
}
