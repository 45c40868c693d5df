// Options that reducer stages share, and what they say of their streams.

import { outputPath } from '@deepearth/core/output-path';
import { axesKnown, axisSize, type StreamSpec } from '@deepearth/core/specs';
import { refuse, type Description, type Refusal } from '@deepearth/core/stage';
import { z } from 'zod';
import { scalings } from '../colours/limits.ts';
import type { ModelSurvey } from '../models/model-survey.ts';
import { precisions, type Precision } from '../tokens/spool.ts';

export const colourOptions = {
  scaling: z
    .enum(scalings)
    .default('percentile')
    .describe(
      'Which values become the darkest and the brightest of a colour, over the whole run: percentiles, or min-max as the old scripts did.',
    ),
  lowPercentile: z
    .number()
    .min(0)
    .max(50)
    .default(1)
    .describe('Percent of all tokens that lie at or below the darkest value, for scaling: percentile.'),
  highPercentile: z
    .number()
    .min(50)
    .max(100)
    .default(99)
    .describe('Percent of all tokens that lie at or below the brightest value, for scaling: percentile.'),
  lightness: z
    .enum(['keep', 'even'])
    .default('keep')
    .describe(
      'even turns three components into colours of one perceived lightness (OKLab), so that no region looks more important; the projection then holds sRGB from 0 to 1.',
    ),
};

export const modelOptions = {
  model: z
    .string()
    .min(1)
    .optional()
    .describe('Path of a saved model: nothing is fitted, tokens get the colours of the run that saved it.'),
  saveAs: outputPath()
    .optional()
    .describe('Writes the fitted model to this file in the output folder, to be used as model: in another run.'),
};

export const spoolOptions = {
  spool: z
    .enum(precisions)
    .default('float16')
    .describe('How tokens are kept on disk until the fit is done; float32 takes twice the space and keeps every bit.'),
};

/** The parts of the shared options that `describe` looks at. */
interface DescribedOptions {
  readonly components?: number | 'all' | undefined;
  readonly spool?: Precision;
  readonly model?: string | undefined;
  readonly saveAs?: string | undefined;
  readonly lightness?: 'keep' | 'even';
  readonly lowPercentile?: number;
  readonly highPercentile?: number;
}

/** Why a reducer cannot take a stream, or `undefined`. */
export function refuseInput(
  input: StreamSpec | undefined,
  name: string,
  options: DescribedOptions,
  survey?: ModelSurvey,
): Refusal | undefined {
  if (!input || !['tokens', 'embedding'].includes(input.kind)) {
    return refuse(
      `reducer/${name} takes token grids or embeddings, not ${input ? `a stream of ${input.kind}` : 'nothing'}.`,
      { remedy: 'Put it after an encoder or an aggregator.' },
    );
  }
  if (axesKnown(input) && !input.axes.some((axis) => axis.name === 'channels')) {
    return refuse(
      `reducer/${name} needs ${input.kind === 'tokens' ? 'tokens' : 'embeddings'} with an axis "channels", these have ${input.axes.map((axis) => axis.name).join(', ')}.`,
    );
  }
  const channels = axisSize(input, 'channels');
  const { lightness, model, saveAs, lowPercentile, highPercentile } = options;
  // A saved model has its own number of components; the option is not looked at then.
  const components = model === undefined ? options.components : survey?.components;
  if (survey && survey.kind !== name)
    return refuse(`${model} is a saved ${survey.kind}, and this is reducer/${name}.`, {
      option: 'model',
      remedy: `Use reducer/${survey.kind}.`,
    });
  if (survey && channels !== null && survey.channels !== channels)
    return refuse(`${model} takes tokens of ${survey.channels} numbers, and these have ${channels}.`, {
      option: 'model',
    });
  if (typeof components === 'number' && channels !== null && components > channels) {
    return refuse(`${components} components cannot be made of ${channels} channels.`, {
      option: 'components',
      remedy: `Ask for ${channels} or fewer.`,
    });
  }
  if (lightness === 'even' && typeof components === 'number' && components !== 3) {
    return refuse(`lightness: even makes colours of 3 components, not of ${components}.`, {
      option: 'lightness',
      remedy: 'Set components: 3, or lightness: keep.',
    });
  }
  if (model !== undefined && saveAs !== undefined)
    return refuse('a run with model: fits nothing, so there is nothing to save.', {
      option: 'saveAs',
      remedy: 'Leave one of them out.',
    });
  if (lowPercentile !== undefined && highPercentile !== undefined && lowPercentile >= highPercentile) {
    return refuse(`lowPercentile ${lowPercentile} is not below highPercentile ${highPercentile}.`, {
      option: 'lowPercentile',
    });
  }
  return undefined;
}

/** The stream of projections that a stream of tokens becomes. */
export const projectionSpec = (input: StreamSpec, components: number | null): StreamSpec => ({
  kind: 'projection',
  axes: input.axes.map((axis) => (axis.name === 'channels' ? { name: 'components', size: components } : axis)),
  dtype: 'float32',
  count: input.count,
});

/** Tokens of all grids; `null` where that is not known yet. */
export const tokensOf = (input: StreamSpec): number | null =>
  !axesKnown(input)
    ? null
    : input.axes
        .filter((axis) => axis.name !== 'channels')
        .reduce<number | null>((n, { size }) => (n === null || size === null ? null : n * size), input.count);

/** Under what name the reducers of a run share the tokens of a stage, or of several. */
export const spoolName = (stages: string, precision: Precision): string => `tokens of ${stages} as ${precision}`;

/** The inputs of a stage by name, in the order in which they come. */
export const namesOf = (inputs: readonly { readonly id: string }[]): string => inputs.map(({ id }) => id).join(', ');

/** What a stage that fits to a whole run says: it drains, and what it puts on disk. */
export function describeFit(
  { name: stages, spec: input }: { readonly name: string; readonly spec: StreamSpec },
  components: number | null,
  options: DescribedOptions,
  memoryBytes: number | null,
  { name, notes = [], survey }: { name?: string; notes?: readonly string[]; survey?: ModelSurvey | undefined } = {},
): Description {
  const output = {
    ...projectionSpec(input, options.model === undefined ? components : (survey?.components ?? null)),
    ...(name !== undefined && { names: [name] }),
  };
  if (options.model !== undefined) return { output, notes: [`Uses the saved model ${options.model}; fits nothing.`] };
  const channels = axisSize(input, 'channels');
  const total = tokensOf(input);
  const spool = options.spool ?? 'float16';
  return {
    output,
    drains: true,
    ...(options.saveAs !== undefined && { files: { option: 'saveAs', paths: [{ path: options.saveAs }] } }),
    ...(memoryBytes === null ? {} : { memoryBytes }),
    ...(total === null || channels === null || components === null
      ? {}
      : {
          diskBytes: total * components * 4,
          sharedDiskBytes: { [spoolName(stages, spool)]: total * channels * (spool === 'float32' ? 4 : 2) },
        }),
    notes: [
      'Fits to the whole run: tokens are put down on disk, once for all reducers of a stream, and nothing leaves before the last one came.',
      ...notes,
    ],
  };
}
