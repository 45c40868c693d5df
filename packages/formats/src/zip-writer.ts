// Writes ZIP archives as a stream: the same entries always give the same bytes, contents can be aligned, ZIP64 where it
// is needed.

import { nameSet } from '@deepearth/core/name-set';
import type { Scratch } from '@deepearth/core/stage';
import { concat } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { deflateRaw } from './deflate.ts';
import { show } from './printable.ts';
import { nameProblem } from './zip-directory.ts';

/** One file to be put into an archive; its size has to be known ahead. */
export interface ZipInput {
  /** With forward slashes, relative. */
  readonly name: string;
  readonly size: number;
  /** The content in pieces of any size; in Node each may lie where the one before lay. */
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /**
   * CRC-32 of the content, where it is known: it is then written in front of the content too and not computed again.
   */
  readonly crc32?: number;
  /** Default: stored. */
  readonly compression?: 'stored' | 'deflated';
}

/** How an archive is written. */
export interface ZipOptions {
  /** Stored contents start at multiples of this many bytes; 1 (the default) for no alignment, at most 4,096. */
  readonly alignment?: number;
  /** Says that no name comes twice, so that none needs to be remembered. */
  readonly distinct?: true;
  /**
   * Where the directory waits, which is written last: memory unless told. Each of its pieces then lies where the one
   * before lay.
   */
  readonly scratch?: Pick<Scratch, 'append' | 'read'>;
}

/** A file whose content is in memory. */
export const zipBytes = (name: string, bytes: Uint8Array, compression: 'stored' | 'deflated' = 'stored'): ZipInput => ({
  name,
  size: bytes.byteLength,
  crc32: crc32(bytes),
  chunks: () => [bytes],
  compression,
});

interface Written {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly size: number;
  readonly compressedSize: number;
  readonly offset: number;
  /** Where the next one starts. */
  readonly end: number;
}

const word = 0xffffffff;
// 1980-01-01 00:00:00, the earliest a ZIP archive can say: contents, not clocks, make the bytes.
const date = 0x21;
const utf8Flag = 0x800;
const sizesFollow = 0x8;
// "FB", as PyTorch pads; any reader skips fields it does not know.
const paddingField = 0x4246;

