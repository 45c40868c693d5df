// The commanding side of the engine: starts threads, hands out jobs, listens to the signal, never works itself for
// long.

import { switchOffTelemetry } from '@deepearth/core/no-telemetry';
import { builtUrl } from '@deepearth/core/built-url';
import type { Progress } from '../models/model.ts';
import { pause } from '../shared/pace.ts';
import { control } from './context.ts';
import type { AnswerOf, JobName, ParamsOf } from './jobs.ts';
import { memoryOf, type KernelMemory } from './kernel.ts';
import { startThread } from './thread.ts';
import type { Reply, Request } from './worker.ts';

export interface EngineOptions {
  readonly bytes: number;
  /** Threads; 1 where memory cannot be shared. */
  readonly threads: number;
  /** A memory of a former engine, to go on with what is in it. */
  readonly memory?: KernelMemory;
  /** False: everything happens beside the caller, in slices of some milliseconds. */
  readonly workers?: boolean;
  /** Loads ONNX Runtime while the caller still brings rows. */
  readonly onnx?: boolean;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: Progress | undefined;
  /** What the progress is called, and how many units the job has. */
  readonly step?: string;
  readonly total?: number;
}

export interface Engine {
  readonly threads: number;
  /** Shared by the threads and the caller; undefined where memory cannot be shared. */
  readonly memory: KernelMemory | undefined;
  /** Runs a job in all threads; returns what each returned. Rejects with the signal's reason when it is aborted. */
  run<N extends JobName>(name: N, params: ParamsOf<N>, options?: RunOptions): Promise<AnswerOf<N>[]>;
  write(at: number, values: Float32Array | Uint32Array): Promise<void>;
  /** Writes `[rows, channels]` as rows of `stride` values, the rest zeros (as a fresh memory has them). */
  writeRows(at: number, rows: Float32Array, channels: number, stride: number): Promise<void>;
  read(at: number, length: number): Promise<Float32Array>;
  /** Whether the process waits for the threads. */
  hold(held: boolean): void;
  close(): Promise<void>;
}

/** A worker, or the caller's own thread, behind the same two functions. */
interface Peer {
  send(request: Request, transfer?: ArrayBuffer[]): Promise<unknown>;
  post(request: Request): void;
  hold(held: boolean): void;
  close(): Promise<void>;
}

/** Sent by a peer that stopped. */
const stopped = Symbol('stopped');
/** Copies of more than this block the caller for a noticeable time. */
const copyBytes = 1 << 20;
const progressMilliseconds = 200;

const inNode = typeof process !== 'undefined' && !!process.versions?.node;

