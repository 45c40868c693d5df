// The way back from projections to tokens: reducer/inverse.

import { InputError } from '@deepearth/core/errors';
import type { Projection, TokenGrid } from '@deepearth/core/items';
import { axisSize, type StreamSpec } from '@deepearth/core/specs';
import { defineReducer, refuse } from '@deepearth/core/stage';
import { tensor } from '@deepearth/core/tensor';
import { z } from 'zod';
import type { Limits } from '../models/model.ts';
import { openModel } from '../models/open-model.ts';
import { keptRows, spreadRows } from '../tokens/projection-spool.ts';

const options = z.strictObject({
  model: z.string().min(1).describe('Path of the saved model (pca or umap) that made the projections.'),
});

const areColours = (limits: Limits): boolean => limits.every(([low, high]) => low === 0 && high === 1);

/**
 * Turns projections into the tokens that a saved model takes them for: what is left of tokens when only its components
 * are kept.
 */
export const inverseStage = defineReducer({
  type: 'inverse',
  summary:
    'Turns projections back into tokens with the saved model that made them, to see or to use what a reduction keeps.',
  options,
  examples: [
    '- type: reducer/pca\n  with: { model: colours.safetensors }\n- type: reducer/inverse\n  with: { model: colours.safetensors }',
  ],
  survey: async (options, signal) => (await import('../models/model-survey.ts')).surveyModel(options, signal),
  describe(input, { options, survey }) {
    if (input?.kind !== 'projection')
      return refuse(`reducer/inverse takes projections, not ${input ? `a stream of ${input.kind}` : 'nothing'}.`, {
        remedy: 'Put it after a reducer.',
      });
    const components = axisSize(input, 'components');
    if (survey && !survey.inverse)
      return refuse(`${options.model} is a saved ${survey.kind}, which has no way back.`, {
        option: 'model',
        remedy: 'pca and umap have one.',
      });
    if (survey && components !== null && survey.components !== components)
      return refuse(
        `${options.model} makes projections of ${survey.components} numbers, and these have ${components}.`,
        { option: 'model' },
      );
    const output: StreamSpec = {
      kind: 'tokens',
      axes: input.axes.map((axis) =>
        axis.name === 'components' ? { name: 'channels', size: survey?.channels ?? null } : axis,
      ),
      dtype: 'float32',
      count: input.count,
    };
    return { output, notes: ['A UMAP returns means of fitted tokens nearby; a PCA what its components hold.'] };
  },
  async *process(projections: AsyncIterable<Projection>, context): AsyncGenerator<TokenGrid> {
    const { signal } = context;
    const path = context.options.model;
    const { saved, model, digest } = await openModel(path, context);
    if (!model.inverse)
      throw new InputError(path, `is a saved ${saved.state.kind}, which has no way back.`, {
        remedy: 'pca and umap have one.',
      });
    const encoder = saved.encoder ?? { name: `the inverse of ${path}`, fingerprint: digest };
    try {
      for await (const projection of projections) {
        const grid = await context.attempt(projection, async (): Promise<TokenGrid> => {
          const { values, valid, reducer, limits } = projection;
          const components = values.shape.at(-1)!;
          if (reducer !== saved.state.kind)
            throw new InputError(projection.id, `was made by ${reducer}, and ${path} is a saved ${saved.state.kind}.`);
          if (components !== model.components)
            throw new InputError(
              projection.id,
              `has ${components} components, the model ${path} makes ${model.components}.`,
            );
          if (areColours(limits) && saved.limits.length > 0 && !areColours(saved.limits))
            throw new InputError(projection.id, 'holds colours of even lightness, no components.', {
              remedy: 'Take lightness: keep before reducer/inverse.',
            });
          const shape = values.shape.slice(0, -1);
          const rows = await model.inverse!(keptRows(values.data, valid, components), signal);
          const back = tensor('float32', [...shape, model.channels], spreadRows(rows, valid, model.channels));
          const { id, axes, clip, origin } = projection;
          return {
            kind: 'tokens',
            id,
            key: context.key(digest, projection.key),
            values: back,
            ...(valid ? { valid } : {}),
            axes: [...axes.slice(0, -1), 'channels'],
            encoder,
            origin,
            ...(clip ? { clip } : {}),
          };
        });
        if (grid) yield grid;
      }
    } finally {
      await model.close?.();
    }
  },
});
