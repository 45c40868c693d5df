// The thread that decodes chunks: from memory that it shares with whoever asks into such memory.

import { parentPort } from 'node:worker_threads';
import { decodeHere, type Compression } from './decode-here.ts';

/** One run of bytes to decode; both views look at shared memory. */
export interface DecodeRequest {
  readonly name: Compression;
  readonly data: Uint8Array;
  /** As long as the content may be. */
  readonly into: Uint8Array;
}

/** How many bytes came out, or what is wrong with the data; in the order of the requests. */
export type DecodeReply = { readonly bytes: number } | { readonly damage: string } | { readonly failed: string };

async function decode({ name, data, into }: DecodeRequest): Promise<DecodeReply> {
  try {
    const content = await decodeHere(name, data, into.length, (bytes) => into.subarray(0, bytes));
    // What is stored as it is comes back as a part of the data.
    if (content.buffer !== into.buffer || content.byteOffset !== into.byteOffset) into.set(content);
    return { bytes: content.length };
  } catch (error) {
    return { [error instanceof RangeError ? 'damage' : 'failed']: (error as Error).message } as DecodeReply;
  }
}

let last = Promise.resolve();
parentPort!.on('message', (request: DecodeRequest) => {
  last = last.then(async () => parentPort!.postMessage(await decode(request)));
});
