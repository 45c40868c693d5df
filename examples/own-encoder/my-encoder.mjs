// An encoder of one's own: colour, contrast and movement of square cells, without any model.

import { axisSize, defineEncoder, InputError, lineage, refuse, sourceName, spec, tensor } from '@deepearth/core';
import { z } from 'zod';

/** Mean and spread of red, green and blue, and how much the second frame differs from the first. */
const channels = 7;

export const cells = defineEncoder({
  type: 'cells',
  summary: 'Measures colour, contrast and movement in the cells of a grid, for every two frames.',
  options: z.strictObject({
    rows: z.int().min(1).default(12).describe('Cells from top to bottom.'),
    columns: z.int().min(1).default(12).describe('Cells from left to right.'),
  }),
  examples: ['- type: encoder/cells', '- type: encoder/cells\n  with: { rows: 9, columns: 16 }'],

  describe(input, { options: { rows, columns } }) {
    if (input?.kind !== 'clip')
      return refuse(`it takes clips, not ${input?.kind ?? 'nothing'}.`, { remedy: 'Put it after a windower.' });
    const frames = axisSize(input, 'time');
    if (frames !== null && frames % 2)
      return refuse(`a clip of ${frames} frames is no whole number of pairs.`, {
        remedy: 'Choose an even size in the windower.',
      });
    return {
      output: spec(
        'tokens',
        { time: frames === null ? null : frames / 2, height: rows, width: columns, channels },
        'float32',
        input.count,
      ),
    };
  },

  async each(clip, { options: { rows, columns }, signal, key, type }) {
    const { width, height } = clip.frames[0];
    if (clip.frames.length % 2)
      throw new InputError(clip.id, `has ${clip.frames.length} frames, which is no whole number of pairs.`);
    if (width < columns || height < rows)
      throw new InputError(
        sourceName(clip.frames[0]),
        `${width} x ${height} pixels are fewer than ${columns} x ${rows} cells.`,
      );
    const time = clip.frames.length / 2;
    const data = new Float32Array(time * rows * columns * channels);
    for (let t = 0, at = 0; t < time; t++) {
      // Two frames in memory at a time, whatever the length of the clip.
      const [one, other] = await Promise.all([
        clip.frames[2 * t].read({ signal }),
        clip.frames[2 * t + 1].read({ signal }),
      ]);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++, at += channels) {
          const area = {
            top: Math.floor((row * height) / rows),
            bottom: Math.floor(((row + 1) * height) / rows),
            left: Math.floor((column * width) / columns),
            right: Math.floor(((column + 1) * width) / columns),
          };
          data.set(measure(one.values, other.values, area), at);
        }
      }
    }
    return {
      kind: 'tokens',
      id: clip.id,
      key: key(clip.key),
      clip,
      values: tensor('float32', [time, rows, columns, channels], data),
      axes: ['time', 'height', 'width', 'channels'],
      origin: { kind: 'picture', geometry: { frameWidth: width, frameHeight: height, x: 0, y: 0, width, height } },
      encoder: { name: type, fingerprint: lineage(type, rows, columns) },
    };
  },
});

function measure(one, other, { top, bottom, left, right }) {
  const [, width, depth] = one.shape;
  const pixels = (bottom - top) * (right - left);
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  let change = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      for (let c = 0; c < 3; c++) {
        const at = (y * width + x) * depth + Math.min(c, depth - 1);
        const value = one.data[at] / 255;
        sums[c] += value;
        squares[c] += value * value;
        change += Math.abs(other.data[at] / 255 - value);
      }
    }
  }
  return [
    ...sums.map((sum) => sum / pixels),
    ...squares.map((square, c) => Math.sqrt(Math.max(0, square / pixels - (sums[c] / pixels) ** 2))),
    change / (3 * pixels),
  ];
}
