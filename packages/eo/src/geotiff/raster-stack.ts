// Puts bands of several rasters together as one raster, on one grid.

import { InputError, type Rectangle } from '@deepearth/core';
import { checkWindow } from '@deepearth/core/raster-part';
import { apply, boundsOf, type Affine } from '../affine.ts';
import type { GeoTiff, RasterBand, RasterReadOptions, RasterWindow } from './open-geotiff.ts';
import type { BandMeaning, RasterRef } from './raster-ref.ts';
import { partToRead, planAxis, resample, type AxisMap, type Band, type Resampling } from './resample.ts';
import { makeSamples, type SampleType } from './samples.ts';
import { codeOf } from '../crs/epsg-code.ts';

/** What frames of a series are read from: a file, or several as one. */
export interface SeriesRaster extends Pick<
  GeoTiff,
  'name' | 'width' | 'height' | 'dtype' | 'crs' | 'transform' | 'overviews' | 'palette' | 'time' | 'read' | 'checkWhole'
> {
  readonly bands: readonly (RasterBand & { readonly dtype?: SampleType })[];
  /**
   * The first band of a file whose values mark pixels of the others, and that says which pixels it covers; absent
   * without one.
   */
  readonly maskFrom?: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}
type Grid = Size & { readonly transform: Affine | undefined };

const remedies = {
  warp: 'Warp one of them to the grid of the other (gdalwarp).',
  crs: 'Assets of one item, and a mask and its picture, lie in one coordinate system: warp one of them (gdalwarp), or leave it out.',
};

/**
 * One raster with the bands of all parts, in their order, on the grid that `ref` chooses. Bands of a file that lies in
 * this grid already are read as they are. Throws an `InputError` with the code E_FRAME_PLACE for parts in another
 * coordinate system, turned against one another, or without a place and of another size.
 */
