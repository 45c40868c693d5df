// Decodes chunks in a few threads, where there are many.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { builtUrl } from '@deepearth/core/built-url';
import { isShared, type Room } from './buffer-pool.ts';
import { hasOwnZstd } from './codec-kernel.ts';
import { decodeHere, type Compression } from './decode-here.ts';
import type { DecodeReply, DecodeRequest } from './decode-worker.ts';

/** More would wait for the thread that reads files and puts chunks in their places. */
const mostThreads = 4;
/** Bytes that are decoded before threads are worth their start, which takes as long as decoding so many. */
const worthThreads = 2 ** 25;

interface Thread {
  readonly worker: Worker;
  /** In the order of their requests. */
  readonly waiting: { resolve(reply: DecodeReply): void; reject(error: Error): void }[];
}

let decoded = 0;
let threads: Thread[] | undefined;

/**
 * Decodes one run of bytes to at most `most`: in a thread where both data and `room` are memory that threads share and
 * much was decoded before, else at once. Threads keep no process alive. Throws a `RangeError` for data that are
 * damaged.
 */
export async function decodeChunk(name: Compression, data: Uint8Array, most: number, room: Room): Promise<Uint8Array> {
  // Node's own decoder has threads of its own.
  if (!isShared(data) || (name === 'zstd' && hasOwnZstd)) return decodeHere(name, data, most, room);
  if (decoded < worthThreads) {
    decoded += most;
    return decodeHere(name, data, most, room);
  }
  const into = room(most);
  if (!isShared(into)) return decodeHere(name, data, most, (bytes) => into.subarray(0, bytes));
  const reply = await ask({ name, data: ownPart(data, room), into });
  if ('failed' in reply) throw new Error(reply.failed);
  if ('damage' in reply) throw new RangeError(reply.damage);
  return into.subarray(0, reply.bytes);
}

/**
 * The same bytes in memory of about their length. A thread counts all the memory that a view belongs to as its own,
 * each time it gets one, and would clear up for each chunk of a shard that was read in one go.
 */
function ownPart(data: Uint8Array, room: Room): Uint8Array {
  if (data.buffer.byteLength <= 4 * data.length) return data;
  const copy = room(data.length);
  copy.set(data);
  return copy;
}

function ask(request: DecodeRequest): Promise<DecodeReply> {
  threads ??= Array.from({ length: Math.min(availableParallelism(), mostThreads) }, startThread);
  const free = threads.reduce((least, each) => (each.waiting.length < least.waiting.length ? each : least));
  return new Promise((resolve, reject) => {
    if (free.waiting.push({ resolve, reject }) === 1) free.worker.ref();
    free.worker.postMessage(request);
  });
}

function startThread(): Thread {
  // Without the flags of this process: a test runner's would send the built worker back to the sources.
  const worker = new Worker(builtUrl('./decode-worker.js', import.meta.url), { execArgv: [] });
  worker.unref();
  const thread: Thread = { worker, waiting: [] };
  worker.on('message', (reply: DecodeReply) => {
    const one = thread.waiting.shift();
    if (thread.waiting.length === 0) worker.unref();
    one?.resolve(reply);
  });
  const end = (cause: unknown): void => {
    // The others go on; new ones are started when the next chunk is asked for.
    threads = undefined;
    for (const { reject } of thread.waiting.splice(0))
      reject(new Error('a thread that decodes chunks ended', { cause }));
  };
  worker.on('error', end);
  worker.on('exit', end);
  return thread;
}
