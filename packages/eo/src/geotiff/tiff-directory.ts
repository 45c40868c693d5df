// Reads the directories of a TIFF: what each tag says, as numbers or text (TIFF 6.0; BigTIFF as libtiff has it).

import { InputError } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';
import { readPages } from '../raster-bytes.ts';

/** The tags that are read, by their names in TIFF 6.0, its supplements, GeoTIFF and GDAL. */
export const tags = {
  newSubfileType: 254,
  imageWidth: 256,
  imageLength: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  imageDescription: 270,
  stripOffsets: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  software: 305,
  dateTime: 306,
  predictor: 317,
  colorMap: 320,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  extraSamples: 338,
  sampleFormat: 339,
  jpegTables: 347,
  modelPixelScale: 33550,
  modelTiepoint: 33922,
  modelTransformation: 34264,
  geoKeyDirectory: 34735,
  geoDoubleParams: 34736,
  geoAsciiParams: 34737,
  gdalMetadata: 42112,
  gdalNoData: 42113,
  lercParameters: 50674,
} as const;
/** Name of a tag that is read. */
export type TagName = keyof typeof tags;

/** Bytes of a value, by TIFF type: BYTE, ASCII, SHORT, LONG, RATIONAL and so on. */
const typeBytes: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};

/** One directory of a TIFF. */
export interface TiffDirectory {
  has(tag: TagName): boolean;
  /**
   * All values of a tag as numbers; empty where it is not there. Throws an `InputError` where they lie outside the
   * file.
   */
  numbers(tag: TagName): Promise<readonly number[]>;
  /** The first value of a tag. */
  number(tag: TagName): Promise<number | undefined>;
  /** The text of a tag, without the zero that ends it; `undefined` where it is not there. */
  text(tag: TagName): Promise<string | undefined>;
  /** The bytes of a tag as they are. */
  bytes(tag: TagName): Promise<Uint8Array | undefined>;
}

/** A TIFF without its pixels. */
export interface TiffStructure {
  readonly littleEndian: boolean;
  readonly bigTiff: boolean;
  readonly directories: readonly TiffDirectory[];
}

/** More directories are a loop or an attack. */
const mostDirectories = 4096;
const mostEntries = 4096;
/** Bytes of one list: 32 million blocks have one of this size. */
const mostListBytes = 1 << 28;

const damaged = (source: ByteSource, message: string): InputError =>
  new InputError(source.name, message, { code: 'E_TIFF_DAMAGED', remedy: 'Copy it again from where it came from.' });

/**
 * Reads all directories of a file. Throws an `InputError`: E_FORMAT for what is no TIFF, E_TIFF_DAMAGED for directories
 * that make no sense, E_FILE_TRUNCATED for those that lie outside the file.
 */
export async function readTiffStructure(source: ByteSource, signal?: AbortSignal): Promise<TiffStructure> {
  const read = readPages(source);
  const head = view(await read(0, Math.min(16, source.size), signal));
  if (source.size === 0) throw new InputError(source.name, 'is empty.', { code: 'E_FILE_EMPTY' });
  const order = head.byteLength >= 8 ? head.getUint16(0) : 0;
  const little = order === 0x4949;
  const version = head.byteLength >= 8 ? head.getUint16(2, little) : 0;
  if ((!little && order !== 0x4d4d) || (version !== 42 && version !== 43) || (version === 43 && head.byteLength < 16))
    throw new InputError(source.name, `is no TIFF: it starts with ${startOf(head)}.`, {
      code: 'E_FORMAT',
      remedy:
        'Look whether it is the file that was meant; a page of a web server that says "not found" looks like this.',
    });
  const big = version === 43;
  const directories: TiffDirectory[] = [];
  const seen = new Set<number>();
  let at = big ? Number(head.getBigUint64(8, little)) : head.getUint32(4, little);
  while (at !== 0) {
    if (seen.has(at) || directories.length >= mostDirectories)
      throw damaged(source, 'has directories that lead back to one another.');
    seen.add(at);
    const { directory, next } = await readDirectory({ source, read, little, big, signal }, at);
    directories.push(directory);
    at = next;
  }
  if (directories.length === 0) throw damaged(source, 'has no directory, and so no picture.');
  return { littleEndian: little, bigTiff: big, directories };
}

interface Reading {
  readonly source: ByteSource;
  readonly read: ByteSource['read'];
  readonly little: boolean;
  readonly big: boolean;
  readonly signal: AbortSignal | undefined;
}

interface Entry {
  readonly type: number;
  readonly count: number;
  readonly at: number;
}

