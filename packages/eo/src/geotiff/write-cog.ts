// Writes cloud-optimised GeoTIFFs: directories first, then the smallest overview, the raster itself last (OGC 21-026).

import type { Scratch } from '@deepearth/core';
import type { Affine } from '../affine.ts';
import { compress, predictorOf, shrinkInto, type BlockKind, type CogSamples } from './cog-blocks.ts';
import { writeGdalMetadata, type GdalBand } from './gdal-metadata.ts';
import { memoryScratch } from './memory-scratch.ts';
import { geoTags, type TagValues } from './write-geo-keys.ts';

/** A raster to be written. */
export interface CogRaster {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly type: 'uint8' | 'uint16' | 'float32';
  /** "EPSG:32633", or WKT. */
  readonly crs: string;
  /** From corners of pixels to coordinates. */
  readonly transform: Affine;
  /** Value of pixels without data. */
  readonly nodata?: number | undefined;
  /** Whether bands are red, green, blue and opacity. */
  readonly colours?: boolean | undefined;
  /** Colours of the values of one band of uint8, from 0 on; values beyond are black. */
  readonly palette?: readonly (readonly [red: number, green: number, blue: number])[] | undefined;
  readonly resampling: 'mean' | 'mode';
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly bandNames?: readonly (string | undefined)[] | undefined;
  /** The instant it shows, ISO 8601. */
  readonly at?: string | undefined;
  /** Values of a part, `[height, width, bands]`; it lies within the raster. */
  read(part: { x: number; y: number; width: number; height: number }): Promise<CogSamples> | CogSamples;
}

/** Bytes of a block that is not compressed, at most. */
const mostBlockBytes = 1 << 22;
const usualEdge = 256;

/** The edge of blocks: 256, less for small rasters and for many bands. */
export function blockEdge({
  width,
  height,
  bands,
  type,
}: Pick<CogRaster, 'width' | 'height' | 'bands' | 'type'>): number {
  const bytes = bands * { uint8: 1, uint16: 2, float32: 4 }[type];
  const needed = Math.ceil(Math.max(width, height) / 16) * 16;
  let edge = Math.min(usualEdge, needed);
  while (edge > 16 && edge * edge * bytes > mostBlockBytes) edge = Math.max(Math.floor(edge / 2 / 16) * 16, 16);
  return edge;
}

/** The raster and its overviews, each half of the one before, until one block holds all of it. */
export function cogLevels(width: number, height: number, edge: number): { width: number; height: number }[] {
  const levels = [{ width, height }];
  for (let last = levels[0]!; Math.max(last.width, last.height) > edge;) {
    last = { width: Math.ceil(last.width / 2), height: Math.ceil(last.height / 2) };
    levels.push(last);
  }
  return levels;
}

interface Level {
  readonly width: number;
  readonly height: number;
  readonly across: number;
  readonly down: number;
  /** Where blocks lie in the scratch, and their bytes. */
  readonly places: number[];
  readonly bytes: number[];
}

/**
 * The bytes of the file. Each part of the raster is read once; compressed blocks wait in `scratch` (memory unless
 * told), so that with a scratch on disk memory holds a few blocks whatever the size.
 */
export async function* writeCog(
  raster: CogRaster,
  scratch: Scratch = memoryScratch(),
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { width, height, bands, nodata, resampling, colours = false } = raster;
  const edge = blockEdge(raster);
  const kind: BlockKind = { edge, bands, nodata, resampling, alpha: colours };
  const levels = cogLevels(width, height, edge).map((size): Level => {
    const across = Math.ceil(size.width / edge);
    const down = Math.ceil(size.height / edge);
    return { ...size, across, down, places: new Array<number>(across * down), bytes: new Array<number>(across * down) };
  });
  const start = scratch.length;

  /** Makes a block and those of finer levels under it, keeps them compressed, and returns its values. */
  const make = async (index: number, column: number, row: number): Promise<CogSamples> => {
    signal?.throwIfAborted();
    const level = levels[index]!;
    const values =
      index === 0 ? await readBlock(raster, edge, column, row) : blank(raster, edge * edge * bands, nodata);
    if (index > 0) {
      const finer = levels[index - 1]!;
      for (const down of [0, 1] as const)
        for (const right of [0, 1] as const) {
          const [x, y] = [column * 2 + right, row * 2 + down];
          if (x >= finer.across || y >= finer.down) continue;
          const size = {
            width: Math.min(edge, finer.width - x * edge),
            height: Math.min(edge, finer.height - y * edge),
          };
          shrinkInto(values, await make(index - 1, x, y), kind, size, right, down);
        }
    }
    const stored = await compress(values, kind);
    const at = row * level.across + column;
    level.places[at] = await scratch.append(stored);
    level.bytes[at] = stored.length;
    return values;
  };
  const top = levels.length - 1;
  for (let row = 0; row < levels[top]!.down; row++)
    for (let column = 0; column < levels[top]!.across; column++) await make(top, column, row);

  const stored = scratch.length - start;
  const blocks = levels.reduce((sum, { bytes }) => sum + bytes.length, 0);
  // What directories and the marks around blocks take beside the blocks.
  const big = stored + blocks * 24 + bands * 64 * levels.length + (1 << 20) > 0xffff_ffff;
  yield headOf(raster, levels, edge, big);
  for (const { places, bytes } of [...levels].reverse())
    for (let i = 0; i < places.length; i++) {
      signal?.throwIfAborted();
      yield framed(await scratch.read(places[i]!, bytes[i]!));
    }
}

