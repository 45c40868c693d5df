// The first channels of tokens, as a reduction.

import { InputError } from '@deepearth/core/errors';
import { z } from 'zod';
import { noPart } from '../run/no-part.ts';
import type { Reduction } from '../run/reduction.ts';

const options = z.strictObject({
  components: z
    .union([z.literal('all'), z.number().int().min(1)])
    .default(3)
    .describe('How many of the first channels to keep, or all of them.'),
});

export const noneReduction: Reduction<z.output<typeof options>, null> = {
  ...noPart,
  name: 'none',
  options,
  components: ({ components }, channels) => (components === 'all' ? channels : components),
  estimate: () => 64e6,
  async fit({ channels }, chosen) {
    const components = this.components(chosen, channels);
    if (components > channels)
      throw new InputError('tokens', `${components} components were asked of ${channels} channels.`, {
        remedy: `Ask for ${channels} or fewer.`,
      });
    return {
      channels,
      components,
      async transform(chunk) {
        if (components === channels) return chunk;
        const out = new Float32Array((chunk.length / channels) * components);
        for (let from = 0, to = 0; from < chunk.length; from += channels, to += components)
          out.set(chunk.subarray(from, from + components), to);
        return out;
      },
    };
  },
};
