// Opens a GeoTIFF: what it says of itself, and windows of its bands, at full size or of an overview.

import { InputError, type Rectangle } from '@deepearth/core';
import { checkWindow } from '@deepearth/core/raster-part';
import type { ByteSource } from '@deepearth/core/byte-source';
import { boundsOf, type Affine } from '../affine.ts';
import { codecs } from './codecs.ts';
import { readGdalMetadata } from './gdal-metadata.ts';
import { crsOf, isPoint, readGeoKeys, transformOf, type GeoKeys } from './geo-keys.ts';
import type { HttpOptions } from '../http-source.ts';
import { openBytes } from '../raster-bytes.ts';
import type { Samples, SampleType, WideType } from './samples.ts';
import { noSidecars, openSidecars, picturesOf, sidecarMask, type Sidecars } from './sidecars.ts';
import { readTiffStructure } from './tiff-directory.ts';
import { tiffImage, type TiffImage } from './tiff-image.ts';

/** What a file says of one band. */
export interface RasterBand {
  /** What the file calls it; absent where it has no name. */
  readonly name?: string;
  /** GDAL's colour interpretation: "red", "gray", "palette", "alpha", "undefined". */
  readonly interpretation: string;
  /** What a stored value is multiplied with, and what is then added, to have the quantity itself. */
  readonly scale: number;
  readonly offset: number;
  readonly unit?: string;
}

