// Runs one stage by itself over given items: for tests, and for programs that need no graph.

import { z } from 'zod';
import { DeepEarthError, sentence } from './errors.ts';
import type { RunEvent } from './events.ts';
import { manifestUpTo, openBook } from './book.ts';
import { memoryStore } from './memory-store.ts';
import { runNotes } from './notes.ts';
import { pixelPool } from './pixel-pool.ts';
import { runResources } from './resources.ts';
import { formerRuns } from './former-run.ts';
import type { StageRange } from './ranges.ts';
import type { StageRegistry } from './registry.ts';
import type { RunStore } from './store.ts';
import type { Item } from './items.ts';
import { definePipeline, use, type StageUse } from './pipeline.ts';
import { defineSource, type Description, type FormerRun, type InputFile, type StageDefinition } from './stage.ts';
import { spec, type StreamSpec } from './specs.ts';
import { stageRun } from './stage-run.ts';

/** Items for a stage that runs alone. */
export interface StageInput<In extends Item = Item> {
  readonly items: Iterable<In> | AsyncIterable<In>;
  /** What the items are; by default only their kind is known, taken from the stage's own expectations. */
  readonly spec: StreamSpec;
}

/** What a stage that runs alone is given in place of a pipeline and a run. */
export interface RunStageOptions<S extends z.ZodType> {
  readonly options?: z.input<S>;
  /** None for a source. */
  readonly inputs?: readonly StageInput[];
  readonly onError?: StageUse['onError'];
  readonly signal?: AbortSignal;
  /** Where artifacts and scratch go; memory by default. */
  readonly store?: RunStore;
  readonly former?: FormerRun;
  /** Whether the stage goes by the notes that an earlier run left in the store. */
  readonly resume?: boolean;
  /** The part of the input that the stage works on. */
  readonly range?: StageRange;
  /** Whether the run is one of several sequences; what inputs and output say, unless told. */
  readonly severalSequences?: boolean;
  /** Sources for frames that are opened again. */
  readonly registry?: StageRegistry;
  readonly onEvent?: (event: RunEvent) => void;
  readonly onInput?: (file: InputFile) => void;
}

/**
 * Yields what a stage makes of the items, whether or not it is what the stage described. Throws as a run would: a
 * `ConfigError` for options, a refusal as a `DeepEarthError`, a `StageError`.
 */
export async function* runStage<S extends z.ZodType, Out extends Item = Item>(
  definition: StageDefinition<S, any, Out>,
  {
    options,
    inputs = [],
    onError,
    signal = new AbortController().signal,
    store = memoryStore(),
    former,
    resume = false,
    range,
    severalSequences,
    registry,
    onEvent = () => undefined,
    onInput = () => undefined,
  }: RunStageOptions<S> = {},
): AsyncGenerator<Out> {
  const { pipeline, stage, description, survey } = await describeStageAlone(
    definition,
    options,
    inputs,
    onError,
    signal,
  );
  if ('refused' in description)
    throw new DeepEarthError(
      `${definition.type}: ${sentence(description.refused)}${description.remedy ? ` ${description.remedy}` : ''}`,
      { code: 'E_REFUSED' },
    );
  const items = inputs.map((input, index) => ({
    id: `input-${index}`,
    spec: input.spec,
    items: iterate(input.items),
    waits: true,
  }));
  const lock = await store.lock();
  const resources = runResources();
  const notes = runNotes(store, resume);
  const book = openBook(store, onEvent);
  const running = stageRun(stage, survey, undefined, items, {
    signal,
    store,
    book: { ...book, recordInput: onInput },
    former: former ?? (await formerRuns([])),
    notes,
    resources,
    pixels: pixelPool(),
    severalSequences:
      severalSequences ??
      [...inputs.map((input) => input.spec), description.output].some(
        ({ sequences }) => sequences === null || (sequences?.length ?? 1) > 1,
      ),
    ranges: new Map(range ? [[stage.id, () => range]] : []),
    named: new Set(),
    // Nobody knows who reads its items.
    readLater: new Set([stage.id]),
    manifest: (id) =>
      manifestUpTo(id, book, { pipeline, specs: new Map(items.map((item) => [item.id, item.spec])), versions: {} }),
    reopener: async (type) =>
      type === definition.type ? definition : registry?.has(type) ? registry.load(type) : undefined,
  });
  try {
    yield* running.items as AsyncIterable<Out>;
  } finally {
    await resources.close();
    await book.close();
    await store.settle(notes.kept());
    await lock.release();
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
  return { pipeline, stage, survey, description };
}

async function* iterate<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
