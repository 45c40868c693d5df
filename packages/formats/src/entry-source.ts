// An archive's entry as a byte source: a slice of the file when it is stored, inflated on the way when it is not.

import { InputError } from '@deepearth/core/errors';
import { checkRange, readChunks, type ByteSource } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { show } from './printable.ts';
import type { Zip, ZipEntry } from './zip.ts';

/** Bytes of an entry, with the proof that they are undamaged. */
export interface EntrySource extends ByteSource {
  /** Where the bytes lie in the file; absent when they are compressed. */
  readonly offset?: number;
  /**
   * Resolves once the CRC-32 over all bytes was seen to hold; reads them unless they have been read in order already.
   * Throws an `InputError`.
   */
  verify(signal?: AbortSignal): Promise<void>;
}

/** Opens an entry for reading in pieces. Reads its local header only. */
export async function entrySource({ source }: Zip, entry: ZipEntry, signal?: AbortSignal): Promise<EntrySource> {
  const name = `${source.name}: ${entry.name}`;
  if (entry.compression === 'deflated') return inflatedSource(name, entry);
  const { offset } = await entry.locate(signal);
  // What was read from the start, without a gap, and its CRC-32: reading in order needs no second pass.
  let reached = 0;
  let sum = 0;
  let held = false;
  const check = (): void => {
    if (sum !== entry.crc32)
      throw new InputError(source.name, `entry ${show(entry.name)} is damaged: its CRC-32 does not match.`, {
        code: 'E_ZIP',
      });
    held = true;
  };
  const slice: EntrySource = {
    name,
    size: entry.size,
    offset,
    read: async (start, length, abort) => {
      checkRange(slice, start, length);
      const bytes = await source.read(offset + start, length, abort);
      if (!held && start <= reached && start + length > reached) {
        sum = crc32(bytes.subarray(reached - start), sum);
        reached = start + length;
        if (reached === entry.size) check();
      }
      return bytes;
    },
    verify: async (abort) => {
      if (held) return;
      for await (const _ of readChunks(slice, reached, entry.size - reached, abort)) abort?.throwIfAborted();
      check();
    },
    close: async () => undefined,
  };
  return slice;
}

/**
 * Reading onwards goes on where the last reading ended; reading backwards starts again. Never more than a chunk is
 * kept.
 */
function inflatedSource(name: string, entry: ZipEntry): EntrySource {
  let stream: AsyncIterator<Uint8Array> | undefined;
  let chunk = new Uint8Array(0);
  let chunkAt = 0;
  let held = false;
  let queue: Promise<unknown> = Promise.resolve();
  const rewind = async (): Promise<void> => {
    await stream?.return?.();
    stream = entry.chunks()[Symbol.asyncIterator]();
    [chunk, chunkAt] = [new Uint8Array(0), 0];
  };
  const readNow = async (start: number, length: number, signal?: AbortSignal): Promise<Uint8Array> => {
    const out = new Uint8Array(length);
    if (length === 0) return out;
    if (!stream || start < chunkAt) await rewind();
    for (let done = 0; ;) {
      signal?.throwIfAborted();
      const from = Math.max(start + done, chunkAt);
      const part = chunk.subarray(from - chunkAt, start + length - chunkAt);
      if (part.byteLength) {
        out.set(part, from - start);
        done = from - start + part.byteLength;
      }
      if (done === length) return out;
      chunkAt += chunk.byteLength;
      const next = await stream!.next();
      if (next.done) throw new InputError(name, `ends at byte ${chunkAt}.`);
      chunk = next.value as Uint8Array<ArrayBuffer>;
    }
  };
  const source: EntrySource = {
    name,
    size: entry.size,
    read: (start, length, signal) => {
      // One reader at a time: they share the stream.
      const turn = queue.then(() => {
        checkRange(source, start, length);
        return readNow(start, length, signal);
      });
      queue = turn.catch(() => rewind().catch(() => undefined));
      return turn;
    },
    verify: async (signal) => {
      if (held) return;
      for await (const _ of entry.chunks(signal)) signal?.throwIfAborted();
      held = true;
    },
    close: async () => {
      await stream?.return?.();
      stream = undefined;
    },
  };
  return source;
}
