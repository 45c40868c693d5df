// Hands every token on as an embedding, without aggregating.

import { tensor } from '@deepearth/core';
import { z } from 'zod';
import { aggregator } from './aggregator.ts';
import { reader } from './pooling.ts';

/** The stage `aggregator/none`. */
export const none = aggregator(z.strictObject({}), {
  type: 'none',
  summary: 'Hands every token on as it is, as float32; tokens that saw no data are NaN.',
  examples: ['- type: aggregator/none'],
  axes: (grid) => grid,
  make(tokens) {
    const value = reader(tokens);
    const channels = tokens.values.shape.at(-1)!;
    const out = Float32Array.from({ length: tokens.values.data.length }, (_, i) =>
      tokens.valid?.[Math.floor(i / channels)] === 0 ? NaN : value(i),
    );
    return tensor('float32', tokens.values.shape, out);
  },
});
