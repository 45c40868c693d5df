// Raw deflate and inflate of byte streams through the platform's own codec, with a hard limit on what comes out.

import { builtinModule } from '@deepearth/core/builtin-module';

type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What is used of Node's zlib. */
interface Zlib {
  createDeflateRaw(): AsyncIterable<Uint8Array> & {
    write(bytes: Uint8Array, done: (error?: Error | null) => void): unknown;
    end(): unknown;
    destroy(): unknown;
    once(event: 'close', listener: () => void): unknown;
    readonly destroyed: boolean;
  };
}

/** Small, so that a bomb of ratio 1:1032 expands to no more than 16 MiB before the limit is looked at. */
const inputBytes = 1 << 14;

const native = builtinModule<Zlib>('node:zlib');

/**
 * Inflates a stream. Throws a `RangeError` as soon as more than `limit` bytes come out, a `TypeError` when the stream
 * is broken.
 */
export const inflateRaw = (chunks: Bytes, limit: number): AsyncGenerator<Uint8Array> =>
  through(new DecompressionStream('deflate-raw'), chunks, limit);

/** Deflates a stream. In Node it is done with a chunk before it asks for the next. */
export const deflateRaw = (chunks: Bytes): AsyncGenerator<Uint8Array> =>
  native
    ? throughNative(native.createDeflateRaw(), chunks)
    : through(new CompressionStream('deflate-raw'), chunks, Infinity);

/** A web stream keeps chunks in a queue, so that none could lie in memory that is used again. */
async function* throughNative(codec: ReturnType<Zlib['createDeflateRaw']>, chunks: Bytes): AsyncGenerator<Uint8Array> {
  const closed = new Promise<void>((resolve) => codec.once('close', resolve));
  const feed = async (): Promise<void> => {
    for await (const chunk of chunks) {
      const taken = new Promise<void>((resolve, reject) => {
        codec.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
      await Promise.race([taken, closed]);
      if (codec.destroyed) return;
    }
    codec.end();
  };
  let failure: unknown;
  const feeding = feed().catch((error: unknown) => {
    failure = error;
    codec.destroy();
  });
  try {
    yield* codec;
  } catch (error) {
    throw failure ?? error;
  } finally {
    codec.destroy();
    await feeding;
  }
}

async function* through(
  codec: CompressionStream | DecompressionStream,
  chunks: Bytes,
  limit: number,
): AsyncGenerator<Uint8Array> {
  const writer = codec.writable.getWriter();
  const reader = codec.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  let failure: unknown;
  const feed = async (): Promise<void> => {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.byteLength; at += inputBytes)
        await writer.write(chunk.subarray(at, at + inputBytes) as Uint8Array<ArrayBuffer>);
    }
    await writer.close();
  };
  const feeding = feed().catch(async (error: unknown) => {
    failure = error;
    await writer.abort(error).catch(() => undefined);
  });
  let total = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw failure ?? error;
      });
      if (done) break;
      total += value.byteLength;
      if (total > limit) throw new RangeError(`more than ${limit} bytes come out`);
      yield value;
    }
    await feeding;
    if (failure) throw failure as Error;
  } finally {
    await reader.cancel().catch(() => undefined);
    await feeding;
  }
}
