// The angles of 3-D rotary attention: one per token and pair of channels, from its time step, row and column.

import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { Grid } from '@deepearth/onnx/architecture';
import type { Architecture } from './architecture.ts';

/**
 * Tables of one clip. `cosEven` and `sinEven` hold the angles of the even channel of each pair, `cosOdd` and `sinOdd`
 * of the odd one; each is `[tokens, headSize / 2]`. In V-JEPA 2.1 both are the same (a true rotation); in 2.0 they
 * differ, because its tables were tiled where the companion is interleaved, and the published weights were trained with
 * that.
 */
export interface RotaryTables {
  readonly cosEven: Tensor<'float32'>;
  readonly sinEven: Tensor<'float32'>;
  readonly cosOdd: Tensor<'float32'>;
  readonly sinOdd: Tensor<'float32'>;
}

/**
 * Channels of a head that turn with one axis: `2 * floor(floor(headSize / 3) / 2)`; what is left over is not turned.
 */
export const axisChannels = (headSize: number): number => 2 * Math.floor(Math.floor(headSize / 3) / 2);

/** The three positions of every token, in the order of tokens: time, then rows, then columns. */
function positions({ time, height, width }: Grid, rotaryGrid: number | null): Float64Array {
  // 2.1 stretches rows and columns to the grid of its first training stage; a single row or column stays at 0.
  const across = rotaryGrid === null ? 1 : (rotaryGrid - 1) / Math.max(width - 1, 1);
  const down = rotaryGrid === null ? 1 : (rotaryGrid - 1) / Math.max(height - 1, 1);
  const out = new Float64Array(time * height * width * 3);
  let at = 0;
  for (let t = 0; t < time; t++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        out[at++] = t;
        out[at++] = row * down;
        out[at++] = column * across;
      }
  return out;
}

/** Makes the tables for a grid of tokens; computed in double precision, so that long clips keep their angles. */
export function rotaryTables(
  { headSize, family, rotaryGrid }: Pick<Architecture, 'headSize' | 'family' | 'rotaryGrid'>,
  grid: Grid,
): RotaryTables {
  const where = positions(grid, rotaryGrid);
  const tokens = where.length / 3;
  const channels = axisChannels(headSize);
  const frequencies = Float64Array.from({ length: channels / 2 }, (_, k) => 10000 ** (-k / (channels / 2)));
  const half = headSize / 2;
  const table = (fn: (angle: number) => number, lane: 0 | 1): Tensor<'float32'> => {
    const data = new Float32Array(tokens * half);
    for (let pair = 0; pair < half; pair++) {
      const channel = 2 * pair + lane;
      const axis = Math.floor(channel / channels);
      const within = channel % channels;
      const frequency = axis > 2 ? 0 : frequencies[family === '2.0' ? within % frequencies.length : within >> 1]!;
      for (let token = 0; token < tokens; token++)
        data[token * half + pair] = fn(frequency && where[token * 3 + axis]! * frequency);
    }
    return tensor('float32', [tokens, half], data);
  };
  return {
    cosEven: table(Math.cos, 0),
    sinEven: table(Math.sin, 0),
    cosOdd: table(Math.cos, 1),
    sinOdd: table(Math.sin, 1),
  };
}
