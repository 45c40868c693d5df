// The thread that encodes: one of a run's sinks has one, whatever the number of its videos.

import { parentPort } from 'node:worker_threads';
import { h264Encoder, type H264Encoder, type H264Settings } from './h264-encoder.ts';
import type { H264Group } from './mp4-samples.ts';

/** What the thread is asked: to open an encoder, to take a picture, to end a video, to let an encoder go. */
export type EncodeRequest =
  | { readonly video: number; readonly open: H264Settings }
  | { readonly video: number; readonly pixels: Uint8Array }
  | { readonly video: number; readonly end: true }
  | { readonly video: number; readonly close: true };

/** The reply to each picture and end, in order. */
export type EncodeReply =
  | { readonly video: number; readonly group: H264Group | undefined }
  | { readonly video: number; readonly failed: string };

/** An encoder that could not be started says so when it is asked for a picture. */
const encoders = new Map<number, Promise<H264Encoder>>();

async function handle(request: EncodeRequest): Promise<void> {
  const { video } = request;
  try {
    if ('open' in request) {
      const opening = h264Encoder(request.open);
      opening.catch(() => undefined);
      encoders.set(video, opening);
      return;
    }
    const encoder = await encoders.get(video)!;
    if ('close' in request) {
      encoders.delete(video);
      return encoder.close();
    }
    const group = await ('end' in request ? encoder.end() : encoder.add(request.pixels));
    parentPort!.postMessage({ video, group } satisfies EncodeReply);
  } catch (error) {
    if (!('close' in request))
      parentPort!.postMessage({ video, failed: (error as Error).message } satisfies EncodeReply);
  }
}

// One request at a time, in their order.
let last = Promise.resolve();
parentPort!.on('message', (request: EncodeRequest) => {
  last = last.then(() => handle(request));
});
