// Any raster to a picture of three 8-bit channels, or a reason why it cannot be one.

import { InputError, type Raster } from '@deepearth/core';
import type { Bytes } from './resize.ts';

/** The values that become 0 and 255. */
export type ValueRange = readonly [low: number, high: number];

export interface Picture8 {
  /** Three channels. */
  readonly picture: Bytes;
  /** `[height, width]`, 0 where there is no data or the picture is fully transparent; absent when all is good. */
  readonly valid?: Uint8Array;
}

const isAlpha = (channel: string | undefined): boolean => channel?.toLowerCase() === 'alpha';

/**
 * Takes three channels, or one that is repeated three times; a last channel named "alpha" is dropped and says where the
 * picture has data. Throws an `InputError` for other channel counts, for values that are not 8-bit without a `range`,
 * and for a shape that does not fit.
 */
export function toPicture({ values, channels, valid }: Raster, name: string, range?: ValueRange): Picture8 {
  const [height, width, count] = values.shape;
  if (values.shape.length !== 3 || !height || !width || !count)
    throw new InputError(
      name,
      `a raster has [height, width, channels], none of them 0; this one has shape [${values.shape.join(', ')}].`,
    );
  const alpha = count > 1 && isAlpha(channels[count - 1]);
  const colours = alpha ? count - 1 : count;
  if (colours !== 1 && colours !== 3)
    throw new InputError(
      name,
      `the encoder takes 1 or 3 channels, this raster has ${colours}${channels.length ? ` (${channels.join(', ')})` : ''}.`,
      {
        code: 'E_CHANNELS',
        remedy: "Pick three with the source's `bands` option.",
      },
    );
  const scale = scaling(values.dtype, range, name);
  const picture = {
    data: scale || count !== 3 ? pick(values.data, height * width, count, colours, scale) : (values.data as Uint8Array),
    height,
    width,
  };
  const data = alpha ? covered(values.data, height * width, count, valid) : valid;
  if (data && data.length !== height * width)
    throw new InputError(name, `its mask has ${data.length} values, its raster ${height} x ${width} pixels`);
  return data?.includes(0) ? { picture, valid: data } : { picture };
}

function scaling(
  dtype: Raster['values']['dtype'],
  range: ValueRange | undefined,
  name: string,
): ((value: number) => number) | undefined {
  if (dtype === 'uint8') return undefined;
  if (!range)
    throw new InputError(name, `it holds ${dtype} values, the encoder takes 8-bit pictures.`, {
      code: 'E_RANGE_MISSING',
      remedy:
        'Give the encoder `range: [low, high]`, the values that become black and white, or let the source stretch them to 8 bits.',
    });
  const [low, high] = range;
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high))
    throw new InputError(name, `a range runs from a low to a higher finite value, got [${low}, ${high}]`, {
      code: 'E_RANGE',
    });
  const factor = 255 / (high - low);
  // Out of range is clamped and rounding is to even, both by the clamped array that takes the value.
  return (value) => (value - low) * factor;
}

/** Three 8-bit channels of every pixel; NaN becomes 0. */
function pick(
  data: ArrayLike<number>,
  pixels: number,
  count: number,
  colours: number,
  scale: ((value: number) => number) | undefined,
): Uint8Array {
  const out = new Uint8ClampedArray(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let channel = 0; channel < 3; channel++) {
      const value = data[pixel * count + (colours === 1 ? 0 : channel)]!;
      out[pixel * 3 + channel] = scale ? scale(value) : value;
    }
  return new Uint8Array(out.buffer);
}

function covered(data: ArrayLike<number>, pixels: number, count: number, valid: Uint8Array | undefined): Uint8Array {
  const out = new Uint8Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel++)
    out[pixel] = data[pixel * count + count - 1]! > 0 && (valid ? valid[pixel]! : 1) ? 1 : 0;
  return out;
}
