// Random projection as one definition: for the stage, for `deepearth reduce`, and in parts (which hold nothing).

import { z } from 'zod';
import { seedOption } from '../run/common-options.ts';
import { noPart } from '../run/no-part.ts';
import type { SavableReduction } from '../run/reduction.ts';

const options = z.strictObject({
  components: z.number().int().min(1).default(3).describe('How many random directions.'),
  seed: seedOption,
});

export const randomProjectionReduction: SavableReduction<z.output<typeof options>, null> = {
  ...noPart,
  name: 'random-projection',
  options,
  components: ({ components }) => components,
  estimate: ({ channels }, { components }) => channels * components * 8,
  async fit({ channels }, chosen) {
    const { randomProjection } = await import('./random-projection.ts');
    return randomProjection({ ...chosen, channels });
  },
  inverts: false,
  sizes: (shape) => [shape('weights')[0], shape('weights')[1]],
  restore: async (state, subject) => (await import('./random-projection.ts')).restoreRandomProjection(state, subject),
};
