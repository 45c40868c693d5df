// Random access to bytes that lie in memory, in a Blob or in a file, so that a large file is opened by its directory
// alone.

import type { ByteSource } from '@deepearth/core/byte-source';
import { concat } from '@deepearth/core/concat';
import { InputError } from '@deepearth/core/errors';

export type { ByteSource } from '@deepearth/core/byte-source';
export { concat } from '@deepearth/core/concat';

/** How much is read at once where something is read from end to end: 4 MiB. */
export const chunkBytes = 1 << 22;

/** Throws an `InputError` unless `length` bytes from `offset` lie within the source. */
export function checkRange(source: ByteSource, offset: number, length: number): void {
  const inside =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= source.size;
  if (!inside)
    throw new InputError(
      source.name,
      `bytes ${offset} to ${offset + length} are asked for, but it has ${source.size}: cut short, or not what it says it is.`,
    );
}

/** Bytes in memory as a source; nothing is copied. */
export function bytesSource(bytes: Uint8Array, name = 'bytes'): ByteSource {
  const source: ByteSource = {
    name,
    size: bytes.byteLength,
    read: async (offset, length, signal) => {
      signal?.throwIfAborted();
      checkRange(source, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    close: async () => undefined,
  };
  return source;
}

/** A Blob or a File of a browser as a source. */
export function blobSource(
  blob: Blob,
  name = 'name' in blob && typeof blob.name === 'string' ? blob.name : 'blob',
): ByteSource {
  const source: ByteSource = {
    name,
    size: blob.size,
    read: async (offset, length, signal) => {
      signal?.throwIfAborted();
      checkRange(source, offset, length);
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw new InputError(name, `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`, {
          cause,
        });
      }
    },
    close: async () => undefined,
  };
  return source;
}

/** A part of a source as a source of its own; closing it leaves the whole open. */
export function sliceSource(whole: ByteSource, start: number, size: number, name = whole.name): ByteSource {
  checkRange(whole, start, size);
  const source: ByteSource = {
    name,
    size,
    read: async (offset, length, signal) => {
      checkRange(source, offset, length);
      return whole.read(start + offset, length, signal);
    },
    close: async () => undefined,
  };
  return source;
}

/** The bytes of a range in order, in chunks of at most `step` bytes. */
export async function* readChunks(
  source: ByteSource,
  offset = 0,
  length = source.size - offset,
  signal?: AbortSignal,
  step = chunkBytes,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; done += step)
    yield await source.read(offset + done, Math.min(step, length - done), signal);
}

/** Puts chunks together; for what is known to fit in memory. */
export async function collect(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concat(parts);
}
