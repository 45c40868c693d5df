// What frames of a cube show: values as they are, stretched to 8 bits, or through a colour map.

import { tensor, type Raster } from '@deepearth/core';
import { overviewRaster } from '@deepearth/core/raster-part';
import { colorMap, type ColorMapName } from '@deepearth/vision/colormaps';
import { stretchRaster } from '@deepearth/vision/stretch';

/** A low and a high value. */
export type Range = readonly [low: number, high: number];

/** How values become what a frame holds. */
export interface Showing {
  readonly values: 'uint8' | 'stored';
  /** What becomes black and white: one pair, or one for each channel; absent where values stay as they are. */
  readonly ranges?: readonly Range[] | undefined;
  readonly colorMap?: ColorMapName | undefined;
}

/** A raster as a frame shows it, made smaller at the end, so that a small copy is the mean of what is shown. */
export function shown(raster: Raster, { values, ranges, colorMap: map }: Showing, overview = 1): Raster {
  if (values === 'stored' || !ranges) return overviewRaster(raster, overview);
  const stretched = ranges.length === 1 ? stretchRaster(raster, ranges[0]!) : stretchChannels(raster, ranges);
  return overviewRaster(map ? coloured(stretched, colorMap(map)) : stretched, overview);
}

/** As `stretchRaster`, with a pair for each channel. */
function stretchChannels({ values, channels, valid }: Raster, ranges: readonly Range[]): Raster {
  const count = ranges.length;
  const out = new Uint8ClampedArray(values.data.length);
  for (const [channel, [low, high]] of ranges.entries()) {
    const factor = 255 / (high - low);
    for (let i = channel; i < out.length; i += count) out[i] = (values.data[i]! - low) * factor;
  }
  return { values: tensor('uint8', values.shape, new Uint8Array(out.buffer)), channels, ...(valid && { valid }) };
}

/** One channel of 8 bits as red, green and blue of a table `[256, 3]`. Pixels without data are black. */
function coloured({ values, valid }: Raster, table: Uint8Array): Raster {
  const out = new Uint8Array(values.data.length * 3);
  for (let i = 0; i < values.data.length; i++) {
    if (valid?.[i] === 0) continue;
    const at = values.data[i]! * 3;
    out[3 * i] = table[at]!;
    out[3 * i + 1] = table[at + 1]!;
    out[3 * i + 2] = table[at + 2]!;
  }
  const [height, width] = values.shape as [number, number, number];
  return {
    values: tensor('uint8', [height, width, 3], out),
    channels: ['red', 'green', 'blue'],
    ...(valid && { valid }),
  };
}