async function readBlock(raster: CogRaster, edge: number, column: number, row: number): Promise<CogSamples> {
  const { bands, width, height } = raster;
  const part = {
    x: column * edge,
    y: row * edge,
    width: Math.min(edge, width - column * edge),
    height: Math.min(edge, height - row * edge),
  };
  const values = await raster.read(part);
  if (part.width === edge && part.height === edge) return values;
  const out = blank(raster, edge * edge * bands, raster.nodata);
  for (let y = 0; y < part.height; y++)
    out.set(values.subarray(y * part.width * bands, (y + 1) * part.width * bands), y * edge * bands);
  return out;
}

function blank({ type }: Pick<CogRaster, 'type'>, length: number, nodata = 0): CogSamples {
  const out =
    type === 'uint8' ? new Uint8Array(length) : type === 'uint16' ? new Uint16Array(length) : new Float32Array(length);
  return nodata === 0 ? out : out.fill(nodata);
}

/** GDAL's mark around a block: its length in front, its last four bytes again behind. */
function framed(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(block.length + 8);
  new DataView(out.buffer).setUint32(0, block.length, true);
  out.set(block, 4);
  out.set(block.subarray(-4), block.length + 4);
  return out;
}

const layoutText =
  'LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\nBLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ';
const ghost = `GDAL_STRUCTURAL_METADATA_SIZE=${String(layoutText.length).padStart(6, '0')} bytes\n${layoutText}`;

const typeCodes = { ascii: 2, short: 3, long: 4, double: 12, long8: 16 } as const;
const typeSizes = { ascii: 1, short: 2, long: 4, double: 8, long8: 8 } as const;

interface Tag {
  readonly tag: number;
  readonly type: keyof typeof typeCodes;
  /** Of texts a letter stands for each byte. */
  readonly values: readonly number[] | string;
}

/** Everything in front of the blocks; they follow in the order that `writeCog` writes. */
function headOf(raster: CogRaster, levels: readonly Level[], edge: number, big: boolean): Uint8Array {
  const begin = (big ? 16 : 8) + ghost.length + (ghost.length % 2);
  const offset = big ? 'long8' : 'long';
  // Sizes do not depend on where blocks lie, so directories are laid out before that is known.
  const directories = levels.map((level, index) => tagsOf(raster, level, edge, index, offset));
  const sizes = directories.map((tags) => directorySize(tags, big));
  const length = sizes.reduce((sum, size) => sum + size, begin);
  let at = length;
  const offsets = new Map<Level, number[]>();
  for (const level of [...levels].reverse()) {
    const own: number[] = [];
    for (const bytes of level.bytes) {
      // Offsets are of the block itself, behind its mark.
      own.push(at + 4);
      at += bytes + 8;
    }
    offsets.set(level, own);
  }
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  out.set([0x49, 0x49, big ? 43 : 42, 0]);
  if (big) {
    view.setUint16(4, 8, true);
    view.setBigUint64(8, BigInt(begin), true);
  } else view.setUint32(4, begin, true);
  out.set(new TextEncoder().encode(ghost), big ? 16 : 8);
  let place = begin;
  for (const [index, level] of levels.entries()) {
    const tags = directories[index]!.map((tag) => (tag.tag === 324 ? { ...tag, values: offsets.get(level)! } : tag));
    const next = index + 1 < levels.length ? place + sizes[index]! : 0;
    writeDirectory(view, place, tags, next, big);
    place += sizes[index]!;
  }
  return out;
}