/** What is read of a raster. */
export interface RasterReadOptions {
  /** Bands from 0; all by default. */
  readonly bands?: readonly number[] | undefined;
  /** In pixels of the level that is read; all of it by default. */
  readonly window?: Rectangle | undefined;
  /** 0 for the first overview (the largest); the raster itself by default. */
  readonly overview?: number | undefined;
  /** Whether the band that the file calls opacity says which pixels hold data. Default: true. */
  readonly opacity?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Samples of bands, each `[height, width]`. */
export interface RasterWindow {
  readonly width: number;
  readonly height: number;
  readonly bands: readonly Samples[];
  /** By band: 1 where the pixel holds data; `undefined` where all do. Bands may share one. */
  readonly valid: readonly (Uint8Array | undefined)[];
}

/** What says which pixels hold no data. */
export type MaskKind = 'all_valid' | 'nodata' | 'per_dataset' | 'alpha';

/** An open GeoTIFF, or a TIFF without a place. */
export interface GeoTiff {
  readonly name: string;
  /** Bytes of the file. */
  readonly size: number;
  /** What a server calls this version of the file. */
  readonly version?: string;
  readonly width: number;
  readonly height: number;
  readonly dtype: SampleType;
  /** What the file has where it has whole numbers of 64 bits, which are read as float64. */
  readonly wide?: WideType;
  readonly bands: readonly RasterBand[];
  /** "EPSG:32633", or WKT. */
  readonly crs?: string;
  /** From corners of pixels to coordinates of `crs`. */
  readonly transform?: Affine;
  /** `[left, bottom, right, top]` of the outline. */
  readonly bounds?: readonly [number, number, number, number];
  /** What the file's own coordinates belong to; `transform` is of corners in any case. */
  readonly areaOrPoint: 'Area' | 'Point';
  /** The value that stands where there are no data. */
  readonly nodata?: number;
  readonly mask: MaskKind;
  /** `[red, green, blue]` from 0 to 255 of each value. */
  readonly palette?: readonly (readonly [number, number, number])[];
  /** Tags of any name, with `TIFFTAG_DATETIME` and the like. */
  readonly tags: Readonly<Record<string, string>>;
  /** When it was taken, as `TIFFTAG_DATETIME` has it, taken for UTC; ISO 8601. */
  readonly time?: string;
  readonly tiff: {
    readonly compression: string;
    readonly predictor: number;
    readonly interleave: 'PIXEL' | 'BAND';
    readonly tiled: boolean;
    /** Rows and columns of a strip or tile. */
    readonly block: readonly [height: number, width: number];
    readonly bits: number;
    readonly byteOrder: 'little' | 'big';
    readonly bigTiff: boolean;
  };
  /** Smaller copies in the file, the largest first. */
  readonly overviews: readonly { readonly factor: number; readonly width: number; readonly height: number }[];
  /** Pictures of the file beside this one that are neither overviews nor masks, and are not read. */
  readonly furtherPictures: number;
  /**
   * Reads the blocks that a window touches, and no others. Throws an `InputError` that names the file and the block,
   * and a `RangeError` for a window that leaves the raster or a band that is none.
   */
  read(options?: RasterReadOptions): Promise<RasterWindow>;
  /** Throws an `InputError` with the code E_FILE_TRUNCATED where blocks lie outside the file; no pixel is read. */
  checkWhole(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a path, with the overviews and the mask that lie in files beside it, or an `http(s)://` address. Close it when
 * done. Throws what `openBytes` and `geotiffOf` throw.
 */
export async function openGeoTiff(uri: string, options: HttpOptions = {}): Promise<GeoTiff> {
  const source = await openBytes(uri, options);
  let beside = noSidecars;
  try {
    beside = await openSidecars(uri);
    return await geotiffOf(source, options.signal, beside);
  } catch (error) {
    await beside.close();
    await source.close();
    throw error;
  }
}

/**
 * Reads what a file says of itself, and takes overviews and a mask that it has not itself from files beside it; it
 * closes all of them when it is closed. Throws an `InputError`: E_FORMAT for what is no TIFF, E_TIFF_DAMAGED,
 * E_FILE_TRUNCATED, E_TIFF_TYPE for samples that are not read.
 */
export async function geotiffOf(
  source: ByteSource & { readonly version?: string },
  signal?: AbortSignal,
  beside: Sidecars = noSidecars,
): Promise<GeoTiff> {
  const structure = await readTiffStructure(source, signal);
  const images = await imagesOf(source, structure, beside, signal);
  const { main } = images;
  const { directory, width, height } = main;
  const keys = await readGeoKeys(directory);
  const crs = crsOf(keys);
  const transform = await transformOf(directory, keys);
  const metadata = readGdalMetadata((await directory.text('gdalMetadata')) ?? '');
  const tags: Record<string, string> = { ...metadata.tags };
  for (const [name, tag] of textTags) {
    const text = await directory.text(tag);
    if (text !== undefined) tags[name] = text;
  }
  const nodata = nodataOf(await directory.text('gdalNoData'), main);
  const palette = await paletteOf(main);
  const bands = interpretations(main, palette !== undefined).map((interpretation, i): RasterBand => {
    const said = metadata.bands[i];
    return {
      ...(said?.description && { name: said.description }),
      interpretation: said?.interpretation?.toLowerCase() ?? interpretation,
      scale: said?.scale ?? 1,
      offset: said?.offset ?? 0,
      ...(said?.unit && { unit: said.unit }),
    };
  });
  const alpha = bands.findIndex(({ interpretation }) => interpretation === 'alpha');
  const mask: MaskKind = images.mask
    ? 'per_dataset'
    : nodata !== undefined
      ? 'nodata'
      : alpha >= 0
        ? 'alpha'
        : 'all_valid';
  const time = isoOfTag(tags['TIFFTAG_DATETIME']);
  const levels: Level[] = [{ image: main, mask: images.mask }, ...images.overviews];
  const { maskBand } = images;

  return {
    name: source.name,
    size: source.size,
    ...(source.version !== undefined && { version: source.version }),
    width,
    height,
    dtype: main.type,
    ...(main.wide && { wide: main.wide }),
    bands,
    ...(crs !== undefined && { crs }),
    ...(transform && { transform, bounds: boundsOf(transform, width, height) }),
    areaOrPoint: isPoint(keys) ? 'Point' : 'Area',
    ...(nodata !== undefined && { nodata }),
    mask,
    ...(palette && { palette }),
    tags,
    ...(time !== undefined && { time }),
    tiff: {
      compression: await compressionOf(main),
      predictor: main.predictor,
      interleave: main.planar || main.samples === 1 ? 'BAND' : 'PIXEL',
      tiled: main.tiled,
      block: [main.blockHeight, main.blockWidth],
      bits: main.bits,
      byteOrder: structure.littleEndian ? 'little' : 'big',
      bigTiff: structure.bigTiff,
    },
    overviews: images.overviews.map(({ image }) => ({
      factor: Math.round(width / image.width),
      width: image.width,
      height: image.height,
    })),
    furtherPictures: images.further,
    async read({ bands: wanted = bands.map((_, i) => i), window, overview, opacity = true, signal: reading } = {}) {
      const level = levels[overview === undefined ? 0 : overview + 1];
      if (!level) throw new RangeError(`${source.name} has ${levels.length - 1} overviews, and no number ${overview}`);
      for (const band of wanted)
        if (!Number.isInteger(band) || band < 0 || band >= bands.length)
          throw new RangeError(`${source.name} has ${bands.length} bands, and no number ${band}`);
      const { image } = level;
      const part = window ?? { x: 0, y: 0, width: image.width, height: image.height };
      checkWindow(part, image.width, image.height);
      const options = { missing: missingValue(nodata, image), signal: reading };
      const masked = mask === 'alpha' && opacity;
      const read = masked && !wanted.includes(alpha) ? [...wanted, alpha] : wanted;
      const all = await image.read(read, part, options);
      const samples = all.slice(0, wanted.length);
      const shared = masked ? holes(all[read.indexOf(alpha)]!) : undefined;
      const masks = await masksOf(level.mask, wanted.map(maskBand), part, options);
      return {
        width: part.width,
        height: part.height,
        bands: samples,
        // Opacity itself is known everywhere.
        valid: samples.map((values, i) =>
          mask === 'nodata'
            ? withoutNodata(values, nodata!)
            : withoutNaN(values, (wanted[i] === alpha ? undefined : shared) ?? masks[i]),
        ),
      };
    },
    async checkWhole() {
      for (const { image, mask: own } of levels) {
        await image.checkWhole();
        await own?.checkWhole();
      }
    },
    async close() {
      await beside.close();
      await source.close();
    },
  };
}

const textTags = [
  ['TIFFTAG_IMAGEDESCRIPTION', 'imageDescription'],
  ['TIFFTAG_SOFTWARE', 'software'],
  ['TIFFTAG_DATETIME', 'dateTime'],
] as const;

interface Level {
  readonly image: TiffImage;
  readonly mask: TiffImage | undefined;
}

interface Images {
  readonly main: TiffImage;
  readonly mask: TiffImage | undefined;
  /** The band of masks that is that of a band of the raster; `undefined` where they say nothing of it. */
  maskBand(band: number): number | undefined;
  readonly overviews: readonly Level[];
  readonly further: number;
}

/** The first picture, its overviews and masks; GDAL takes the same ones: of the file itself before those beside it. */
async function imagesOf(
  source: ByteSource,
  { directories, littleEndian }: Awaited<ReturnType<typeof readTiffStructure>>,
  beside: Sidecars,
  signal: AbortSignal | undefined,
): Promise<Images> {
  const main = await tiffImage(source, directories[0]!, littleEndian);
  const others: TiffImage[] = [];
  let further = 0;
  for (const directory of directories.slice(1)) {
    const kind = (await directory.number('newSubfileType')) ?? 0;
    if ((kind & 5) === 0) further++;
    // A thumbnail of another type, or a directory that makes no sense, is nobody's overview.
    else
      try {
        others.push(await tiffImage(source, directory, littleEndian));
      } catch (error) {
        if (!(error instanceof InputError) || error.code === 'E_FILE_TRUNCATED') throw error;
      }
  }
  const isSmaller = (each: TiffImage): boolean =>
    each.samples === main.samples && each.type === main.type && each.width < main.width && each.height <= main.height;
  const within = (pictures: readonly TiffImage[]) => (image: TiffImage) =>
    pictures.find((each) => each.width === image.width && each.height === image.height);
  const own = within(others.filter(({ isMask, samples }) => isMask && samples === 1));
  const external = own(main) ? undefined : await sidecarMask(beside, main, signal);
  const maskFor = external ? within(external.pictures) : own;
  const inside = others.filter((each) => each.reduced && !each.isMask && isSmaller(each));
  const overviews = inside.length > 0 ? inside : (await picturesOf(beside.overviews, signal)).filter(isSmaller);
  return {
    main,
    mask: maskFor(main),
    maskBand: external ? (band) => external.bandOf(band) : () => 0,
    overviews: overviews.sort((a, b) => b.width - a.width).map((image) => ({ image, mask: maskFor(image) })),
    further,
  };
}

function interpretations({ samples, photometric, extraSamples }: TiffImage, hasPalette: boolean): string[] {
  const first: readonly string[] =
    photometric === 2 || photometric === 6
      ? ['red', 'green', 'blue']
      : hasPalette
        ? ['palette']
        : photometric === 5
          ? ['cyan', 'magenta', 'yellow', 'black']
          : ['gray'];
  const colours = Math.max(samples - extraSamples.length, 1);
  return Array.from({ length: samples }, (_, i) => {
    const extra = extraSamples[i - colours];
    if (i >= colours && (extra === 1 || extra === 2)) return 'alpha';
    return first[i] ?? 'undefined';
  });
}

/** As GDAL calls it in `IMAGE_STRUCTURE`. */
async function compressionOf({ compression, photometric, directory }: TiffImage): Promise<string> {
  const name = codecs[compression]?.name ?? String(compression);
  if (name === 'JPEG' && photometric === 6) return 'YCbCr JPEG';
  if (name !== 'LERC') return name;
  const inside = (await directory.numbers('lercParameters'))[1];
  return inside === 1 ? 'LERC_DEFLATE' : inside === 2 ? 'LERC_ZSTD' : name;
}

/** "nan" and numbers as GDAL writes them, as precise as samples are. */
function nodataOf(text: string | undefined, { type }: Pick<TiffImage, 'type'>): number | undefined {
  if (text === undefined) return undefined;
  const trimmed = text.trim();
  if (/^[-+]?nan/i.test(trimmed)) return NaN;
  if (/^[-+]?inf/i.test(trimmed)) return trimmed.startsWith('-') ? -Infinity : Infinity;
  if (trimmed === '' || Number.isNaN(Number(trimmed))) return undefined;
  const rounded = type === 'float32' ? Math.fround(Number(trimmed)) : Number(trimmed);
  return Number.isFinite(rounded) ? rounded : Number(trimmed);
}

/** What stands in blocks that are not stored. */
const missingValue = (nodata: number | undefined, { type }: TiffImage): number =>
  nodata === undefined || (Number.isNaN(nodata) && !type.startsWith('float')) ? 0 : nodata;

function withoutNodata(values: Samples, nodata: number): Uint8Array | undefined {
  const floating = values instanceof Float32Array || values instanceof Float64Array;
  const valid = new Uint8Array(values.length);
  let whole = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === nodata || (floating && value !== value)) whole = false;
    else valid[i] = 1;
  }
  return whole ? undefined : valid;
}

/** A mask without the pixels that are no numbers. */
function withoutNaN(values: Samples, mask: Uint8Array | undefined): Uint8Array | undefined {
  if (!(values instanceof Float32Array) && !(values instanceof Float64Array)) return mask;
  let out: Uint8Array | undefined;
  for (let i = 0; i < values.length; i++)
    if (values[i] !== values[i]) (out ??= mask?.slice() ?? new Uint8Array(values.length).fill(1))[i] = 0;
  return out ?? mask;
}

/** The masks of bands, by the bands of the mask; those that share one share what is returned. */
async function masksOf(
  mask: TiffImage | undefined,
  bands: readonly (number | undefined)[],
  window: Rectangle,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<(Uint8Array | undefined)[]> {
  if (!mask) return [];
  const wanted = [...new Set(bands)].filter((band) => band !== undefined);
  const read = await mask.read(wanted, window, { signal: options.signal });
  const found = read.map(holes);
  return bands.map((band) => (band === undefined ? undefined : found[wanted.indexOf(band)]));
}

/** 1 where a value is above 0; `undefined` where all are. */
function holes(values: Samples): Uint8Array | undefined {
  const valid = new Uint8Array(values.length);
  let whole = true;
  for (let i = 0; i < values.length; i++)
    if (values[i]! > 0) valid[i] = 1;
    else whole = false;
  return whole ? undefined : valid;
}

async function paletteOf({
  photometric,
  directory,
  bits,
  samples,
}: TiffImage): Promise<(readonly [number, number, number])[] | undefined> {
  if (photometric === 3) {
    const map = await directory.numbers('colorMap');
    const count = Math.floor(map.length / 3);
    // 16 bits a colour; some writers use the low eight alone.
    const shift = map.some((value) => value > 255) ? 8 : 0;
    return Array.from({ length: count }, (_, i) => [
      map[i]! >> shift,
      map[count + i]! >> shift,
      map[2 * count + i]! >> shift,
    ]);
  }
  if (bits !== 1 || samples !== 1) return undefined;
  const [zero, one] = photometric === 0 ? [255, 0] : [0, 255];
  return [
    [zero, zero, zero],
    [one, one, one],
  ];
}

/** "2024:01:05 17:47:31" as "2024-01-05T17:47:31Z"; `undefined` for what is no date. */
function isoOfTag(text: string | undefined): string | undefined {
  const match = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(text ?? '');
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1) as [string, string, string, string, string, string];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  return Number.isNaN(Date.parse(iso)) ? undefined : iso;
}

/** The keys of a file, for those who write another like it. */
export type { GeoKeys };
