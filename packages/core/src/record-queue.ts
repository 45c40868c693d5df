// Records in the order in which they came, in scratch: written and read many at a time.

import type { Scratch } from './stage.ts';

export type Room = Pick<Scratch, 'append' | 'read' | 'clear'>;

/** Records that wait; none of them is in memory but those that are about to be written or were read with others. */
export interface RecordQueue {
  readonly length: number;
  /** `bytes`: of all pieces. They are not looked at any more when it resolves. */
  push(pieces: readonly Uint8Array[], bytes: number): Promise<void>;
  /** The oldest, which nobody else holds; throws a `RangeError` when there is none. */
  shift(): Promise<Uint8Array>;
}

/** Bytes that are written, and read, at once; longer records by themselves. */
const batchBytes = 1 << 16;
const nothing = new Uint8Array(0);

/**
 * Calls must not overlap. A record says in its first `headBytes` bytes how long it is, which `lengthOf` reads. The
 * scratch is opened when it is needed, begins anew when all has been fetched, and belongs to whoever opens it.
 */
export function recordQueue(
  open: () => Promise<Room>,
  headBytes: number,
  lengthOf: (head: Uint8Array) => number,
): RecordQueue {
  let room: Promise<Room> | undefined;
  let batch: Uint8Array | undefined;
  let filled = 0;
  let written = 0;
  let readTo = 0;
  /** Read, and not fetched yet. */
  let chunk = nothing;
  let length = 0;

  async function write(bytes: Uint8Array): Promise<void> {
    await (await (room ??= open())).append(bytes);
    written += bytes.byteLength;
  }

  async function flush(): Promise<void> {
    if (filled > 0) await write(batch!.subarray(0, filled));
    filled = 0;
  }

  async function more(wanted: number): Promise<Uint8Array> {
    if (readTo === written) {
      const bytes = batch!.subarray(0, filled);
      filled = 0;
      return bytes;
    }
    const bytes = Math.min(Math.max(wanted, batchBytes), written - readTo);
    const read = await (await room!).read(readTo, bytes);
    readTo += bytes;
    return read;
  }

  /** Brings at least so many bytes into `chunk`. */
  async function need(bytes: number): Promise<void> {
    while (chunk.byteLength < bytes) {
      const next = await more(bytes - chunk.byteLength);
      const both = new Uint8Array(chunk.byteLength + next.byteLength);
      both.set(chunk);
      both.set(next, chunk.byteLength);
      chunk = both;
    }
  }

  return {
    get length() {
      return length;
    },
    async push(pieces, bytes) {
      if (filled + bytes > batchBytes) await flush();
      if (bytes > batchBytes) for (const piece of pieces) await write(piece);
      else {
        batch ??= new Uint8Array(batchBytes);
        for (const piece of pieces) {
          batch.set(piece, filled);
          filled += piece.byteLength;
        }
      }
      length++;
    },
    async shift() {
      if (length === 0) throw new RangeError('no record waits');
      await need(headBytes);
      const bytes = lengthOf(chunk);
      await need(bytes);
      const record = chunk.subarray(0, bytes);
      chunk = chunk.subarray(bytes);
      if (--length === 0) {
        if (written > 0) await (await room!).clear();
        [written, readTo, filled, chunk] = [0, 0, 0, nothing];
      }
      return record;
    },
  };
}
