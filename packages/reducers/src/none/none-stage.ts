// Tokens as they are, or their first numbers: reducer/none.

import { axisSize } from '@deepearth/core/specs';
import { defineReducer } from '@deepearth/core/stage';
import { z } from 'zod';
import { InputError } from '@deepearth/core/errors';
import { reduceRun, type RunFitter } from '../run/reduce-run.ts';
import { colourOptions, describeFit, refuseInput, spoolOptions } from '../run/stage-options.ts';

const options = z.strictObject({
  components: z
    .union([z.literal('all'), z.number().int().min(1)])
    .default(3)
    .describe('How many of the first channels to keep, or all of them.'),
  ...colourOptions,
  ...spoolOptions,
});

/** Passes the first channels of every token on, with colour limits over the whole run. */
export const noneStage = defineReducer({
  type: 'none',
  summary: 'Passes the first channels of every token on as they are.',
  options,
  examples: ['- type: reducer/none', '- type: reducer/none\n  with: { components: all }'],
  describe(input, { options }) {
    const channels = input ? axisSize(input, 'channels') : null;
    const components = options.components === 'all' ? channels : options.components;
    const refusal = refuseInput(input, 'none', { ...options, components: components ?? undefined });
    if (refusal) return refusal;
    const described = describeFit(input!, components ?? 0, options, 64e6);
    return components === null
      ? {
          ...described,
          output: {
            ...described.output,
            axes: described.output.axes.map((axis) => (axis.name === 'components' ? { ...axis, size: null } : axis)),
          },
        }
      : described;
  },
  process: (items, context) =>
    reduceRun(items, context, 'none', (): RunFitter => ({
      async fit({ channels }) {
        const components = context.options.components === 'all' ? channels : context.options.components;
        if (components > channels)
          throw new InputError('tokens', `${components} components were asked of ${channels} channels.`, {
            remedy: `Ask for ${channels} or fewer.`,
          });
        return {
          model: {
            components,
            async transform(chunk) {
              if (components === channels) return chunk;
              const out = new Float32Array((chunk.length / channels) * components);
              for (let from = 0, to = 0; from < chunk.length; from += channels, to += components)
                out.set(chunk.subarray(from, from + components), to);
              return out;
            },
          },
        };
      },
    })),
});
