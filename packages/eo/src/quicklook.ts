// Draws a small picture of a raster or of a variable: what a person looks at first.

import { InputError, tensor, type Json, type Raster, type Tensor } from '@deepearth/core';
import { countValues } from '@deepearth/vision/stretch';
import { axisNames, fieldsOf, pictureAxes } from './cf/axes.ts';
import { dateText } from './cf/time.ts';
import { shown, type Range } from './cube-colours.ts';
import { readCubeRaster, sizeOf } from './cube-raster.ts';
import { viewOf } from './cube-view.ts';
import type { Cube } from './cube.ts';
import { chooseBands } from './geotiff/choose-bands.ts';
import { readFrameRaster } from './geotiff/frame-raster.ts';
import type { SeriesRaster } from './geotiff/raster-stack.ts';

/** The longest edge of a quicklook, in pixels. */
const longestEdge = 720;
/** Pixels that are read at most for one. */
const mostPixels = 2 ** 28;
const percentiles = [2, 98] as const;

/** A small picture, and what it shows. */
export interface Quicklook {
  /** `[height, width, 3]`, or `[height, width, 4]` where pixels without data are transparent. */
  readonly pixels: Tensor<'uint8'>;
  /**
   * `bands` (from 1) or `variable` with `select` and `time`; `stretch`: the values of black and white, `null` for 8-bit
   * values as they are; `factor`: pixels of the file along one of the picture.
   */
  readonly json: { readonly [field: string]: Json };
  /** The same for people. */
  readonly text: string;
}

/**
 * Draws the bands that a file calls red, green and blue, its palette, or the first bands, read from the smallest
 * overview that is large enough. Values that are not 8 bits are stretched between their percentiles 2 and 98. Throws an
 * `InputError` for a raster without valid values, one that is too large to be read whole, and what reading throws.
 */
export async function rasterQuicklook(raster: SeriesRaster, signal?: AbortSignal): Promise<Quicklook> {
  const { name, overviews, bands: all } = raster;
  const { bands, palette } = chooseBands(raster, undefined);
  // Overviews are listed from the largest to the smallest.
  const overview = overviews.findLastIndex(({ width, height }) => Math.max(width, height) >= longestEdge);
  const level = overviews[overview] ?? raster;
  checkSize(name, level, 'Make overviews with gdaladdo, from which a picture is drawn.');
  const values = await readFrameRaster(
    raster,
    { bands, palette, ...(overview >= 0 && { overview }) },
    undefined,
    signal,
  );
  const label = bands.map((band) => `${band + 1}${all[band]!.name ? ` (${all[band]!.name})` : ''}`);
  const what = palette ? 'the palette of band 1' : `${bands.length > 1 ? 'bands' : 'band'} ${label.join(', ')}`;
  return quicklookOf(name, values, raster, what, { bands: bands.map((band) => band + 1) });
}

/**
 * Draws a variable at its first time, and at the first position of its other axes: the one that is named, else the
 * first with rows and columns. Throws an `InputError` for one that is not there or has no rows and columns, for one
 * without valid values or too large to be read whole, and what reading throws.
 */
export async function cubeQuicklook(
  cube: Cube,
  {
    variable = fieldsOf(cube)[0],
    signal,
  }: { readonly variable?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<Quicklook> {
  const array = variable === undefined ? undefined : cube.arrays.get(variable);
  const axes = array && pictureAxes(cube, array);
  const others =
    array && axes ? axisNames(array).filter((_, at) => at !== axes.time && at !== axes.y && at !== axes.x) : [];
  const select = Object.fromEntries(others.map((axis) => [axis, { index: 0 }]));
  const view = await viewOf(cube, { variable, axes: {}, select }, signal);
  const [{ array: drawn }] = view.channels as [(typeof view.channels)[0]];
  checkSize(
    `${cube.name}: ${drawn.name}`,
    sizeOf(view),
    'Leave --picture out, or name a variable with fewer rows and columns.',
  );
  const raster = await readCubeRaster(view, 0, undefined, signal);
  const moment = view.time?.moments[0];
  const time = moment === undefined || !view.time?.units ? undefined : dateText(moment, view.time.units.calendar);
  const where = [...(time === undefined ? [] : [time]), ...others.map((axis) => `position 0 of ${axis}`)];
  return quicklookOf(
    `${cube.name}: ${drawn.name}`,
    raster,
    sizeOf(view),
    [`variable ${drawn.name}`, ...where].join(', '),
    {
      variable: drawn.name,
      ...(others.length > 0 && { select }),
      ...(time !== undefined && { time }),
    },
  );
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function checkSize(subject: string, { width, height }: Size, remedy: string): void {
  if (width * height > mostPixels)
    throw new InputError(
      subject,
      `has ${width} x ${height} pixels, of which no small picture is drawn: ${mostPixels} are read at most.`,
      {
        code: 'E_PICTURE_TOO_LARGE',
        remedy,
      },
    );
}

function quicklookOf(subject: string, raster: Raster, whole: Size, what: string, json: Quicklook['json']): Quicklook {
  const [height, width] = raster.values.shape as [number, number, number];
  const asStored = raster.values.dtype === 'uint8';
  const counts = countValues(1);
  counts.add(raster);
  const range = counts.range(...percentiles);
  if (!range)
    throw new InputError(subject, 'has no valid value of which a picture could be drawn.', {
      code: 'E_NO_DATA',
      remedy: 'Leave --picture out.',
    });
  const ranges: readonly Range[] | undefined = asStored ? undefined : [range];
  const small = shown(raster, { values: 'uint8', ranges }, Math.ceil(Math.max(width, height) / longestEdge));
  const stretch = asStored
    ? '8-bit values as they are'
    : `values from ${short(range[0])} to ${short(range[1])} (percentiles ${percentiles.join(' and ')}) from black to white`;
  return {
    pixels: coloured(small),
    json: {
      ...json,
      stretch: asStored ? null : { range: [...range], percentile: [...percentiles] },
      factor: whole.width / small.values.shape[1]!,
    },
    text: `${what}; ${stretch}`,
  };
}

/** Six digits are enough for people. */
const short = (value: number): string => String(Number(value.toPrecision(6)));

/** Red, green and blue of one channel or of three, with an opacity where pixels hold no data. */
function coloured({ values: { data, shape }, valid }: Raster): Tensor<'uint8'> {
  const [height, width, channels] = shape as [number, number, number];
  const depth = valid?.includes(0) ? 4 : 3;
  const out = new Uint8Array(height * width * depth).fill(255);
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let channel = 0; channel < 3; channel++)
      out[pixel * depth + channel] = data[pixel * channels + (channels === 3 ? channel : 0)]!;
    if (valid?.[pixel] === 0) out[pixel * depth + 3] = 0;
  }
  return tensor('uint8', [height, width, depth], out);
}
