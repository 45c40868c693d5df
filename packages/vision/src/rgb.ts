// Any frame's values as 8-bit red, green, blue, to draw on.

import { InputError, sourceName, type Frame, type Raster } from '@deepearth/core';

const named = [
  ['red', 'r'],
  ['green', 'g'],
  ['blue', 'b'],
] as const;

/** What becomes white: the largest value of whole numbers, 1 for floats. */
const white = { uint8: 255, uint16: 65535, int16: 32767, float32: 1 } as const;

/**
 * `[height, width, 3]`: the channels called red, green and blue, or the first three, or the first one three times.
 * Values of more than 8 bits are scaled by the frame's `range`, which is that of its series, else by the range of their
 * type; never by what this frame holds, so that a sequence does not flicker. Pixels without data
 * are black. 8-bit RGB frames are returned without a copy: do not write to them.
 */
export function toRgb({ values, channels, valid }: Raster, frame: Pick<Frame, 'locator' | 'range'>): Uint8Array {
  const [height, width, count] = values.shape as [number, number, number];
  if (values.shape.length !== 3 || count === 0)
    throw new InputError(
      sourceName(frame),
      `a raster has [height, width, channels], this one has [${values.shape.join(', ')}].`,
      { code: 'E_FRAME_SHAPE' },
    );
  const order = named.map((aliases, i) => {
    const at = channels.findIndex((name) => (aliases as readonly string[]).includes(name.toLowerCase()));
    return at >= 0 ? at : count >= 3 ? i : 0;
  });
  if (values.dtype === 'uint8' && count === 3 && !valid && order.every((channel, i) => channel === i))
    return values.data as Uint8Array;
  const out = new Uint8Array(width * height * 3);
  const [low, high] = (values.dtype !== 'uint8' && frame.range) || [0, white[values.dtype]];
  const factor = 255 / (high - low);
  for (let pixel = 0, i = 0; pixel < width * height; pixel++, i += 3) {
    if (valid?.[pixel] === 0) continue;
    for (let c = 0; c < 3; c++) {
      const value = (values.data[pixel * count + order[c]!]! - low) * factor;
      out[i + c] = value > 0 ? Math.min(255, Math.round(value)) : 0; // NaN is black, too
    }
  }
  return out;
}
