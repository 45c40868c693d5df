// Encodes in a thread of its own, so that the event loop stays free.

import { Worker } from 'node:worker_threads';
import { builtUrl } from '@deepearth/core/built-url';
import type { H264Settings } from './h264-encoder.ts';
import type { EncodeReply, EncodeRequest } from './h264-worker.ts';

/** An encoder in the thread. */
export interface VideoInThread {
  /** Resolves to the next part of the stream. May be called again before; the order is kept. */
  encode(pixels: Uint8Array): Promise<Uint8Array>;
  close(): void;
}

/** The thread. */
export interface H264Thread {
  open(settings: H264Settings): VideoInThread;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (coded: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts the thread; it keeps no process alive while nothing is asked of it. */
export function h264Thread(): H264Thread {
  // Without the flags of this process: a test runner's would send the built worker back to the sources.
  const worker = new Worker(builtUrl('./h264-worker.js', import.meta.url), { execArgv: [] });
  worker.unref();
  const waiting = new Map<number, Waiting[]>();
  let pending = 0;
  let ended: Error | undefined;
  let videos = 0;
  const settle = (video: number): Waiting | undefined => {
    const one = waiting.get(video)?.shift();
    if (one && --pending === 0) worker.unref();
    return one;
  };
  const end = (reason: Error): void => {
    ended ??= reason;
    for (const all of waiting.values()) for (const { reject } of all.splice(0)) reject(ended);
  };
  worker.on('message', (reply: EncodeReply) => {
    if ('failed' in reply) settle(reply.video)?.reject(new Error(reply.failed));
    else settle(reply.video)?.resolve(reply.coded);
  });
  worker.on('error', (cause) => end(new Error(`the encoder's thread died: ${cause.message}`, { cause })));
  worker.on('exit', (code) => end(new Error(`the encoder's thread ended with code ${code}`)));
  const send = (request: EncodeRequest, ...transfer: ArrayBuffer[]): void => worker.postMessage(request, transfer);
  return {
    open(settings) {
      const video = videos++;
      waiting.set(video, []);
      send({ video, open: settings });
      return {
        encode(pixels) {
          return new Promise((resolve, reject) => {
            if (ended) return reject(ended);
            waiting.get(video)!.push({ resolve, reject });
            if (pending++ === 0) worker.ref();
            // A copy: others may still look at the picture, and posting a view would clone all that is behind it.
            const copy = pixels.slice();
            send({ video, pixels: copy }, copy.buffer);
          });
        },
        close() {
          if (!ended) send({ video, close: true });
        },
      };
    },
    async close() {
      end(new Error("the encoder's thread was closed"));
      await worker.terminate();
    },
  };
}