export function stackRasters(
  rasters: readonly SeriesRaster[],
  { parts, grid: wanted, resampling }: RasterRef,
): SeriesRaster {
  const base = rasters[wanted?.part ?? finest(rasters, parts)]!;
  const grid = gridOf(base, wanted);
  const levels: Size[] = [
    grid,
    ...base.overviews.map(({ factor }) => ({
      width: Math.ceil(grid.width / factor),
      height: Math.ceil(grid.height / factor),
    })),
  ];
  const places = rasters.map((raster) => placeIn(grid, base, raster));
  const bands = rasters.flatMap((raster, part) =>
    raster.bands.map((band, index) => {
      const meaning = parts[part]!.bands?.[index] ?? parts[part]!.others;
      return {
        part,
        index,
        nodata: nodataOf(meaning?.nodata),
        told: told({ dtype: raster.dtype, ...band }, meaning),
      };
    }),
  );
  const maskFrom = bands.findIndex(({ part }) => parts[part]!.mask);
  const picture = rasters.filter((_, part) => !parts[part]!.mask);
  const palette = picture.length === 1 ? picture[0]!.palette : undefined;

  async function readPart(
    part: number,
    indices: readonly number[],
    window: Rectangle,
    level: Size,
    signal: AbortSignal | undefined,
  ): Promise<Band[]> {
    const raster = rasters[part]!;
    const isMask = parts[part]!.mask === true;
    const how: Resampling = isMask ? 'nearest' : resampling;
    const { columns: across, rows: down } = places[part]!;
    const zoom = { x: grid.width / level.width, y: grid.height / level.height };
    const overview = coarsest(raster, across.scale * zoom.x, down.scale * zoom.y);
    const stored = overview < 0 ? raster : raster.overviews[overview]!;
    const shrunk = { x: stored.width / raster.width, y: stored.height / raster.height };
    const axis = ({ scale, offset }: AxisMap, larger: number, smaller: number): AxisMap => ({
      scale: scale * larger * smaller,
      offset: offset * smaller,
    });
    const columns = planAxis(axis(across, zoom.x, shrunk.x), window.x, window.width, stored.width, how);
    const rows = planAxis(axis(down, zoom.y, shrunk.y), window.y, window.height, stored.height, how);
    const area = partToRead(rows, columns);
    const types = indices.map((index) => raster.bands[index]!.dtype ?? raster.dtype);
    if (!area)
      return types.map((type) => ({
        values: makeSamples(type, window.width * window.height),
        valid: new Uint8Array(window.width * window.height),
      }));
    const read = await raster.read({ bands: indices, window: area, ...(overview >= 0 && { overview }), signal });
    return indices.map((index, i) => {
      const values = read.bands[i]!;
      const nodata = bands.find((band) => band.part === part && band.index === index)!.nodata;
      // What a mask says where it has a value is for its rule to tell.
      const valid = isMask ? undefined : withoutValue(values, read.valid[i], nodata);
      return resample(types[i]!, { values, valid }, rows, columns, how);
    });
  }

  return {
    name: base.name,
    width: grid.width,
    height: grid.height,
    dtype: base.dtype,
    bands: bands.map(({ told: band }) => band),
    ...(base.crs !== undefined && { crs: base.crs }),
    ...(grid.transform && { transform: grid.transform }),
    overviews: base.overviews.map(({ factor }, i) => ({ factor, ...levels[i + 1]! })),
    ...(palette && { palette }),
    ...(base.time !== undefined && { time: base.time }),
    ...(maskFrom >= 0 && { maskFrom }),
    async read({ bands: asked = bands.map((_, i) => i), window, overview, signal }: RasterReadOptions = {}) {
      const level = levels[overview === undefined ? 0 : overview + 1]!;
      const part = window ?? { x: 0, y: 0, width: level.width, height: level.height };
      checkWindow(part, level.width, level.height);
      const out = new Map<number, Band>();
      const wantedParts = [...new Set(asked.map((band) => bands[band]!.part))];
      await Promise.all(
        wantedParts.map(async (each) => {
          const own = [...new Set(asked)].filter((band) => bands[band]!.part === each);
          const indices = own.map((band) => bands[band]!.index);
          const found = await readPart(each, indices, part, level, signal);
          for (const [i, band] of own.entries()) out.set(band, found[i]!);
        }),
      );
      return {
        width: part.width,
        height: part.height,
        bands: asked.map((band) => out.get(band)!.values),
        valid: asked.map((band) => out.get(band)!.valid),
      } satisfies RasterWindow;
    },
    async checkWhole() {
      for (const raster of rasters) await raster.checkWhole();
    },
  };
}

/** The part with the smallest pixels that is no mask; the first of several. */
function finest(rasters: readonly SeriesRaster[], parts: RasterRef['parts']): number {
  const area = ({ transform, width, height }: SeriesRaster): number => {
    if (!transform) return 1 / (width * height);
    const [a, b, , d, e] = transform;
    return Math.abs(a * e - b * d);
  };
  let best = 0;
  for (const [i, raster] of rasters.entries())
    if (!parts[i]!.mask && area(raster) < area(rasters[best]!) * (1 - 1e-9)) best = i;
  return best;
}

function gridOf(base: SeriesRaster, wanted: RasterRef['grid']): Grid {
  const { name, width, height, transform } = base;
  if (!wanted?.bounds && wanted?.resolution === undefined) return { width, height, transform };
  const place = (message: string): InputError =>
    new InputError(name, `${message}, so that \`bounds\` and \`resolution\` cut nothing out of it.`, {
      code: 'E_FRAME_PLACE',
      remedy: 'Warp it with gdalwarp, or leave them out.',
    });
  if (!transform) throw place('has no place on the Earth');
  const [a, b, , d, e] = transform;
  if (b !== 0 || d !== 0) throw place('is turned against its coordinate system');
  const [left, bottom, right, top] = wanted.bounds ?? boundsOf(transform, width, height);
  const [across, down] =
    wanted.resolution === undefined ? [Math.abs(a), Math.abs(e)] : [wanted.resolution, wanted.resolution];
  return {
    width: Math.max(Math.round((right - left) / across), 1),
    height: Math.max(Math.round((top - bottom) / down), 1),
    transform: [across, 0, left, 0, -down, top],
  };
}

