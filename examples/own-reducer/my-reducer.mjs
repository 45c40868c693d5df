// A reducer of one's own: how unlike the average of its clip a token is.

import { defineReducer, refuse, spec, axisSize, tensor } from '@deepearth/core';
import { z } from 'zod';

export const novelty = defineReducer({
  type: 'novelty',
  summary: 'Tells how unlike the average token of its clip every token is.',
  options: z.strictObject({
    power: z.number().positive().default(1).describe('Above 1 only what is very unlike shows.'),
  }),
  examples: ['- type: reducer/novelty', '- type: reducer/novelty\n  with: { power: 2 }'],

  describe(input) {
    if (input?.kind !== 'tokens')
      return refuse(`it takes token grids, not ${input?.kind ?? 'nothing'}.`, { remedy: 'Put it after an encoder.' });
    const [time, height, width] = ['time', 'height', 'width'].map((axis) => axisSize(input, axis));
    return { output: spec('projection', { time, height, width, components: 1 }, 'float32', input.count) };
  },

  each({ id, key, values, axes, valid, clip, origin }, { options, key: keyOf }) {
    const [time, height, width, channels] = values.shape;
    const count = time * height * width;
    const token = (i) => values.data.subarray(i * channels, (i + 1) * channels);
    const mean = new Float64Array(channels);
    for (let i = 0; i < count; i++) token(i).forEach((x, c) => (mean[c] += x / count));
    const dot = (a, b) => a.reduce((sum, x, c) => sum + x * b[c], 0);
    const unlike = (t) => Math.max(0, 1 - dot(t, mean) / Math.sqrt(dot(t, t) * dot(mean, mean) || 1)) / 2;
    const data = Float32Array.from({ length: count }, (_, i) => unlike(token(i)) ** options.power);
    const projection = {
      kind: 'projection',
      id,
      key: keyOf(key),
      values: tensor('float32', [time, height, width, 1], data),
    };
    return {
      ...projection,
      valid,
      limits: [[0, 1]],
      meaning: 'scalar',
      reducer: 'novelty',
      clip,
      origin,
      axes: [...axes.slice(0, -1), 'components'],
    };
  },
});
