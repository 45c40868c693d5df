// Reads one frame of a cube as a raster: north up, decoded, with the pixels that hold no data marked.

import { tensor, type Raster, type Rectangle } from '@deepearth/core';
import { numbers } from './cf/values.ts';
import type { Channel, CubeView } from './cube-view.ts';

type Kept = 'uint8' | 'uint16' | 'int16' | 'float32';

/** The type that frames of a view have: that of the file where it fits, float32 for packed and other values. */
export function rasterType({ channels }: Pick<CubeView, 'channels'>): Kept {
  const own = channels.map(({ array: { dtype }, meaning: { packed } }): Kept =>
    !packed && (dtype === 'uint8' || dtype === 'uint16' || dtype === 'int16') ? dtype : 'float32',
  );
  return own.every((type) => type === own[0]) ? own[0]! : 'float32';
}

/** Width and height of the frames of a view. */
export const sizeOf = ({ rows, columns }: Pick<CubeView, 'rows' | 'columns'>): { width: number; height: number } => ({
  width: columns.count,
  height: rows.count,
});

/**
 * The values of all channels at one time, `[height, width, channels]`, those of `window` alone where it is given (in
 * pixels of the frame, inside of it). Values without data are 0, and the pixel is not valid where a channel has none.
 * Throws what reading throws.
 */
export async function readCubeRaster(
  view: CubeView,
  position: number,
  window?: Rectangle,
  signal?: AbortSignal,
): Promise<Raster> {
  const { width, height } = sizeOf(view);
  const part = window ?? { x: 0, y: 0, width, height };
  const dtype = rasterType(view);
  const { channels } = view;
  const make = { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array, float32: Float32Array }[dtype];
  const data = new make(part.width * part.height * channels.length);
  const valid = new Uint8Array(part.width * part.height).fill(1);
  let holes = false;
  for (const [at, channel] of channels.entries())
    holes = (await readChannel(view, channel, position, part, data, at, valid, signal)) || holes;
  const values = tensor(dtype, [part.height, part.width, channels.length], data as never);
  return { values, channels: channels.map(({ name }) => name), ...(holes && { valid }) };
}

/** Returns whether a pixel has no data. */
async function readChannel(
  { rows, columns, flipY, flipX }: CubeView,
  { array, meaning, axes, fixed, step }: Channel,
  position: number,
  part: Rectangle,
  out: { [index: number]: number; readonly length: number },
  at: number,
  valid: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const from = (start: number, count: number, size: number, flip: boolean): number =>
    flip ? size - start - count : start;
  const spans = array.shape.map((_, axis) => {
    if (axis === axes.time) return { start: position + step, count: 1 };
    if (axis === axes.y)
      return { start: rows.start + from(part.y, part.height, rows.count, flipY), count: part.height };
    if (axis === axes.x)
      return { start: columns.start + from(part.x, part.width, columns.count, flipX), count: part.width };
    return { start: fixed[axis]!, count: 1 };
  });
  const stored = await array.read(spans, signal);
  const values = numbers(stored);
  // All other axes have one position: rows and columns are the only ones that have a stride.
  const [yStride, xStride] = axes.y < axes.x ? [part.width, 1] : [1, part.height];
  const { noData, validMin, validMax, scale, offset, packed } = meaning;
  const bounded = validMin !== -Infinity || validMax !== Infinity;
  const float = stored.dtype.startsWith('float');
  const plain = noData.length === 0 && !bounded && !float && !packed;
  const [rowStep, columnStep] = [flipY ? -yStride : yStride, flipX ? -xStride : xStride];
  const first = (flipY ? (part.height - 1) * yStride : 0) + (flipX ? (part.width - 1) * xStride : 0);
  const channels = out.length / valid.length;
  let holes = false;
  for (let y = 0, pixel = 0, to = at; y < part.height; y++)
    for (let x = 0, i = first + y * rowStep; x < part.width; x++, i += columnStep, pixel++, to += channels) {
      const value = values[i]!;
      if (plain) out[to] = value;
      else if (Number.isNaN(value) || noData.includes(value) || (bounded && (value < validMin || value > validMax))) {
        valid[pixel] = 0;
        holes = true;
      } else out[to] = packed ? value * scale + offset : value;
    }
  return holes;
}
