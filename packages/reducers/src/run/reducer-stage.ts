// Makes a stage of a reduction: options, what it says of its streams, and the course of a run.

import { oneStream } from '@deepearth/core/one-stream';
import type { FitInShards } from '@deepearth/core/stage';
import { axisSize, spec, type StreamSpec } from '@deepearth/core/specs';
import { defineReducer, isRefusal, type Refusal, type StageDefinition } from '@deepearth/core/stage';
import { z } from 'zod';
import type { ModelSurvey } from '../models/model-survey.ts';
import type { RunContext } from './reduce-run.ts';
import type { Reduction, SavableReduction } from './reduction.ts';
import {
  colourOptions,
  describeFit,
  modelOptions,
  namesOf,
  refuseInput,
  spoolOptions,
  tokensOf,
} from './stage-options.ts';

/** What a stage adds to its reduction. */
export interface ReducerStage<Options> {
  readonly summary: string;
  readonly examples: readonly string[];
  /** Options of colour that make no sense for it. */
  readonly without?: readonly (keyof typeof colourOptions)[];
  /** False where fits cannot be saved. */
  readonly saved?: boolean;
  /** Further reasons to refuse a stream. */
  refuse?(input: StreamSpec, options: Options & { readonly saveAs?: string | undefined }): Refusal | undefined;
  /** Notes of a plan. */
  notes?(input: StreamSpec, options: Options): readonly string[];
  /** The name of its projections, where it is not the reduction's. */
  name?(options: Options): string;
}

/** The stage `reducer/NAME` of a reduction. */
export function reducerStage<Options>(
  reduction: Reduction<Options>,
  { summary, examples, without = [], saved = true, ...own }: ReducerStage<Options>,
): StageDefinition<z.ZodObject> {
  const colours = Object.entries(colourOptions).filter(([name]) => !without.includes(name as never));
  const options = z.strictObject({
    ...reduction.options.shape,
    ...Object.fromEntries(colours),
    ...(saved ? modelOptions : {}),
    ...spoolOptions,
  });
  const { name: type } = reduction;
  const stage = defineReducer({
    type,
    summary,
    options,
    examples,
    joins: 'merged',
    ...(saved
      ? {
          survey: async (chosen: object, signal: AbortSignal) =>
            (await import('../models/model-survey.ts')).surveyModel(chosen as { model?: string }, signal),
        }
      : {}),
    describe(_, { options: parsed, survey: found, inputs }) {
      const input = oneStream(inputs);
      if (input && isRefusal(input)) return input;
      const chosen = parsed as Options;
      const survey = found as ModelSurvey | undefined;
      const channels = input ? axisSize(input, 'channels') : null;
      const components = channels === null ? countable(reduction, chosen) : reduction.components(chosen, channels);
      const common = { ...(parsed as object), ...(components === null ? {} : { components }) };
      const refusal = refuseInput(input, type, common, survey) ?? own.refuse?.(input!, chosen as never);
      if (refusal) return refusal;
      const memoryBytes = channels === null ? null : reduction.estimate({ count: tokensOf(input!), channels }, chosen);
      return describeFit({ name: namesOf(inputs), spec: input! }, components, common, memoryBytes, {
        name: own.name?.(chosen) ?? type,
        notes: own.notes?.(input!, chosen) ?? [],
        survey,
      });
    },
    async *process(items, context) {
      const { reduceRun } = await import('./reduce-run.ts');
      const name = own.name?.(context.options as Options) ?? type;
      yield* reduceRun(items, context as unknown as RunContext, reduction, name);
    },
  }) as unknown as StageDefinition<z.ZodObject>;
  return saved ? { ...stage, fitInShards: fitInShards(stage, reduction as unknown as SavableReduction) } : stage;
}

/** What shards do of the fit of a stage. */
function fitInShards(stage: StageDefinition<z.ZodObject>, reduction: SavableReduction): FitInShards {
  const writing = (process: NonNullable<StageDefinition['process']>): StageDefinition => ({
    ...stage,
    kind: 'sink',
    describe(input, about) {
      const described = stage.describe(input, about);
      if (isRefusal(described)) return described;
      const { files: _, notes: __, ...kept } = described;
      return { ...kept, output: spec('artifact', {}, null) };
    },
    process,
  });
  const body = () => import('./reduce-in-shards.ts');
  return {
    // A cross-check that keeps all tokens has parts as large as they are.
    fits: (options) =>
      (options as { model?: string }).model === undefined && (options as { engine?: string }).engine !== 'ml-pca',
    collect: (first) =>
      writing(async function* (items, context) {
        yield* (await body()).collectInShard(items, context as unknown as RunContext, reduction, first);
      }),
    fit: async (parts, about) => (await body()).fitOfParts(parts, reduction, about),
    place: writing(async function* (items, context) {
      yield* (await body()).placeInShard(items, context as unknown as RunContext);
    }),
  };
}

/** Components of the output where channels are not known yet; `null` where they depend on them. */
function countable<Options>(reduction: Reduction<Options>, options: Options): number | null {
  const components = reduction.components(options, NaN);
  return Number.isNaN(components) ? null : components;
}
