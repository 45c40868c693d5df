// Makes 8-bit values of those between two limits, the same for every frame.

import {
  defineTransform,
  InputError,
  isRefusal,
  refuse,
  sourceName,
  tensor,
  type Frame,
  type Raster,
} from '@deepearth/core';
import { z } from 'zod';
import { frameChanger, reopenChanged, type PixelChange, type Said } from './changed-frame.ts';
import { wantFrames } from './frame-stream.ts';

/** Options of `transform/stretch`. */
export const stretchOptions = z.strictObject({
  range: z
    .tuple([z.number(), z.number()])
    .optional()
    .describe('Values that become black and white. Default: those that the source found; 0 and 255 of 8-bit frames.'),
  gamma: z
    .number()
    .positive()
    .default(1)
    .describe('Brightens the middle above 1 and darkens it below: values between the limits are raised to 1 / gamma.'),
});

const said = z.object({ range: z.tuple([z.number(), z.number()]).optional(), gamma: z.number().positive() });

const change: PixelChange = {
  type: 'transform/stretch',
  apply: async (raster, _, given) => {
    const { range = [0, 255], gamma } = said.parse(given);
    return stretched(raster, range, gamma);
  },
};

/** 8-bit values, halves up; a pixel with NaN holds no data. */
function stretched({ values, channels, valid }: Raster, [low, high]: readonly [number, number], gamma: number): Raster {
  const { shape, data } = values;
  const out = new Uint8Array(data.length);
  let seen = valid;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (Number.isNaN(value)) {
      seen = seen === valid ? Uint8Array.from(valid ?? new Uint8Array(data.length / shape[2]!).fill(1)) : seen;
      seen![Math.floor(i / shape[2]!)] = 0;
      continue;
    }
    const share = Math.min(Math.max((value - low) / (high - low), 0), 1);
    out[i] = Math.floor(255 * (gamma === 1 ? share : share ** (1 / gamma)) + 0.5);
  }
  return { values: tensor('uint8', shape, out), channels, ...(seen && { valid: seen }) };
}

/** The stage `transform/stretch`. */
export const stretch = defineTransform({
  type: 'stretch',
  summary:
    'Makes 8-bit values of those between two limits, the same for every frame, for dark, hazy or 16-bit pictures.',
  options: stretchOptions,
  examples: [
    '- type: transform/stretch\n  with: { range: [20, 160] }',
    '- type: transform/stretch\n  with: { gamma: 1.8 }',
  ],

  joins: 'merged',

  describe(_, { options: { range }, inputs }) {
    const input = wantFrames(inputs);
    if (isRefusal(input)) return input;
    if (range && !(range[0] < range[1]))
      return refuse(`the limits are ${range[0]} and ${range[1]}, and the first has to be the smaller one.`, {
        option: 'range',
        remedy: 'Give the value that becomes black first.',
      });
    return { output: { ...input, dtype: 'uint8' } };
  },

  async *process(frames: AsyncIterable<Frame>, context) {
    const changed = frameChanger(change, context);
    const { range, gamma } = context.options;
    for await (const frame of frames) {
      const made = await context.attempt(frame, () => {
        const limits = range ?? frame.range;
        if (!limits && context.inputs.some(({ spec: { dtype } }) => dtype !== null && dtype !== 'uint8'))
          throw new InputError(sourceName(frame), 'nothing says which of its values are black and white.', {
            code: 'E_STRETCH',
            remedy: 'Give the stage a `range`.',
          });
        const { range: _, ...rest } = frame;
        return changed(rest, { ...(limits && { range: [...limits] }), gamma } as Said);
      });
      if (made) yield made;
    }
  },

  reopen: reopenChanged(change),
});
