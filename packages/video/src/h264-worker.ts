// The thread that encodes: one of a run's sinks has one, whatever the number of its videos.

import { parentPort } from 'node:worker_threads';
import { h264Encoder, type H264Encoder, type H264Settings } from './h264-encoder.ts';

/** What the thread is asked: to open an encoder, to encode a picture, to let an encoder go. */
export type EncodeRequest =
  | { readonly video: number; readonly open: H264Settings }
  | { readonly video: number; readonly pixels: Uint8Array }
  | { readonly video: number; readonly close: true };

/** The answer to each picture, in order. */
export type EncodeReply =
  { readonly video: number; readonly coded: Uint8Array } | { readonly video: number; readonly failed: string };

const encoders = new Map<number, H264Encoder>();

/** An encoder; one that could not be started says so when it is asked for a picture. */
function opened(settings: H264Settings): H264Encoder {
  try {
    return h264Encoder(settings);
  } catch (error) {
    return {
      encode() {
        throw error;
      },
    };
  }
}

parentPort!.on('message', (request: EncodeRequest) => {
  const { video } = request;
  try {
    if ('open' in request) encoders.set(video, opened(request.open));
    else if ('close' in request) encoders.delete(video);
    else {
      const coded = encoders.get(video)!.encode(request.pixels);
      parentPort!.postMessage({ video, coded } satisfies EncodeReply, [coded.buffer as ArrayBuffer]);
    }
  } catch (error) {
    parentPort!.postMessage({ video, failed: (error as Error).message } satisfies EncodeReply);
  }
});
