// Reads what the directories of a TIFF say of its pictures: how many bands, which of them is opacity, which pages are
// pictures. Pixels are libvips' business, which does not tell these (TIFF 6.0; BigTIFF as libtiff writes it).

/** One picture of a TIFF. */
export interface TiffPage {
  /** Its place among all directories, as libvips counts pages. */
  readonly page: number;
  /** As stored, before the orientation. */
  readonly width: number;
  readonly height: number;
  /** As EXIF numbers it: 1 for a picture that is stored the way it is shown. */
  readonly orientation: number;
  /** What a sample is where it has 64 bits, which libvips does not open; `undefined` for others. */
  readonly long?: 'float64' | 'int64' | 'uint64' | 'complex64';
  /** What the samples mean, as TIFF numbers it: 0 white is zero, 1 black is zero, 2 red, green, blue. */
  readonly photometric: number;
  /** Where in the file that number stands; absent where it says none. */
  readonly photometricAt?: number;
  /** Whether each band is stored by itself. */
  readonly separate: boolean;
  /** Samples of a pixel. */
  readonly bands: number;
  /** What samples beyond the colours are: 0 not said, 1 opacity that colours were multiplied with, 2 opacity. */
  readonly extraSamples: readonly number[];
  /** Names that GDAL wrote for the bands, by position. */
  readonly bandNames: readonly (string | undefined)[];
  /** The value that GDAL calls no data; NaN where it names none that is a number. */
  readonly noData: number;
}

/** Reads `length` bytes at an offset; fewer at the end of the file. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array> | Uint8Array;

const tags = {
  subfileType: 254,
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  planes: 284,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
  extraSamples: 338,
  sampleFormat: 339,
  exif: 34665,
  gdalMetadata: 42112,
  gdalNoData: 42113,
} as const;
const pageTags = [
  tags.subfileType,
  tags.width,
  tags.height,
  tags.bitsPerSample,
  tags.photometric,
  tags.orientation,
  tags.samplesPerPixel,
  tags.planes,
  tags.extraSamples,
  tags.sampleFormat,
];
/** Types of 64 bits, by the number of their format; 5 is of two whole numbers, 6 of two floats. */
const longTypes: Readonly<Partial<Record<number, TiffPage['long']>>> = {
  1: 'uint64',
  2: 'int64',
  3: 'float64',
  5: 'complex64',
  6: 'complex64',
};
const pageOnly: readonly number[] = [tags.gdalMetadata, tags.gdalNoData, tags.exif, tags.photometric];
const blockTags = Object.values(tags).filter((tag) => !pageOnly.includes(tag));
/** Of a list; a picture of 16,384 x 16,384 in strips of a row or tiles of 16 x 16 stays below. */
const mostValues = 1 << 21;
/** Bytes of a value, by TIFF type. */
const typeBytes: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 13: 4, 16: 8 };
/** Of a chain of directories; more is a loop or an attack. */
const maxPages = 65_536;
/** Of band names. */
const maxTextBytes = 1 << 20;

/**
 * The pictures of a TIFF in order, without thumbnails, overviews and masks; `undefined` for what is no TIFF or has
 * directories that cannot be read: decoding it says what is wrong.
 */
export async function tiffPages(readAt: ReadAt): Promise<readonly TiffPage[] | undefined> {
  const pages: TiffPage[] = [];
  const whole = await eachDirectory(readAt, pageTags, async (directory, page) => {
    const [kind = 0] = directory.numbers(tags.subfileType);
    // Bit 0: a smaller copy of another picture; bit 2: a mask.
    if (kind & 5) return true;
    const one = (tag: number, otherwise: number): number => directory.numbers(tag)[0] ?? otherwise;
    const long = one(tags.bitsPerSample, 1) === 64 ? longTypes[one(tags.sampleFormat, 1)] : undefined;
    pages.push({
      page,
      width: one(tags.width, 0),
      height: one(tags.height, 0),
      orientation: one(tags.orientation, 1),
      ...(long && { long }),
      photometric: one(tags.photometric, 1),
      ...photometricPlace(directory),
      separate: one(tags.planes, 1) === 2,
      bands: one(tags.samplesPerPixel, 1),
      extraSamples: directory.numbers(tags.extraSamples),
      bandNames: bandNames(await directory.text(tags.gdalMetadata)),
      noData: numberIn(await directory.text(tags.gdalNoData)),
    });
    return true;
  });
  return whole ? pages : undefined;
}

