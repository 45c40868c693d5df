// What `deepearth inspect` says of a GeoTIFF, under the names by which it is compared with what other tools say.

import { InputError, type Json } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';
import { createSha256 } from '@deepearth/core/sha256';
import { toGdal } from '../affine.ts';
import { codeOf } from '../crs/epsg-code.ts';
import { outlineOf } from '../crs/outline.ts';
import { geotiffOf, type GeoTiff, type RasterBand } from './open-geotiff.ts';
import { makeSamples, wideValues, type Samples } from './samples.ts';
import type { Sidecars } from './sidecars.ts';

/** What is read for a description. */
export interface InspectGeoTiffOptions {
  /** Reads all pixels, for statistics and the SHA-256. */
  readonly digest?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Files beside it that hold overviews and a mask; none unless told. */
  readonly beside?: Sidecars | undefined;
}

/** The fields of a description, as JSON has them: NaN is the text "NaN". */
export type GeoTiffInspection = { readonly [field: string]: Json };

/** Whether a file starts as a TIFF does. */
export async function isTiff(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  if (source.size < 8) return false;
  const [a, b, c, d] = await source.read(0, 4, signal);
  return (
    (a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0) ||
    (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43))
  );
}

/**
 * Describes a TIFF: `shape` (bands, rows, columns), `axes`, `dtype`, `crs`, `geotransform` (GDAL's order), `bounds`,
 * `bounds_epsg4326` (west, south, east, north, where the system is one that is known), `nodata`, `bands`, `tags`,
 * `time`, how it is stored. With `digest` each band has `valid_count`, `min`, `max` and `mean` of its valid values,
 * `sha256` is that of all values (C order, little-endian), and `decoded` says the same of values after scale and
 * offset. Throws what opening and reading throw. The source stays open.
 */
export async function inspectGeoTiff(
  source: ByteSource,
  { digest = false, signal, beside }: InspectGeoTiffOptions = {},
): Promise<GeoTiffInspection> {
  const raster = await geotiffOf({ ...source, close: () => Promise.resolve() }, signal, beside);
  const { width, height, bands, crs, transform, bounds, nodata, tiff, overviews } = raster;
  const measured = digest ? await measure(raster, signal) : undefined;
  const epsg = crs === undefined ? undefined : codeOf(crs);
  const outline = crs !== undefined && transform ? outlineOf(crs, transform, width, height) : undefined;
  return {
    kind: 'geotiff',
    bytes: raster.size,
    shape: [bands.length, height, width],
    axes: ['band', 'y', 'x'],
    dtype: raster.wide ?? raster.dtype,
    crs: crs === undefined ? null : { epsg: epsg ?? null, ...(!/^EPSG:/i.test(crs) && { wkt: crs }) },
    geotransform: transform ? toGdal(transform) : null,
    ...(bounds && { bounds }),
    ...(outline && { bounds_epsg4326: outline.bounds }),
    nodata: nodata === undefined ? null : numberJson(nodata),
    area_or_point: raster.areaOrPoint,
    tiff: {
      compression: tiff.compression,
      predictor: tiff.predictor === 1 ? null : String(tiff.predictor),
      interleave: tiff.interleave,
      tiled: tiff.tiled,
      block: tiff.block,
      overviews: overviews.map(({ factor }) => factor),
      nbits: tiff.bits % 8 === 0 ? null : String(tiff.bits),
      byte_order: tiff.byteOrder,
      bigtiff: tiff.bigTiff,
    },
    mask: {
      kind: [raster.mask],
      ...(measured?.mask && { ...measured.mask, values: '0 invalid, 255 valid' }),
    },
    bands: bands.map((band, i) => ({ ...bandJson(band), ...measured?.bands[i] })),
    ...(measured && { valid_pixels_in_all_bands: measured.validInAll }),
    tags: raster.tags,
    ...(raster.time !== undefined && { time: raster.time }),
    ...(raster.furtherPictures > 0 && { further_pictures: raster.furtherPictures }),
    ...(measured && { sha256: measured.sha256, ...(measured.decoded && { decoded: measured.decoded }) }),
    ...(overviews.length > 0 && { overviews: await overviewsJson(raster, digest, signal) }),
  };
}

async function overviewsJson(raster: GeoTiff, digest: boolean, signal: AbortSignal | undefined): Promise<Json[]> {
  const out: Json[] = [];
  for (const [overview, { factor, width, height }] of raster.overviews.entries()) {
    const shape = [raster.bands.length, height, width];
    const read = digest ? await raster.read({ overview, signal }) : undefined;
    const hash = createSha256();
    for (const values of read?.bands ?? []) hash.update(bytesOf(values, raster));
    const means = read?.bands.map((values) => numberJson(sumOf(values) / values.length));
    out.push({ factor, shape, ...(means && { sha256: hash.digest('hex'), mean: means }) });
  }
  return out;
}

