// Runs one stage by itself over given items: for tests, and for programs that need no graph.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { DeepEarthError } from './errors.ts';
import type { RunEvent } from './events.ts';
import { noFormerRun } from './former-run.ts';
import type { Item } from './items.ts';
import { openRunFolder } from './output-folder.ts';
import { definePipeline, use, type StageUse } from './pipeline.ts';
import { defineSource, type Description, type FormerRun, type InputFile, type StageDefinition } from './stage.ts';
import { spec, type StreamSpec } from './specs.ts';
import { stageRun } from './stage-run.ts';

export interface StageInput<In extends Item = Item> {
  readonly items: Iterable<In> | AsyncIterable<In>;
  /** What the items are; by default only their kind is known, taken from the stage's own expectations. */
  readonly spec: StreamSpec;
}

export interface RunStageOptions<S extends z.ZodType> {
  readonly options?: z.input<S>;
  /** None for a source. */
  readonly inputs?: readonly StageInput[];
  readonly onError?: StageUse['onError'];
  readonly signal?: AbortSignal;
  /** Where artifacts go; a temporary folder, removed at the end, by default. */
  readonly output?: string;
  readonly former?: FormerRun;
  readonly onEvent?: (event: RunEvent) => void;
  readonly onInput?: (file: InputFile) => void;
}

/**
 * Yields what a stage makes of the items. Throws as a run would: a `ConfigError` for options, a refusal as a
 * `DeepEarthError`, a `StageError`.
 */
export async function* runStage<S extends z.ZodType, Out extends Item = Item>(
  definition: StageDefinition<S, any, Out>,
  {
    options,
    inputs = [],
    onError,
    signal = new AbortController().signal,
    output,
    former = noFormerRun,
    onEvent = () => undefined,
    onInput = () => undefined,
  }: RunStageOptions<S> = {},
): AsyncGenerator<Out> {
  const { stage, description, survey } = await describeStageAlone(definition, options, inputs, onError, signal);
  if ('refused' in description)
    throw new DeepEarthError(
      `${definition.type}: ${description.refused}${description.remedy ? ` ${description.remedy}` : ''}`,
      { code: 'E_REFUSED' },
    );
  const temporary = output === undefined ? await mkdtemp(join(tmpdir(), 'deepearth-stage-')) : undefined;
  const folder = await openRunFolder(output ?? temporary!, true);
  const items = inputs.map((input, index) => ({ id: `input-${index}`, spec: input.spec, items: iterate(input.items) }));
  const running = stageRun(stage, survey, items[0]?.items ?? iterate([]), items, {
    signal,
    folder,
    former,
    emit: onEvent,
    recordInput: onInput,
  });
  try {
    yield* running.items as AsyncIterable<Out>;
  } finally {
    await folder.release(false);
    if (temporary) await rm(temporary, { recursive: true, force: true });
  }
}

/** What `describe` returns for a stage by itself, with its survey. */
export async function describeAlone<S extends z.ZodType>(
  definition: StageDefinition<S>,
  {
    options,
    inputs = [],
    survey = true,
  }: { options?: z.input<S>; inputs?: readonly StreamSpec[]; survey?: boolean } = {},
): Promise<Description | ReturnType<StageDefinition['describe']>> {
  const given = inputs.map((input) => ({ items: [], spec: input }));
  return (await describeStageAlone(definition, options, given, undefined, new AbortController().signal, survey))
    .description;
}

const anySource = defineSource({
  type: 'given',
  summary: 'Items that are given.',
  options: z.strictObject({}),
  examples: [],
  describe: () => ({ output: spec('frame', {}, null) }),
  async *process() {},
});

async function describeStageAlone<S extends z.ZodType>(
  definition: StageDefinition<S>,
  options: z.input<S> | undefined,
  inputs: readonly StageInput[],
  onError: StageUse['onError'],
  signal: AbortSignal,
  look = true,
) {
  const ids = inputs.map((_, index) => `input-${index}`);
  const sources = ids.map((id) => use(anySource, {}, { id }));
  const from = definition.kind === 'source' ? {} : { from: ids };
  const pipeline = definePipeline(
    [
      ...sources,
      {
        ...use(definition, options),
        ...from,
        id: definition.type.split('/')[1]!.replace(/[^a-z0-9]+/gi, '-'),
        onError,
      },
    ],
    { name: definition.type },
  );
  const stage = pipeline.stages.at(-1)!;
  const survey: unknown = look ? await definition.survey?.(stage.options as z.output<S>, signal) : undefined;
  const description = definition.describe(inputs[0]?.spec, {
    options: stage.options as z.output<S>,
    survey,
    inputs: inputs.map((input, index) => ({ id: ids[index]!, spec: input.spec })),
  });
  return { stage, survey, description };
}

async function* iterate<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
