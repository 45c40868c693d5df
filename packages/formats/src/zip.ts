// Reads ZIP archives by their directory: stored and deflated entries, ZIP64, and refuses whatever could be read in two
// ways.

import { InputError } from '@deepearth/core/errors';
import { collect, readChunks, type ByteSource } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { inflateRaw } from './deflate.ts';
import type { Location } from './lazy-tensor.ts';
import { show } from './printable.ts';
import { extraField, readDirectory, type DirectoryEntry } from './zip-directory.ts';

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
  /**
   * Reads the own header of every entry, folders too. Throws an `InputError` where one does not agree with the
   * directory: for formats in which an entry that is missing under its name means something.
   */
  checkHeaders(signal?: AbortSignal): Promise<void>;
}

/** What is taken of an archive that others would refuse. */
export interface ZipReading {
  /** Several entries of one name: refused (default), or the last counts, as where an archive is only ever added to. */
  readonly repeated?: 'refused' | 'last';
}

/** Opens an archive by its directory alone. Throws an `InputError` that names the reason. */
export async function openZip(source: ByteSource, signal?: AbortSignal, options: ZipReading = {}): Promise<Zip> {
  const all = (await readDirectory(source, signal, options)).map((entry) => zipEntry(source, entry));
  return {
    source,
    entries: new Map(all.filter(({ name }) => !name.endsWith('/')).map((entry) => [entry.name, entry])),
    checkHeaders: async (abort) => {
      for (const entry of all) await entry.locate(abort);
    },
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

/** Bits of the flags that say how the content is read: encrypted in one of three ways. */
const contentFlags = 0x2041;
const utf8Flag = 0x800;
const later = 0xffffffff;

/**
 * Reads an entry's local header, which has to agree with the directory in name, flags, compression, sizes and CRC-32.
 * Its extra field may have another length: .pt files pad there.
 */
async function locateData(
  source: ByteSource,
  entry: DirectoryEntry,
  refuse: (message: string) => never,
  signal?: AbortSignal,
): Promise<Location> {
  const { offset, end, rawName } = entry;
  if (end - offset < 30 + rawName.length) refuse('has no room for its header');
  const head = await source.read(offset, 30 + rawName.length, signal);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0, true) !== 0x04034b50) refuse(`has no header at byte ${offset}`);
  if (view.getUint16(26, true) !== rawName.length || rawName.some((byte, i) => byte !== head[30 + i]))
    refuse('has another name in its own header');
  const extraLength = view.getUint16(28, true);
  const data = offset + 30 + rawName.length + extraLength;
  if (data + entry.compressedSize > end) refuse('overlaps what follows it');
  const flags = view.getUint16(6, true);
  // Names of ASCII alone are the same with and without the flag, and some programs set it in one place only.
  const compared = rawName.some((byte) => byte > 127) ? contentFlags | utf8Flag : contentFlags;
  if ((flags ^ entry.flags) & compared) refuse('has other flags in its own header');
  if (view.getUint16(8, true) !== entry.method) refuse('has another compression in its own header');
  const [crc, compressedSize, size] = [14, 18, 22].map((at) => view.getUint32(at, true)) as [number, number, number];
  // With flag 3 sizes and CRC follow the data and are 0 here.
  const agrees = (found: number, expected: number): boolean =>
    found === expected || (Boolean(flags & 8) && found === 0);
  const wide =
    compressedSize === later || size === later
      ? extraField(await source.read(data - extraLength, extraLength, signal), 1, 'in its own header', refuse)
      : undefined;
  let used = 0;
  // In the order of the field: the size of the content stands before that of what is stored.
  const own = (short: number): number => {
    if (short !== later || !wide) return short;
    if (used + 8 > wide.byteLength) refuse('has a ZIP64 field in its own header that is cut short');
    used += 8;
    return Number(new DataView(wide.buffer, wide.byteOffset).getBigUint64(used - 8, true));
  };
  const [ownSize, ownCompressed] = [own(size), own(compressedSize)];
  if (!agrees(crc, entry.crc32) || !agrees(ownCompressed, entry.compressedSize) || !agrees(ownSize, entry.size))
    refuse('has another size or CRC-32 in its own header');
  return { offset: data, bytes: entry.compressedSize };
}