function photometricPlace(directory: Directory): { readonly photometricAt?: number } {
  const at = directory.place(tags.photometric);
  return at === undefined ? {} : { photometricAt: at };
}

/** NaN for a text without a number: `Number` takes an empty one for 0. */
const numberIn = (text: string): number => {
  const written = text.replaceAll('\0', '').trim();
  return written === '' ? NaN : Number(written);
};

/**
 * A text of the EXIF directory that the first directory leads to, by its tag: of a TIFF, and of a block of EXIF data,
 * which is built like one. Empty where there is none.
 */
export async function exifTexts(readAt: ReadAt, wanted: readonly number[]): Promise<readonly string[]> {
  let texts: string[] = [];
  await eachDirectory(readAt, [tags.exif], async (directory) => {
    const exif = await directory.below(tags.exif);
    if (exif) texts = await Promise.all(wanted.map((tag) => exif.text(tag)));
    return false;
  });
  return wanted.map((_, i) => texts[i] ?? '');
}

/** How the pixels of a page are stored: in strips or tiles, row by row, one plane after another. */
export interface TiffBlocks {
  readonly compression: number;
  /** Whether bits run from the high one to the low one, as they do everywhere else. */
  readonly highBitFirst: boolean;
  /** Blocks beside one another, and in one plane. */
  readonly across: number;
  readonly perPlane: number;
  /** Pixels of a block. */
  readonly width: number;
  readonly height: number;
  /** Values of a pixel in a block. */
  readonly samples: number;
  readonly offsets: readonly number[];
  readonly bytes: readonly number[];
}

/** The blocks of a directory, counted from 0 among all; `undefined` where they are not understood. */
export async function tiffBlocks(readAt: ReadAt, page: number): Promise<TiffBlocks | undefined> {
  let found: TiffBlocks | undefined;
  await eachDirectory(readAt, blockTags, async ({ numbers }, number) => {
    if (number < page) return true;
    const one = (tag: number): number | undefined => numbers(tag)[0];
    const [width = 0, height = 0] = [one(tags.width), one(tags.height)];
    const tiled = one(tags.tileWidth) !== undefined;
    const size = tiled
      ? { width: one(tags.tileWidth) ?? 0, height: one(tags.tileHeight) ?? 0 }
      : { width, height: Math.min(one(tags.rowsPerStrip) ?? height, height) };
    const across = Math.ceil(width / size.width);
    const perPlane = across * Math.ceil(height / size.height);
    const [offsets, bytes] = tiled
      ? [numbers(tags.tileOffsets), numbers(tags.tileBytes)]
      : [numbers(tags.stripOffsets), numbers(tags.stripBytes)];
    if (!(perPlane > 0 && Number.isFinite(perPlane)) || offsets.length !== bytes.length) return false;
    found = {
      compression: one(tags.compression) ?? 1,
      highBitFirst: (one(tags.fillOrder) ?? 1) === 1,
      across,
      perPlane,
      ...size,
      samples: one(tags.planes) === 2 ? 1 : (one(tags.samplesPerPixel) ?? 1),
      offsets,
      bytes,
    };
    return false;
  });
  return found;
}

/**
 * Reads the directories in order until `see` returns false; returns false itself for what is no TIFF, and where one
 * cannot be read.
 */
async function eachDirectory(
  readAt: ReadAt,
  wanted: readonly number[],
  see: (directory: Directory, page: number) => Promise<boolean>,
): Promise<boolean> {
  const start = view(await readAt(0, 16));
  if (start.byteLength < 8) return false;
  const order = start.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return false;
  const little = order === 0x4949;
  const version = start.getUint16(2, little);
  if (version !== 42 && version !== 43) return false;
  const big = version === 43;
  if (big && start.byteLength < 16) return false;
  const directories = { readAt, little, big, wanted };
  let at = big ? Number(start.getBigUint64(8, little)) : start.getUint32(4, little);
  const seen = new Set<number>();
  for (let page = 0; at !== 0; page++) {
    if (seen.has(at) || page >= maxPages) return false;
    seen.add(at);
    const directory = await readDirectory(directories, at);
    if (!directory) return false;
    at = directory.next;
    if (!(await see(directory, page))) return true;
  }
  return true;
}