/** How pixels of the grid are found in a raster at full size. */
function placeIn(grid: Grid, base: SeriesRaster, raster: SeriesRaster): { columns: AxisMap; rows: AxisMap } {
  const same = { scale: 1, offset: 0 };
  if (raster === base && grid.transform === base.transform) return { columns: same, rows: same };
  const refused = (message: string, remedy: string): InputError =>
    new InputError(raster.name, message, { code: 'E_FRAME_PLACE', remedy });
  if (!raster.transform || !grid.transform) {
    if (raster.width === grid.width && raster.height === grid.height) return { columns: same, rows: same };
    throw refused(
      `has ${raster.width} x ${raster.height} pixels and ${base.name} ${grid.width} x ${grid.height}, and ${raster.transform ? base.name : 'it'} says nothing of its place, by which they could be laid on one another.`,
      remedies.warp,
    );
  }
  if (!isSameCrs(raster.crs, base.crs))
    throw refused(
      `is in ${raster.crs ?? 'no coordinate system'}, but ${base.name} is in ${base.crs ?? 'none'}.`,
      remedies.crs,
    );
  const [a, b, c, d, e, f] = raster.transform;
  const determinant = a * e - b * d;
  const inverse: Affine = [
    e / determinant,
    -b / determinant,
    (b * f - e * c) / determinant,
    -d / determinant,
    a / determinant,
    (d * c - a * f) / determinant,
  ];
  const [x0, y0] = apply(inverse, grid.transform[2], grid.transform[5]);
  const [x1, y1] = apply(inverse, ...apply(grid.transform, grid.width, 0));
  const [x2, y2] = apply(inverse, ...apply(grid.transform, 0, grid.height));
  // Across the whole raster rows must stay rows.
  if (Math.abs(y1 - y0) > 0.01 || Math.abs(x2 - x0) > 0.01)
    throw refused(`is turned against ${base.name}.`, remedies.warp);
  return {
    columns: { scale: (x1 - x0) / grid.width, offset: x0 },
    rows: { scale: (y2 - y0) / grid.height, offset: y0 },
  };
}

/** Whether two names are of one coordinate system. */
function isSameCrs(one: string | undefined, other: string | undefined): boolean {
  if (one === other) return true;
  const code = one === undefined ? undefined : codeOf(one);
  return code !== undefined && other !== undefined && code === codeOf(other);
}

/** The smallest overview whose pixels are no larger than the wanted ones; -1 for the raster itself. */
function coarsest({ width, height, overviews }: SeriesRaster, across: number, down: number): number {
  const slack = 1.001;
  return overviews.findLastIndex(
    (each) => width / each.width <= Math.abs(across) * slack && height / each.height <= Math.abs(down) * slack,
  );
}

const told = (
  band: RasterBand & { readonly dtype: SampleType },
  meaning: BandMeaning | undefined,
): RasterBand & { readonly dtype: SampleType } => ({
  ...band,
  ...(meaning?.name !== undefined && { name: meaning.name }),
  ...(meaning?.scale !== undefined && { scale: meaning.scale }),
  ...(meaning?.offset !== undefined && { offset: meaning.offset }),
});

const nodataOf = (nodata: BandMeaning['nodata']): number | undefined =>
  nodata === 'nan' ? NaN : nodata === 'inf' ? Infinity : nodata === '-inf' ? -Infinity : nodata;

function withoutValue(
  values: Band['values'],
  valid: Uint8Array | undefined,
  nodata: number | undefined,
): Uint8Array | undefined {
  // NaN holds no data in any case.
  if (nodata === undefined || Number.isNaN(nodata)) return valid;
  const none = values instanceof Float32Array ? Math.fround(nodata) : nodata;
  let out: Uint8Array | undefined;
  for (let i = 0; i < values.length; i++)
    if (values[i] === none) (out ??= valid?.slice() ?? new Uint8Array(values.length).fill(1))[i] = 0;
  return out ?? valid;
}
