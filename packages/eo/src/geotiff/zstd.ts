// Decodes Zstandard: with Node's own decoder where it has one (22.15 and later), else in WebAssembly.

import * as zlib from 'node:zlib';

type Decode = (bytes: Uint8Array, length: number) => Promise<Uint8Array>;

let decoder: Promise<Decode> | undefined;

/** Decodes one frame of at most `length` bytes. Throws whatever the decoder throws. */
export const decodeZstd: Decode = async (bytes, length) => (await (decoder ??= findDecoder()))(bytes, length);

async function findDecoder(): Promise<Decode> {
  const { zstdDecompress: native } = zlib as { zstdDecompress?: typeof zlib.inflate };
  if (native)
    return (bytes, length) =>
      new Promise((resolve, reject) => {
        native(bytes, { maxOutputLength: length }, (error, result) => (error ? reject(error) : resolve(result)));
      });
  const { ZSTDDecoder } = await import('zstddec');
  const wasm = new ZSTDDecoder();
  await wasm.init();
  return (bytes, length) => Promise.resolve(wasm.decode(bytes, length));
}