interface Directories {
  readonly readAt: ReadAt;
  readonly little: boolean;
  readonly big: boolean;
  /** Tags whose lists are read. */
  readonly wanted: readonly number[];
}

interface Directory {
  readonly next: number;
  /** Values of a tag that are stored in the directory itself or beside it. */
  numbers(tag: number): readonly number[];
  text(tag: number): Promise<string>;
  /** Where in the file the values of a tag stand. */
  place(tag: number): number | undefined;
  /** The directory whose place a tag says. */
  below(tag: number): Promise<Directory | undefined>;
}

async function readDirectory(directories: Directories, at: number): Promise<Directory | undefined> {
  const { readAt, little, big, wanted } = directories;
  const head = view(await readAt(at, 8));
  if (head.byteLength < (big ? 8 : 2)) return undefined;
  const count = big ? Number(head.getBigUint64(0, little)) : head.getUint16(0, little);
  const [begin, size] = big ? [at + 8, 20] : [at + 2, 12];
  if (count > 4096) return undefined;
  const table = view(await readAt(begin, count * size + (big ? 8 : 4)));
  if (table.byteLength < count * size + (big ? 8 : 4)) return undefined;
  const entries = new Map<number, { type: number; length: number; at: number }>();
  for (let i = 0; i < count; i++) {
    const from = i * size;
    const type = table.getUint16(from + 2, little);
    const length = big ? Number(table.getBigUint64(from + 4, little)) : table.getUint32(from + 4, little);
    const value = from + (big ? 12 : 8);
    const inside = length * (typeBytes[type] ?? Infinity) <= (big ? 8 : 4);
    const elsewhere = big ? Number(table.getBigUint64(value, little)) : table.getUint32(value, little);
    entries.set(table.getUint16(from, little), { type, length, at: inside ? begin + value : elsewhere });
  }
  // Short lists alone are looked at; they are read now so that asking for them is simple.
  const lists = new Map<number, number[]>();
  for (const tag of wanted) {
    const entry = entries.get(tag);
    const bytes = entry && typeBytes[entry.type];
    if (!entry || !bytes || entry.length > (wanted === pageTags ? 4096 : mostValues)) continue;
    const values = view(await readAt(entry.at, entry.length * bytes));
    if (values.byteLength < entry.length * bytes) return undefined;
    const one = (i: number): number =>
      bytes === 1
        ? values.getUint8(i)
        : bytes === 2
          ? values.getUint16(i * 2, little)
          : bytes === 4
            ? values.getUint32(i * 4, little)
            : Number(values.getBigUint64(i * 8, little));
    lists.set(
      tag,
      Array.from({ length: entry.length }, (_, i) => one(i)),
    );
  }
  return {
    next: big ? Number(table.getBigUint64(count * size, little)) : table.getUint32(count * size, little),
    numbers: (tag) => lists.get(tag) ?? [],
    async text(tag) {
      const entry = entries.get(tag);
      if (entry?.type !== 2 || entry.length > maxTextBytes) return '';
      return new TextDecoder().decode(await readAt(entry.at, entry.length));
    },
    place: (tag) => entries.get(tag)?.at,
    async below(tag) {
      const [place] = lists.get(tag) ?? [];
      return place === undefined ? undefined : readDirectory({ ...directories, wanted: [] }, place);
    },
  };
}

/** The descriptions in GDAL's metadata: `<Item name="DESCRIPTION" sample="0" role="description">B04</Item>`. */
function bandNames(metadata: string): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const [, attributes, text] of metadata.matchAll(/<Item ([^<>]*)>([^<>]*)<\/Item>/g)) {
    const sample = /\bsample="(\d{1,5})"/.exec(attributes!)?.[1];
    if (sample !== undefined && /\brole="description"/.test(attributes!))
      names[Number(sample)] = unescaped(text!.trim());
  }
  return names;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name]!);

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
