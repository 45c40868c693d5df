// Encodes in a thread of its own, so that the event loop stays free.

import { Worker } from 'node:worker_threads';
import { builtUrl } from '@deepearth/core/built-url';
import type { H264Settings } from './h264-encoder.ts';
import type { EncodeReply, EncodeRequest } from './h264-worker.ts';
import type { H264Group } from './mp4-samples.ts';

/** An encoder in the thread. */
export interface VideoInThread {
  /**
   * Resolves to a group where this picture is its last, else to nothing. May be called again before; the order is kept.
   */
  add(pixels: Uint8Array): Promise<H264Group | undefined>;
  /** Resolves to the group that is not full yet, if there is one. */
  end(): Promise<H264Group | undefined>;
  close(): void;
}

/** The thread. */
export interface H264Thread {
  open(settings: H264Settings): VideoInThread;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (group: H264Group | undefined) => void;
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
    else settle(reply.video)?.resolve(reply.group);
  });
  worker.on('error', (cause) => end(new Error(`the encoder's thread died: ${cause.message}`, { cause })));
  worker.on('exit', (code) => end(new Error(`the encoder's thread ended with code ${code}`)));
  const send = (request: EncodeRequest, ...transfer: ArrayBuffer[]): void => worker.postMessage(request, transfer);
  const ask = (request: EncodeRequest, ...transfer: ArrayBuffer[]): Promise<H264Group | undefined> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      waiting.get(request.video)!.push({ resolve, reject });
      if (pending++ === 0) worker.ref();
      send(request, ...transfer);
    });
  return {
    open(settings) {
      const video = videos++;
      waiting.set(video, []);
      send({ video, open: settings });
      return {
        add(pixels) {
          // A copy: others may still look at the picture, and posting a view would clone all that is behind it.
          const copy = pixels.slice();
          return ask({ video, pixels: copy }, copy.buffer);
        },
        end: () => ask({ video, end: true }),
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