/** The bytes of values as the file has them. */
function bytesOf(values: Samples, { wide }: Pick<GeoTiff, 'wide'>): Uint8Array {
  const { buffer, byteOffset, byteLength } = wide ? wideValues(values as Float64Array, wide) : values;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function sumOf(values: Samples): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

const numberJson = (value: number): Json => (Number.isFinite(value) ? value : String(value));

const bandJson = ({ name, interpretation, scale, offset, unit }: RasterBand): { [name: string]: Json } => ({
  name: name ?? null,
  interpretation,
  scale,
  offset,
  unit: unit ?? null,
});

/** Bytes of pixels that are in memory at a time. */
const mostBytes = 2 ** 27;

/** Sum, least and greatest of values, and how many there are. */
function statistics() {
  let [count, sum, min, max] = [0, 0, Infinity, -Infinity];
  return {
    add(values: Samples | Float64Array, valid: Uint8Array | undefined): void {
      for (let i = 0; i < values.length; i++) {
        if (valid?.[i] === 0) continue;
        const value = values[i]!;
        count++;
        sum += value;
        if (value < min) min = value;
        if (value > max) max = value;
      }
    },
    found: (): { [name: string]: Json } => ({
      valid_count: count,
      min: count ? numberJson(min) : null,
      max: count ? numberJson(max) : null,
      mean: count ? numberJson(sum / count) : null,
    }),
  };
}

/** Reads all pixels, band by band where they do not all fit into memory: that is the order of the digest. */
async function measure(raster: GeoTiff, signal: AbortSignal | undefined) {
  const { width, height, bands, dtype, mask, tiff } = raster;
  const valueBytes = makeSamples(dtype, 1).BYTES_PER_ELEMENT;
  const all = width * height * bands.length * valueBytes <= mostBytes;
  const groups = all ? [bands.map((_, i) => i)] : bands.map((_, i) => [i]);
  const rowsAtOnce =
    Math.max(Math.floor(mostBytes / (width * valueBytes * groups[0]!.length * tiff.block[0])), 1) * tiff.block[0];
  const scaled = bands.some(({ scale, offset }) => scale !== 1 || offset !== 0);
  const [hash, decodedHash, maskHash] = [createSha256(), createSha256(), createSha256()];
  const each = bands.map(() => ({ stored: statistics(), decoded: statistics() }));
  const inAll = new Uint8Array(width * height).fill(1);
  for (const group of groups)
    for (let y = 0; y < height; y += rowsAtOnce) {
      const window = { x: 0, y, width, height: Math.min(rowsAtOnce, height - y) };
      const read = await raster.read({ bands: group, window, signal });
      for (const [i, band] of group.entries()) {
        const [values, valid] = [read.bands[i]!, read.valid[i]];
        if (values.length === 0) throw new InputError(raster.name, 'has no pixels.', { code: 'E_TIFF_DAMAGED' });
        hash.update(bytesOf(values, raster));
        each[band]!.stored.add(values, valid);
        if (valid) for (let at = 0; at < valid.length; at++) inAll[y * width + at]! &= valid[at]!;
        if (band === 0 && mask === 'per_dataset')
          maskHash.update((valid ?? new Uint8Array(values.length).fill(1)).map((one) => one * 255));
        if (!scaled) continue;
        const { scale, offset } = bands[band]!;
        const decoded = Float64Array.from(values, (value, at) => (valid?.[at] === 0 ? NaN : value * scale + offset));
        decodedHash.update(new Uint8Array(decoded.buffer));
        each[band]!.decoded.add(decoded, valid);
      }
    }
  const validInAll = inAll.reduce((sum, one) => sum + one, 0);
  return {
    sha256: hash.digest('hex'),
    bands: each.map(({ stored }) => stored.found()),
    validInAll,
    mask: mask === 'per_dataset' ? { sha256: maskHash.digest('hex'), valid_pixels: validInAll } : undefined,
    decoded: scaled
      ? {
          dtype: 'float64',
          scale: bands.map(({ scale }) => scale),
          offset: bands.map(({ offset }) => offset),
          sha256: decodedHash.digest('hex'),
          bands: each.map(({ decoded }) => decoded.found()),
        }
      : undefined,
  };
}
