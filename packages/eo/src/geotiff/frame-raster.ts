// Makes the raster of a frame from the bands of a file: scaled, masked, in three channels, stretched.

import { tensor, type Raster, type Rectangle } from '@deepearth/core';
import { countingPixels, type MaskRule } from './mask-rule.ts';
import type { GeoTiff } from './open-geotiff.ts';
import type { SeriesRaster } from './raster-stack.ts';
import { makeSamples, type Samples, type SampleType } from './samples.ts';

/** Limits of a stretch: one pair for all channels, or one for each of three. */
export type Ranges = readonly [ChannelRange] | readonly [ChannelRange, ChannelRange, ChannelRange];
/** What becomes black and what becomes white. */
export type ChannelRange = readonly [low: number, high: number];

/** What decides the values of a frame, beside the bytes of its file. */
export interface RasterChoice {
  /** From 0. */
  readonly bands: readonly number[];
  readonly palette: boolean;
  /** A band whose values mark pixels that do not count. */
  readonly mask?: ({ readonly band: number } & MaskRule) | undefined;
  /** Which overview is read; the raster itself by default. */
  readonly overview?: number | undefined;
}

type FrameType = 'uint8' | 'uint16' | 'int16' | 'float32';
const frameTypes: Readonly<Record<SampleType, FrameType>> = {
  uint8: 'uint8',
  int8: 'int16',
  uint16: 'uint16',
  int16: 'int16',
  uint32: 'float32',
  int32: 'float32',
  float32: 'float32',
  float64: 'float32',
};

/** The type of a frame's values: as stored where a frame can hold them, float32 where they are scaled or wider. */
export function frameType(
  { dtype, bands }: Pick<SeriesRaster, 'dtype' | 'bands'>,
  { bands: chosen, palette }: Pick<RasterChoice, 'bands' | 'palette'>,
): FrameType {
  if (palette) return 'uint8';
  if (chosen.some((band) => isScaled(bands[band]!))) return 'float32';
  const types = new Set(chosen.map((band) => frameTypes[bands[band]!.dtype ?? dtype]));
  return types.size === 1 ? [...types][0]! : 'float32';
}

const isScaled = ({ scale, offset }: GeoTiff['bands'][number]): boolean => scale !== 1 || offset !== 0;

/**
 * The values of a window, `[height, width, 3]`: red, green and blue, or one band three times. A pixel holds data where
 * all chosen bands do.
 */
export async function readFrameRaster(
  raster: SeriesRaster,
  choice: RasterChoice,
  window: Rectangle | undefined,
  signal: AbortSignal | undefined,
): Promise<Raster> {
  const { bands: chosen, mask, overview } = choice;
  const unique = [...new Set([...chosen, ...(mask ? [mask.band] : [])])];
  // A band that is to be shown as a colour is no opacity: GDAL calls any fourth band of 8 bits one.
  const opacity = chosen.every((band) => raster.bands[band]!.interpretation !== 'alpha');
  const read = await raster.read({ bands: unique, window, overview, opacity, signal });
  const { width, height } = read;
  const pixels = width * height;
  const type = frameType(raster, choice);
  const channels = (chosen.length === 1 ? [chosen[0]!, chosen[0]!, chosen[0]!] : chosen).map((band) =>
    unique.indexOf(band),
  );
  const out = makeSamples(type, pixels * 3) as Uint8Array | Uint16Array | Int16Array | Float32Array;
  for (const [channel, index] of channels.entries()) {
    const values = read.bands[index]!;
    const { scale, offset } = raster.bands[unique[index]!]!;
    if (choice.palette) paint(values, raster.palette!, channel, out);
    else if (scale !== 1 || offset !== 0)
      for (let i = 0; i < pixels; i++) out[i * 3 + channel] = values[i]! * scale + offset;
    else for (let i = 0; i < pixels; i++) out[i * 3 + channel] = values[i]!;
  }
  const masks = [...new Set(channels)].map((index) => read.valid[index]);
  if (mask) {
    const at = unique.indexOf(mask.band);
    masks.push(countingPixels(read.bands[at]!, mask));
    // Where a mask of another file does not reach, nothing is known.
    if (mask.band >= (raster.maskFrom ?? Infinity)) masks.push(read.valid[at]);
  }
  const valid = both(masks, pixels);
  const shape = [height, width, 3];
  const values =
    out instanceof Uint8Array
      ? tensor('uint8', shape, out)
      : out instanceof Uint16Array
        ? tensor('uint16', shape, out)
        : out instanceof Int16Array
          ? tensor('int16', shape, out)
          : tensor('float32', shape, out);
  return { values, channels: ['red', 'green', 'blue'], ...(valid && { valid }) };
}

function paint(
  values: Samples,
  palette: NonNullable<GeoTiff['palette']>,
  channel: number,
  out: { [index: number]: number },
): void {
  for (let i = 0; i < values.length; i++) out[i * 3 + channel] = palette[values[i]!]?.[channel] ?? 0;
}

function both(masks: readonly (Uint8Array | undefined)[], pixels: number): Uint8Array | undefined {
  const given = [...new Set(masks)].filter((mask) => mask !== undefined);
  if (given.length <= 1) return given[0];
  const out = new Uint8Array(pixels).fill(1);
  for (const mask of given) for (let i = 0; i < pixels; i++) out[i]! &= mask[i]!;
  return out;
}

/**
 * 8-bit values: `floor(clip((x - low) / (high - low), 0, 1) · 255 + 0.5)` in float64, 0 where the pixel holds no data.
 * The mask stays.
 */
export function stretchChannels({ values, channels, valid }: Raster, ranges: Ranges): Raster {
  const { data, shape } = values;
  const count = shape[2]!;
  const out = new Uint8Array(data.length);
  const limits = Array.from({ length: count }, (_, channel) => ranges[channel] ?? ranges[0]);
  const tables = data instanceof Float32Array ? undefined : new Map<ChannelRange, Uint8Array>();
  for (const [channel, range] of limits.entries()) {
    const origin = data instanceof Int16Array ? 32_768 : 0;
    let table = tables?.get(range);
    if (tables && !table) {
      table = Uint8Array.from({ length: data instanceof Uint8Array ? 256 : 65_536 }, (_, i) => grey(i - origin, range));
      tables.set(range, table);
    }
    for (let i = channel, pixel = 0; i < data.length; i += count, pixel++)
      if (valid?.[pixel] !== 0) out[i] = table ? table[data[i]! + origin]! : grey(data[i]!, range);
  }
  return { values: tensor('uint8', shape, out), channels, ...(valid && { valid }) };
}

/** NaN is 0. */
const grey = (value: number, [low, high]: ChannelRange): number =>
  Math.floor(Math.min(Math.max((value - low) / (high - low), 0), 1) * 255 + 0.5) || 0;
