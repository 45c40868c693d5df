// Reads ZIP archives by their directory: stored and deflated entries, ZIP64, and refuses whatever could be read in two
// ways.

import { InputError } from '@deepearth/core/errors';
import { collect, readChunks, type ByteSource } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { inflateRaw } from './deflate.ts';
import type { Location } from './lazy-tensor.ts';
import { show } from './printable.ts';
import { readDirectory, type DirectoryEntry } from './zip-directory.ts';

/** One file of an archive. */
export interface ZipEntry {
  /** With forward slashes, relative, without `..`. */
  readonly name: string;
  /** Size of its content, in bytes. */
  readonly size: number;
  readonly compressedSize: number;
  readonly crc32: number;
  readonly compression: 'stored' | 'deflated';
  /** Where its bytes lie in the archive; they are its content when it is stored. Reads the entry's own header. */
  locate(signal?: AbortSignal): Promise<Location>;
  /** Its content, checked against size and CRC-32; the last chunk comes only after everything held. */
  chunks(signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Its whole content. Throws an `InputError` when it is more than `limit` bytes. */
  read(limit?: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/** An archive whose directory has been read and checked. */
export interface Zip {
  readonly source: ByteSource;
  /** By name, in the order of the directory; folders are left out. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
}

/** Opens an archive by its directory alone. Throws an `InputError` that names the reason. */
export async function openZip(source: ByteSource, signal?: AbortSignal): Promise<Zip> {
  const directory = await readDirectory(source, signal);
  return {
    source,
    entries: new Map(
      directory.filter(({ name }) => !name.endsWith('/')).map((entry) => [entry.name, zipEntry(source, entry)]),
    ),
  };
}

function zipEntry(source: ByteSource, entry: DirectoryEntry): ZipEntry {
  const refuse = (message: string, cause?: unknown): never => {
    throw new InputError(source.name, `entry ${show(entry.name)} ${message}.`, { code: 'E_ZIP', cause });
  };
  let located: Promise<Location> | undefined;
  const locate = (signal?: AbortSignal): Promise<Location> => (located ??= locateData(source, entry, refuse, signal));

  async function* raw(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { offset, bytes } = await locate(signal);
    yield* readChunks(source, offset, bytes, signal);
  }

  async function* chunks(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const content = entry.compression === 'stored' ? raw(signal) : inflated(signal);
    let held: Uint8Array | undefined;
    let sum = 0;
    let size = 0;
    for await (const chunk of content) {
      if (held) yield held;
      held = chunk;
      sum = crc32(chunk, sum);
      size += chunk.byteLength;
    }
    if (size !== entry.size) refuse(`holds ${size} bytes, the directory says ${entry.size}`);
    if (sum !== entry.crc32) refuse(`is damaged: its CRC-32 is ${hex(sum)}, the directory says ${hex(entry.crc32)}`);
    if (held) yield held;
  }

  async function* inflated(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* inflateRaw(raw(signal), entry.size);
    } catch (cause) {
      if (cause instanceof InputError || signal?.aborted) throw cause;
      refuse(
        cause instanceof RangeError
          ? `inflates to more than the ${entry.size} bytes that the directory says`
          : 'is damaged: it cannot be inflated',
        cause,
      );
    }
  }

  return {
    name: entry.name,
    size: entry.size,
    compressedSize: entry.compressedSize,
    crc32: entry.crc32,
    compression: entry.compression,
    locate,
    chunks,
    read: async (limit = Infinity, signal) => {
      if (entry.size > limit) refuse(`has ${entry.size} bytes; at most ${limit} are expected`);
      return collect(chunks(signal));
    },
  };
}

const hex = (n: number): string => n.toString(16).padStart(8, '0');

/**
 * Reads an entry's local header, which has to agree with the directory. Its name and extra field may have other
 * lengths: .pt files pad there.
 */
async function locateData(
  source: ByteSource,
  entry: DirectoryEntry,
  refuse: (message: string) => never,
  signal?: AbortSignal,
): Promise<Location> {
  const { offset, end } = entry;
  if (end - offset < 30) refuse('has no room for its header');
  const head = await source.read(offset, 30, signal);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0, true) !== 0x04034b50) refuse(`has no header at byte ${offset}`);
  const nameLength = view.getUint16(26, true);
  const data = offset + 30 + nameLength + view.getUint16(28, true);
  if (data + entry.compressedSize > end) refuse('overlaps what follows it');
  const name = await source.read(offset + 30, nameLength, signal);
  if (nameLength !== entry.rawName.length || name.some((byte, i) => byte !== entry.rawName[i]))
    refuse('has another name in its own header');
  const flags = view.getUint16(6, true);
  if ((flags ^ entry.flags) & 0x2041) refuse('has other flags in its own header');
  if (view.getUint16(8, true) !== entry.method) refuse('has another compression in its own header');
  // With flag 3 sizes and CRC follow the data; 0xffffffff sends one to the ZIP64 extra field.
  const agrees = (at: number, value: number): boolean =>
    [value, 0xffffffff].includes(view.getUint32(at, true)) || (Boolean(flags & 8) && view.getUint32(at, true) === 0);
  if (!agrees(14, entry.crc32) || !agrees(18, entry.compressedSize) || !agrees(22, entry.size))
    refuse('has another size or CRC-32 in its own header');
  return { offset: data, bytes: entry.compressedSize };
}