/** Whether threads can share memory here: always in Node, in a browser only on a page that is cross-origin isolated. */
export const canShare = (): boolean =>
  typeof SharedArrayBuffer !== 'undefined' &&
  (inNode || (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true);

/** Threads that are worth starting here. */
export const defaultThreads = async (): Promise<number> => {
  if (!canShare()) return 1;
  const name = 'node:os';
  const count = inNode
    ? ((await import(/* @vite-ignore */ name)) as typeof import('node:os')).availableParallelism()
    : (navigator.hardwareConcurrency ?? 2);
  return Math.max(1, Math.min(8, count));
};

/**
 * Starts an engine; its threads may still be starting when it returns, the first job waits for them. `close` it, or
 * they stay.
 */
export async function openEngine({
  bytes,
  threads,
  memory: former,
  workers: wanted = true,
  onnx = false,
}: EngineOptions): Promise<Engine> {
  const workers = wanted && (inNode || typeof Worker !== 'undefined');
  const share = workers && canShare();
  const count = share ? threads : 1;
  const memory = share ? (former ?? memoryOf(bytes, true)) : undefined;
  const words = share ? new Int32Array(new SharedArrayBuffer(control.words * 4)) : undefined;
  let heard: (units: number) => void = () => undefined;
  const peers = await Promise.all(
    Array.from({ length: count }, () =>
      workers ? startWorker((units) => heard(units)) : startInline((units) => heard(units)),
    ),
  );
  const setup = { threads: count, bytes, onnx, ...(memory ? { memory } : {}), ...(words ? { control: words } : {}) };
  const ready = Promise.all(peers.map((peer, index) => peer.send({ kind: 'start', setup: { ...setup, index } })));
  ready.catch(() => undefined); // whoever asks something of the engine hears of it

  return {
    threads: count,
    memory,
    async run(name, params, { signal, onProgress, step = name, total = 0 } = {}) {
      await ready;
      signal?.throwIfAborted();
      words?.fill(0);
      let done = 0;
      const stop = (): void => {
        if (words) Atomics.store(words, control.stop, 1);
        else peers[0]!.post({ kind: 'stop' });
      };
      const report = (): void =>
        onProgress?.(step, Math.min(total, words ? Atomics.load(words, control.progress) >>> 0 : done), total || null);
      heard = (units) => void (done += units);
      signal?.addEventListener('abort', stop, { once: true });
      const timer = onProgress && setInterval(report, progressMilliseconds);
      try {
        const answers = await Promise.allSettled(
          peers.map((peer) =>
            peer
              .send({ kind: 'run', name, params })
              .then((answer) => {
                if (answer === stopped) throw stopped;
                return answer;
              })
              .catch((error: unknown) => {
                stop();
                throw error;
              }),
          ),
        );
        signal?.throwIfAborted();
        const failed = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
        if (failed.length) throw failed.find((reason) => reason !== stopped) ?? new Error('the engine was stopped');
        return answers.map((answer) => (answer as PromiseFulfilledResult<never>).value);
      } finally {
        clearInterval(timer);
        signal?.removeEventListener('abort', stop);
      }
    },
    async write(at, values) {
      if (!memory) await ready;
      const bytesOf = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      for (let from = 0; from < bytesOf.length; from += copyBytes) {
        const part = bytesOf.subarray(from, from + copyBytes);
        if (memory) new Uint8Array(memory.buffer).set(part, at + from);
        else await peers[0]!.send({ kind: 'write', at: at + from, bytes: part.slice() });
        if (from > 0) await pause();
      }
    },
    async writeRows(at, rows, channels, stride) {
      if (!memory) await ready;
      const count = rows.length / channels;
      const atOnce = Math.max(1, Math.floor(copyBytes / (stride * 4)));
      for (let from = 0; from < count; from += atOnce) {
        const to = Math.min(count, from + atOnce);
        const target = memory
          ? new Float32Array(memory.buffer, at + from * stride * 4, (to - from) * stride)
          : new Float32Array((to - from) * stride);
        for (let i = from; i < to; i++)
          target.set(rows.subarray(i * channels, (i + 1) * channels), (i - from) * stride);
        if (!memory)
          await peers[0]!.send({
            kind: 'write',
            at: at + from * stride * 4,
            bytes: new Uint8Array(target.buffer as ArrayBuffer),
          });
        if (from > 0) await pause();
      }
    },
    async read(at, length) {
      await ready;
      const out = new Float32Array(length);
      const bytesOf = new Uint8Array(out.buffer);
      for (let from = 0; from < bytesOf.length; from += copyBytes) {
        const size = Math.min(copyBytes, bytesOf.length - from);
        bytesOf.set(
          memory
            ? new Uint8Array(memory.buffer, at + from, size)
            : ((await peers[0]!.send({ kind: 'read', at: at + from, length: size })) as Uint8Array),
          from,
        );
        if (from > 0) await pause();
      }
      return out;
    },
    hold: (held) => peers.forEach((peer) => peer.hold(held)),
    async close() {
      if (words) Atomics.store(words, control.stop, 1); // threads that are still starting need not go on
      await ready.catch(() => undefined); // a thread that is ended while ONNX Runtime loads could end the process
      await Promise.all(peers.map((peer) => peer.close()));
    },
  };
}

/** Pairs requests with replies: a worker replies in order. */
function conversation(progress: (units: number) => void): {
  reply(message: Reply): void;
  fail(error: unknown): void;
  wait(): Promise<unknown>;
} {
  const waiting: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
  return {
    reply(message) {
      if (message.kind === 'progress') return progress(message.units);
      const next = waiting.shift();
      if (message.kind === 'failed') next?.reject(Object.assign(new Error(message.message), { stack: message.stack }));
      else next?.resolve(message.kind === 'stopped' ? stopped : message.value);
    },
    fail: (error) => waiting.splice(0).forEach(({ reject }) => reject(error)),
    wait: () => new Promise((resolve, reject) => waiting.push({ resolve, reject })),
  };
}

async function startWorker(progress: (units: number) => void): Promise<Peer> {
  const talk = conversation(progress);
  if (inNode) {
    const name = 'node:worker_threads';
    const { Worker: NodeWorker } = (await import(/* @vite-ignore */ name)) as typeof import('node:worker_threads');
    switchOffTelemetry();
    const worker = new NodeWorker(builtUrl('./worker.js', import.meta.url), { execArgv: [] });
    worker.on('message', talk.reply);
    worker.on('error', talk.fail);
    worker.on('exit', (code) => talk.fail(new Error(`a worker of the UMAP engine ended with code ${code}`)));
    return {
      send: (request, transfer = []) => {
        const answer = talk.wait();
        worker.postMessage(request, transfer);
        return answer;
      },
      post: (request) => worker.postMessage(request),
      hold: (held) => (held ? worker.ref() : worker.unref()),
      close: async () => void (await worker.terminate()),
    };
  }
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Reply>) => talk.reply(data);
  worker.onerror = (event) => talk.fail(new Error(`a worker of the UMAP engine failed: ${event.message}`));
  return {
    send: (request, transfer = []) => {
      const answer = talk.wait();
      worker.postMessage(request, transfer);
      return answer;
    },
    post: (request) => worker.postMessage(request),
    hold: () => undefined,
    close: async () => worker.terminate(),
  };
}

async function startInline(progress: (units: number) => void): Promise<Peer> {
  let thread: Awaited<ReturnType<typeof startThread>> | undefined;
  const words = new Int32Array(control.words);
  return {
    async send(request) {
      if (request.kind === 'start') return void (thread = await startThread({ ...request.setup, control: words }));
      if (!thread) throw new Error('the engine was not started');
      const { main } = thread;
      if (request.kind === 'write') return new Uint8Array(main.memory.buffer).set(request.bytes, request.at);
      if (request.kind === 'read') return new Uint8Array(main.memory.buffer, request.at, request.length).slice();
      if (request.kind !== 'run') return undefined;
      return thread.run(request.name, request.params, progress);
    },
    post: (request) => request.kind === 'stop' && thread?.stop(),
    hold: () => undefined,
    close: async () => undefined,
  };
}