async function readDirectory(
  reading: Reading,
  at: number,
): Promise<{ readonly directory: TiffDirectory; readonly next: number }> {
  const { source, read, little, big, signal } = reading;
  const head = view(await read(at, big ? 8 : 2, signal));
  const count = big ? Number(head.getBigUint64(0, little)) : head.getUint16(0, little);
  if (count > mostEntries) throw damaged(source, `has a directory of ${count} entries at byte ${at}.`);
  const [begin, size, room] = big ? [at + 8, 20, 8] : [at + 2, 12, 4];
  const table = view(await read(begin, count * size + room, signal));
  const entries = new Map<number, Entry>();
  for (let i = 0; i < count; i++) {
    const from = i * size;
    const type = table.getUint16(from + 2, little);
    const values = big ? Number(table.getBigUint64(from + 4, little)) : table.getUint32(from + 4, little);
    const place = from + (big ? 12 : 8);
    const inside = values * (typeBytes[type] ?? Infinity) <= room;
    const elsewhere = big ? Number(table.getBigUint64(place, little)) : table.getUint32(place, little);
    entries.set(table.getUint16(from, little), { type, count: values, at: inside ? begin + place : elsewhere });
  }
  const next = big ? Number(table.getBigUint64(count * size, little)) : table.getUint32(count * size, little);
  return { directory: directoryOf(entries, reading), next };
}

function directoryOf(
  entries: ReadonlyMap<number, Entry>,
  { source, read, little, signal: opening }: Reading,
): TiffDirectory {
  const lists = new Map<TagName, Promise<readonly number[]>>();
  const bytesOf = async (entry: Entry, tag: TagName): Promise<Uint8Array> => {
    const length = entry.count * (typeBytes[entry.type] ?? Infinity);
    if (!(length <= mostListBytes)) throw damaged(source, `has ${entry.count} values of type ${entry.type} in ${tag}.`);
    return read(entry.at, length, opening?.aborted ? undefined : opening);
  };
  const load = async (tag: TagName): Promise<readonly number[]> => {
    const entry = entries.get(tags[tag]);
    if (!entry) return [];
    const values = view(await bytesOf(entry, tag));
    const one = readers[entry.type];
    if (!one) throw damaged(source, `has values of type ${entry.type} in ${tag}.`);
    const step = typeBytes[entry.type]!;
    const out = new Array<number>(entry.count);
    for (let i = 0; i < entry.count; i++) out[i] = one(values, i * step, little);
    return out;
  };
  const directory: TiffDirectory = {
    has: (tag) => entries.has(tags[tag]),
    numbers(tag) {
      let found = lists.get(tag);
      if (!found) {
        found = load(tag);
        found.catch(() => lists.delete(tag));
        lists.set(tag, found);
      }
      return found;
    },
    number: async (tag) => (await directory.numbers(tag))[0],
    async text(tag) {
      const bytes = await directory.bytes(tag);
      return bytes && new TextDecoder().decode(bytes).replace(/\0[^]*$/, '');
    },
    async bytes(tag) {
      const entry = entries.get(tags[tag]);
      return entry && bytesOf(entry, tag);
    },
  };
  return directory;
}

type Reader = (values: DataView, at: number, little: boolean) => number;
const unsigned8: Reader = (values, at) => values.getUint8(at);
const unsigned32: Reader = (values, at, little) => values.getUint32(at, little);
const unsigned64: Reader = (values, at, little) => Number(values.getBigUint64(at, little));

const readers: Readonly<Record<number, Reader>> = {
  1: unsigned8,
  2: unsigned8,
  3: (values, at, little) => values.getUint16(at, little),
  4: unsigned32,
  5: (values, at, little) => values.getUint32(at, little) / values.getUint32(at + 4, little),
  6: (values, at) => values.getInt8(at),
  7: unsigned8,
  8: (values, at, little) => values.getInt16(at, little),
  9: (values, at, little) => values.getInt32(at, little),
  10: (values, at, little) => values.getInt32(at, little) / values.getInt32(at + 4, little),
  11: (values, at, little) => values.getFloat32(at, little),
  12: (values, at, little) => values.getFloat64(at, little),
  13: unsigned32,
  16: unsigned64,
  17: (values, at, little) => Number(values.getBigInt64(at, little)),
  18: unsigned64,
};

const startOf = (head: DataView): string =>
  JSON.stringify(
    String.fromCharCode(...new Uint8Array(head.buffer, head.byteOffset, head.byteLength)).replace(/[^\x20-\x7e]/g, '.'),
  );

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