function tagsOf(raster: CogRaster, level: Level, edge: number, index: number, offset: 'long' | 'long8'): Tag[] {
  const { bands, type, colours = false, palette, nodata, at, crs, transform, tags = {}, bandNames = [] } = raster;
  const bits = { uint8: 8, uint16: 16, float32: 32 }[type];
  const repeated = (value: number): number[] => new Array<number>(bands).fill(value);
  const extra = bands - (colours ? 3 : 1);
  const sample = blank({ type }, 0);
  const text = (tag: number, value: string | undefined): Tag[] =>
    value === undefined ? [] : [{ tag, type: 'ascii', values: `${utf8(value)}\0` }];
  const whole: readonly (Tag | TagValues)[] =
    index > 0
      ? []
      : [
          ...text(306, at === undefined ? undefined : tiffDate(at)),
          ...geoTags(crs, transform),
          ...text(42112, writeGdalMetadata({ tags, bands: bandNames.map(bandOf) })),
        ];
  const all: (Tag | TagValues)[] = [
    ...(index > 0 ? [{ tag: 254, type: 'long' as const, values: [1] }] : []),
    { tag: 256, type: 'long', values: [level.width] },
    { tag: 257, type: 'long', values: [level.height] },
    { tag: 258, type: 'short', values: repeated(bits) },
    { tag: 259, type: 'short', values: [8] },
    { tag: 262, type: 'short', values: [colours ? 2 : palette ? 3 : 1] },
    { tag: 277, type: 'short', values: [bands] },
    { tag: 284, type: 'short', values: [1] },
    { tag: 317, type: 'short', values: [predictorOf(sample)] },
    ...(palette ? [{ tag: 320, type: 'short' as const, values: colourMap(palette) }] : []),
    { tag: 322, type: 'long', values: [edge] },
    { tag: 323, type: 'long', values: [edge] },
    { tag: 324, type: offset, values: new Array<number>(level.bytes.length).fill(0) },
    { tag: 325, type: 'long', values: level.bytes },
    ...(extra > 0
      ? [{ tag: 338, type: 'short' as const, values: new Array<number>(extra).fill(colours ? 2 : 0) }]
      : []),
    { tag: 339, type: 'short', values: repeated(type === 'float32' ? 3 : 1) },
    ...whole,
    ...text(42113, nodata === undefined ? undefined : Number.isNaN(nodata) ? 'nan' : String(nodata)),
  ];
  return all.sort((one, other) => one.tag - other.tag);
}

/** Reds of all 256 values, then greens, then blues, of 16 bits each. */
const colourMap = (palette: NonNullable<CogRaster['palette']>): number[] =>
  [0, 1, 2].flatMap((channel) => Array.from({ length: 256 }, (_, i) => (palette[i]?.[channel] ?? 0) * 257));

/** A letter for each byte of the text in UTF-8. */
const utf8 = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

const bandOf = (name: string | undefined): GdalBand | undefined =>
  name === undefined ? undefined : { description: name };

/** "2024-01-05T17:47:31Z" as "2024:01:05 17:47:31". */
const tiffDate = (at: string): string => at.slice(0, 19).replace('T', ' ').replace(/-/g, ':');

const tagBytes = ({ type, values }: Tag): number => values.length * typeSizes[type];

function directorySize(tags: readonly Tag[], big: boolean): number {
  const room = big ? 8 : 4;
  const beside = tags.reduce((sum, tag) => sum + (tagBytes(tag) > room ? tagBytes(tag) + (tagBytes(tag) % 2) : 0), 0);
  return (big ? 16 + tags.length * 20 : 6 + tags.length * 12) + beside;
}

function writeDirectory(view: DataView, place: number, tags: readonly Tag[], next: number, big: boolean): void {
  const [step, room] = big ? [20, 8] : [12, 4];
  let at = place + (big ? 8 : 2);
  if (big) view.setBigUint64(place, BigInt(tags.length), true);
  else view.setUint16(place, tags.length, true);
  let beside = at + tags.length * step + room;
  for (const tag of tags) {
    view.setUint16(at, tag.tag, true);
    view.setUint16(at + 2, typeCodes[tag.type], true);
    if (big) view.setBigUint64(at + 4, BigInt(tag.values.length), true);
    else view.setUint32(at + 4, tag.values.length, true);
    const value = at + (big ? 12 : 8);
    if (tagBytes(tag) <= room) writeValues(view, value, tag);
    else {
      if (big) view.setBigUint64(value, BigInt(beside), true);
      else view.setUint32(value, beside, true);
      writeValues(view, beside, tag);
      beside += tagBytes(tag) + (tagBytes(tag) % 2);
    }
    at += step;
  }
  if (big) view.setBigUint64(at, BigInt(next), true);
  else view.setUint32(at, next, true);
}

function writeValues(view: DataView, place: number, { type, values }: Tag): void {
  if (typeof values === 'string') {
    for (let i = 0; i < values.length; i++) view.setUint8(place + i, values.charCodeAt(i));
    return;
  }
  for (const [i, value] of values.entries()) {
    const at = place + i * typeSizes[type];
    if (type === 'short') view.setUint16(at, value, true);
    else if (type === 'long') view.setUint32(at, value, true);
    else if (type === 'long8') view.setBigUint64(at, BigInt(value), true);
    else view.setFloat64(at, value, true);
  }
}