/** A record of little-endian fields: [bytes, value] each. */
function record(...fields: readonly (readonly [2 | 4 | 8, number])[]): Uint8Array {
  const out = new Uint8Array(fields.reduce((n, [bytes]) => n + bytes, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return out;
}

/**
 * Streams an archive; no more than a chunk is in memory. Throws a `TypeError` for names that leave the archive or come
 * twice, a `RangeError` when an entry's chunks are not as many bytes as it said.
 */
export async function* writeZip(
  inputs: AsyncIterable<ZipInput> | Iterable<ZipInput>,
  { alignment = 1, distinct, scratch }: ZipOptions = {},
): AsyncGenerator<Uint8Array> {
  if (!Number.isInteger(alignment) || alignment < 1 || alignment > 4096)
    throw new RangeError(`an alignment of ${alignment} bytes`);
  const directory = waitingLines(scratch);
  const names = distinct ? undefined : nameSet();
  let at = 0;
  let count = 0;
  for await (const input of inputs) {
    const problem =
      nameProblem(input.name) ??
      (names?.add(input.name) === false
        ? 'comes twice'
        : input.name.endsWith('/')
          ? 'is a folder'
          : /\p{Surrogate}/u.test(input.name)
            ? 'is no valid Unicode'
            : undefined);
    if (problem) throw new TypeError(`the entry name ${show(input.name)} ${problem}`);
    if (!Number.isSafeInteger(input.size) || input.size < 0)
      throw new RangeError(`${show(input.name)} has ${input.size} bytes`);
    const entry = yield* writeEntry(input, at, alignment);
    count++;
    await directory.add(directoryLine(entry));
    at = entry.end;
  }
  const start = at;
  for await (const lines of directory.all()) {
    at += lines.byteLength;
    yield lines;
  }
  yield endRecords(count, start, at - start);
}

/** Bytes of the directory that go to the scratch at once. */
const waitingBytes = 1 << 17;

/** Lines that wait, in pieces of some size, in the scratch where there is one. */
function waitingLines(scratch: ZipOptions['scratch']) {
  const pieces: (Uint8Array | { readonly at: number; readonly length: number })[] = [];
  let room: Uint8Array | undefined;
  let filled = 0;
  async function flush(): Promise<void> {
    if (filled === 0) return;
    const piece = room!.subarray(0, filled);
    pieces.push(scratch ? { at: await scratch.append(piece), length: filled } : piece.slice());
    filled = 0;
  }
  return {
    async add(line: Uint8Array): Promise<void> {
      if (filled + line.byteLength > waitingBytes) await flush();
      // A line is shorter: its name has less than 64 KiB.
      room ??= new Uint8Array(waitingBytes);
      room.set(line, filled);
      filled += line.byteLength;
    },
    async *all(): AsyncGenerator<Uint8Array> {
      await flush();
      // Each piece lies where the one before lay: nothing gathers any more.
      for (const piece of pieces)
        yield piece instanceof Uint8Array
          ? piece
          : await scratch!.read(piece.at, piece.length, room!.subarray(0, piece.length));
    },
  };
}

async function* writeEntry(input: ZipInput, offset: number, alignment: number): AsyncGenerator<Uint8Array, Written> {
  const name = new TextEncoder().encode(input.name);
  if (name.byteLength > 0xffff - 4200) throw new TypeError(`the entry name ${show(input.name, 40)} is too long`);
  const deflated = input.compression === 'deflated';
  // Deflate may add 5 bytes per 16 KiB to what cannot be compressed.
  const wide = input.size + (deflated ? input.size / 1024 + 64 : 0) >= word;
  const known = !deflated && input.crc32 !== undefined;
  const flags = (/^[\x20-\x7e]*$/.test(input.name) ? 0 : utf8Flag) | (known ? 0 : sizesFollow);
  const method = deflated ? 8 : 0;
  const sizes = known ? ([input.crc32!, input.size, input.size] as const) : ([0, 0, 0] as const);
  const wideField = wide ? record([2, 1], [2, 16], [8, sizes[2]], [8, sizes[1]]) : new Uint8Array(0);
  const padding = deflated
    ? new Uint8Array(0)
    : paddingTo(alignment, offset + 30 + name.byteLength + wideField.byteLength);
  const head = record(
    [4, 0x04034b50],
    [2, wide ? 45 : 20],
    [2, flags],
    [2, method],
    [2, 0],
    [2, date],
    [4, sizes[0]],
    [4, wide ? word : sizes[1]],
    [4, wide ? word : sizes[2]],
    [2, name.byteLength],
    [2, wideField.byteLength + padding.byteLength],
  );
  const header = concat([head, name, wideField, padding]);
  yield header;

  const sum: Sum = { crc: known ? input.crc32! : 0, size: 0 };
  const content = counted(input, known, sum);
  let compressedSize = 0;
  for await (const chunk of deflated ? deflateRaw(content) : content) {
    compressedSize += chunk.byteLength;
    yield chunk;
  }
  const trailer = known
    ? new Uint8Array(0)
    : record([4, 0x08074b50], [4, sum.crc], [wide ? 8 : 4, compressedSize], [wide ? 8 : 4, sum.size]);
  if (!known) yield trailer;
  return {
    name: input.name,
    flags,
    method,
    ...sum,
    compressedSize,
    offset,
    end: offset + header.byteLength + compressedSize + trailer.byteLength,
  };
}

/** What is known of the content of an entry. */
interface Sum {
  crc: number;
  size: number;
}

/**
 * The content of an entry, summed up on its way. No closure of `writeEntry`: V8 holds every generator function that was
 * called, and what it closes over, until the next full collection, which in an archive of small files is far away.
 */
async function* counted(input: ZipInput, known: boolean, sum: Sum): AsyncGenerator<Uint8Array> {
  for await (const chunk of input.chunks()) {
    if (!known) sum.crc = crc32(chunk, sum.crc);
    sum.size += chunk.byteLength;
    if (sum.size > input.size) break;
    yield chunk;
  }
  if (sum.size !== input.size)
    throw new RangeError(
      `${show(input.name)} was to have ${input.size} bytes and has ${sum.size > input.size ? 'more' : sum.size}`,
    );
}

/** An extra field that brings `at` to a multiple of `alignment`. */
function paddingTo(alignment: number, at: number): Uint8Array {
  if (at % alignment === 0) return new Uint8Array(0);
  const bytes = alignment - ((at + 4) % alignment);
  const field = new Uint8Array(4 + (bytes % alignment)).fill(0x5a);
  field.set(record([2, paddingField], [2, bytes % alignment]));
  return field;
}

function directoryLine({ name: text, flags, method, crc, size, compressedSize, offset }: Written): Uint8Array {
  const name = new TextEncoder().encode(text);
  const long = [size, compressedSize, offset].filter((value) => value >= word);
  const extra = long.length
    ? record([2, 1], [2, 8 * long.length], ...long.map((value) => [8, value] as const))
    : new Uint8Array(0);
  const short = (value: number): number => Math.min(value, word);
  const head = record(
    [4, 0x02014b50],
    [2, (3 << 8) | (long.length ? 45 : 20)], // made on Unix, so that the permissions below count
    [2, long.length ? 45 : 20],
    [2, flags],
    [2, method],
    [2, 0],
    [2, date],
    [4, crc],
    [4, short(compressedSize)],
    [4, short(size)],
    [2, name.byteLength],
    [2, extra.byteLength],
    [2, 0],
    [2, 0],
    [2, 0],
    [4, (0o100644 << 16) >>> 0],
    [4, short(offset)],
  );
  return concat([head, name, extra]);
}

function endRecords(count: number, offset: number, size: number): Uint8Array {
  const wide = count >= 0xffff || offset >= word || size >= word;
  const end = record(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(count, 0xffff)],
    [2, Math.min(count, 0xffff)],
    [4, Math.min(size, word)],
    [4, Math.min(offset, word)],
    [2, 0],
  );
  if (!wide) return end;
  const far = record(
    [4, 0x06064b50],
    [8, 44],
    [2, (3 << 8) | 45],
    [2, 45],
    [4, 0],
    [4, 0],
    [8, count],
    [8, count],
    [8, size],
    [8, offset],
    [4, 0x07064b50],
    [4, 0],
    [8, offset + size],
    [4, 1],
  );
  return concat([far, end]);
}
