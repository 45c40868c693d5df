// Takes the first token of a clip as it is.

import { InputError, tensor } from '@deepearth/core';
import { z } from 'zod';
import { aggregator } from './aggregator.ts';
import { reader } from './pooling.ts';

/** The stage `aggregator/first-token`. */
export const firstToken = aggregator(z.strictObject({}), {
  type: 'first-token',
  summary:
    'Takes the first token of a clip: the class token where an encoder puts one there, the upper left patch of the first frames for V-JEPA 2, which has none.',
  examples: ['- type: aggregator/first-token'],
  axes: ({ channels }) => ({ channels: channels ?? null }),
  make(tokens) {
    if (tokens.valid?.[0] === 0)
      throw new InputError(tokens.id, 'its first token saw no data.', {
        code: 'E_NO_DATA',
        remedy: 'Use `aggregator/mean`, which leaves such tokens out.',
      });
    const value = reader(tokens);
    const channels = tokens.values.shape.at(-1)!;
    return tensor(
      'float32',
      [channels],
      Float32Array.from({ length: channels }, (_, c) => value(c)),
    );
  },
});
