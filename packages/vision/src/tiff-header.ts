// Reads what the directories of a TIFF say of its pictures: how many bands, which of them is opacity, which pages are
// pictures. Pixels are libvips' business, which does not tell these (TIFF 6.0; BigTIFF as libtiff writes it).

/** One picture of a TIFF. */
export interface TiffPage {
  /** Its place among all directories, as libvips counts pages. */
  readonly page: number;
  /** Samples of a pixel. */
  readonly bands: number;
  /** What samples beyond the colours are: 0 not said, 1 opacity that colours were multiplied with, 2 opacity. */
  readonly extraSamples: readonly number[];
  /** Names that GDAL wrote for the bands, by position. */
  readonly bandNames: readonly (string | undefined)[];
}

/** Reads `length` bytes at an offset; fewer at the end of the file. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array> | Uint8Array;

const tags = { subfileType: 254, samplesPerPixel: 277, extraSamples: 338, gdalMetadata: 42112 } as const;
/** Bytes of a value, by TIFF type. */
const typeBytes: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 16: 8 };
/** Of a chain of directories; more is a loop or an attack. */
const maxPages = 65_536;
/** Of band names. */
const maxTextBytes = 1 << 20;

/**
 * The pictures of a TIFF in order, without thumbnails, overviews and masks; `undefined` for what is no TIFF or has
 * directories that cannot be read: decoding it says what is wrong.
 */
export async function tiffPages(readAt: ReadAt): Promise<readonly TiffPage[] | undefined> {
  const start = view(await readAt(0, 16));
  if (start.byteLength < 8) return undefined;
  const order = start.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return undefined;
  const little = order === 0x4949;
  const version = start.getUint16(2, little);
  if (version !== 42 && version !== 43) return undefined;
  const big = version === 43;
  if (big && start.byteLength < 16) return undefined;
  const directories = { readAt, little, big };
  let at = big ? Number(start.getBigUint64(8, little)) : start.getUint32(4, little);
  const pages: TiffPage[] = [];
  const seen = new Set<number>();
  for (let page = 0; at !== 0; page++) {
    if (seen.has(at) || page >= maxPages) return undefined;
    seen.add(at);
    const directory = await readDirectory(directories, at);
    if (!directory) return undefined;
    at = directory.next;
    const [kind = 0] = directory.numbers(tags.subfileType);
    // Bit 0: a smaller copy of another picture; bit 2: a mask.
    if (kind & 5) continue;
    pages.push({
      page,
      bands: directory.numbers(tags.samplesPerPixel)[0] ?? 1,
      extraSamples: directory.numbers(tags.extraSamples),
      bandNames: bandNames(await directory.text(tags.gdalMetadata)),
    });
  }
  return pages;
}

interface Directories {
  readonly readAt: ReadAt;
  readonly little: boolean;
  readonly big: boolean;
}

interface Directory {
  readonly next: number;
  /** Values of a tag that are stored in the directory itself or beside it. */
  numbers(tag: number): readonly number[];
  text(tag: number): Promise<string>;
}

async function readDirectory({ readAt, little, big }: Directories, at: number): Promise<Directory | undefined> {
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
  for (const tag of [tags.subfileType, tags.samplesPerPixel, tags.extraSamples]) {
    const entry = entries.get(tag);
    const bytes = entry && typeBytes[entry.type];
    if (!entry || !bytes || entry.length > 4096) continue;
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
