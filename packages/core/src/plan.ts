// Describes a whole pipeline before any data is touched: the items of every edge, and what they cost.

import { inputsThatWait } from './apart.ts';
import { asideBytes } from './aside.ts';
import { ConfigError, DeepEarthError, InputError, sentence, StageError, type ConfigIssue } from './errors.ts';
import { fileError } from './file-trouble.ts';
import { Mistakes } from './mistakes.ts';
import { patiently } from './patience.ts';
import type { Pipeline, PipelineStage } from './pipeline.ts';
import { findBadNames, findClashes, type BadName, type Clash, type Named } from './planned-files.ts';
import { concealer, type Concealer } from './secrets.ts';
import { axisSize, itemBytes, type StreamSpec } from './specs.ts';
import { isRefusal, type Description, type Descriptor, type Refusal } from './stage.ts';

/** What a plan says of one stage. */
export interface StagePlan {
  readonly stage: PipelineStage;
  readonly description: Description;
  readonly survey: unknown;
  /** Stages that take items from this one. */
  readonly consumers: readonly string[];
  /** See `StageContext`. */
  readonly ownName?: string;
}

/** What a pipeline will send along its edges, and what it needs, before any data is touched. */
export interface Plan {
  readonly pipeline: Pipeline;
  readonly stages: readonly StagePlan[];
  /** All sequences of the pipeline, in order; `null` where they are known only at the end. */
  readonly sequences: readonly string[] | null;
  /** An upper estimate: what the stages hold, and the items that wait at the edges. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** Items an edge holds at most before its producer waits. */
export const edgeBound = 2;

/** How far a plan looks. */
export interface PlanOptions {
  /**
   * Whether stages may look at names, headers and configs outside; without, nothing but the pipeline itself is looked
   * at.
   */
  readonly survey?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Describes every stage from what comes in. Throws a `ConfigError` with all stages that cannot be connected (those that
 * follow a refused one are left out), or the error of a survey (a missing folder).
 */
export async function plan(
  pipeline: Pipeline,
  { survey = true, signal = new AbortController().signal }: PlanOptions = {},
): Promise<Plan> {
  const surveys = new Map<string, Promise<unknown>>();
  const surveyOf = (stage: PipelineStage): Promise<unknown> => {
    const found = surveys.get(stage.id) ?? (survey ? surveyed(stage, signal) : Promise.resolve(undefined));
    surveys.set(stage.id, found);
    return found;
  };
  const conceal = concealer(pipeline.stages, pipeline.secrets);
  // Stages whose names meet those of others are described again under names of their own.
  const named = new Set<string>();
  for (;;) {
    const described = await describeStages(pipeline, surveyOf, named, conceal).catch((error: unknown) => {
      throw conceal.error(error);
    });
    const clashes = findClashes(described);
    const fresh = clashes.flatMap(({ stages }) => stages.map(({ id }) => id)).filter((id) => !named.has(id));
    if (fresh.length === 0) {
      const planned = summed(pipeline, [...described.values()]);
      const mistakes = new Mistakes();
      for (const clash of clashes) mistakes.add(() => clashIssue(clash));
      for (const bad of findBadNames(described, planned.sequences?.length !== 1)) mistakes.add(() => nameIssue(bad));
      mistakes.throwAny(conceal.error);
      return planned;
    }
    for (const id of fresh) named.add(id);
  }
}

function nameIssue({ at, option, path, reason }: BadName): ConfigIssue {
  return {
    location: at.locate(option === undefined ? [] : ['with', option]),
    path: option === undefined ? at.id : `${at.id}.${option}`,
    message: `${option === undefined ? 'the folder of a sequence would be' : 'would write'} ${JSON.stringify(path)}: ${reason}.`,
    remedy:
      option === undefined
        ? 'Rename its folder, or name sequences with `sequence` of their sources.'
        : `Give another \`${option}\`.`,
  };
}

/** Two stages that write the same, also under names of their own: what a user named decides. */
function clashIssue({ at, stages, name, inFolder, option }: Clash): ConfigIssue {
  const ids = stages.map(({ id }) => id).join(' and ');
  if (option === undefined || stages.length === 1)
    return {
      location: at.locate(['from']),
      path: at.id,
      message:
        option === undefined
          ? `${ids} both send pictures called ${name}.`
          : `several of its inputs would be written to ${name}.`,
      remedy: `Take each with a ${at.definition.type} of its own.`,
    };
  return {
    location: at.locate(['with', option]),
    path: `${at.id}.${option}`,
    message:
      inFolder === undefined
        ? `${ids} would both write ${name}.`
        : `${ids} would write a file ${name} and, in a folder of that name, ${inFolder}.`,
    remedy: `Give one of them another \`${option}\`.`,
  };
}

async function describeStages(
  pipeline: Pipeline,
  surveyOf: (stage: PipelineStage) => Promise<unknown>,
  named: ReadonlySet<string>,
  conceal: Pick<Concealer, 'text'>,
): Promise<ReadonlyMap<string, StagePlan & Named>> {
  const done = new Map<string, StagePlan & Named>();
  const shared = new Set<string>();
  const mistakes = new Mistakes();
  const consumersOf = new Map<string, string[]>(pipeline.stages.map(({ id }) => [id, []]));
  for (const { id, from } of pipeline.stages) for (const source of new Set(from)) consumersOf.get(source)?.push(id);
  for (const stage of pipeline.stages) {
    const { definition, id, from, locate } = stage;
    const own = named.has(id) ? { ownName: id } : {};
    const inputs = from.flatMap((source) =>
      done.has(source) ? [{ id: source, spec: done.get(source)!.description.output }] : [],
    );
    if (inputs.length < from.length) continue;
    const survey = await surveyOf(stage);
    const described = describedBy(stage, inputs, survey, own);
    if (isRefusal(described)) {
      const path = described.option ? ['with', described.option] : from.length ? ['from'] : ['type'];
      mistakes.add(() => ({
        location: locate(path),
        path: described.option ? `${id}.${described.option}` : id,
        message: sentence(
          inputs.length && !described.option
            ? `cannot take what ${inputs.map((input) => input.id).join(' and ')} ${inputs.length === 1 ? 'sends' : 'send'}: ${described.refused}`
            : described.refused,
        ),
        remedy: described.remedy,
      }));
      continue;
    }
    const deadlock =
      definition.joins === 'separate' && !definition.readsAhead ? waitsForItself(stage, done) : undefined;
    if (deadlock) {
      mistakes.add(() => ({
        location: locate(['from']),
        path: id,
        message: deadlock,
        remedy: 'Use stages on both ways that need the whole stream first, or on neither.',
      }));
      continue;
    }
    const consumers = consumersOf.get(id)!;
    const interleaved = described.output.interleaved ?? inputs.some((input) => input.spec.interleaved);
    const overlapping = described.output.overlapping ?? inputs.some((input) => input.spec.overlapping);
    const ahead = keptAside(pipeline, stage, inputs, described);
    const disk = diskOf({ ...described, ...ahead }, shared);
    const { diskBytes = described.diskBytes } = disk;
    const output: StreamSpec = {
      ...described.output,
      sequences: sequencesOf(described.output, inputs, id),
      ...framesOf(described.output, inputs),
      ...(described.output.kind === 'artifact' && diskBytes !== undefined && { bytes: diskBytes }),
      ...(interleaved && { interleaved }),
      ...(overlapping && { overlapping }),
    };
    const { notes, warnings } = { ...described, ...ahead };
    const said = {
      ...(notes && { notes: notes.map(conceal.text) }),
      ...(warnings && { warnings: warnings.map(conceal.text) }),
    };
    const description = { ...described, output, ...ahead, ...disk, ...said };
    done.set(id, { stage, description, survey, consumers, output, files: described.files, ...own });
  }
  mistakes.throwAny();
  return done;
}

/** What waits at the edges behind a stage; frames and clips are handles. */
const waitingBytes = (output: StreamSpec, consumers: number): number =>
  output.kind === 'frame' || output.kind === 'clip' ? 0 : (itemBytes(output) ?? 0) * (consumers * edgeBound + 1);

/** The memory that a stage takes, with what waits behind it. */
const memoryOf = ({ description, consumers }: StagePlan): number =>
  (description.memoryBytes ?? 0) + waitingBytes(description.output, consumers.length);

/** The plan of all stages together. */
function summed(pipeline: Pipeline, stages: readonly StagePlan[]): Plan {
  return {
    pipeline,
    stages,
    sequences: unite(stages.map(({ description }) => description.output)),
    memoryBytes: stages.reduce((sum, stage) => sum + memoryOf(stage), 0),
    diskBytes: stages.reduce((sum, { description }) => sum + (description.diskBytes ?? 0), 0),
  };
}

/**
 * What a stage that takes one input after the other keeps on disk of those that cannot wait. Frames, clips and
 * artifacts are handles, which need no room.
 */
function keptAside(
  pipeline: Pipeline,
  stage: PipelineStage,
  inputs: readonly { readonly id: string; readonly spec: StreamSpec }[],
  { memoryBytes = 0, diskBytes = 0, notes = [] }: Description,
): Pick<Description, 'memoryBytes' | 'diskBytes' | 'notes'> | undefined {
  if (stage.definition.joins !== 'merged' || stage.definition.apart?.(inputs)) return undefined;
  const waits = inputsThatWait(pipeline, stage);
  const aside = inputs.filter(
    ({ spec: { kind } }, index) => index > 0 && !waits[index] && !['frame', 'clip', 'artifact'].includes(kind),
  );
  if (aside.length === 0) return undefined;
  const names = aside.map(({ id }) => id).join(', ');
  return {
    memoryBytes: memoryBytes + asideBytes * aside.length,
    diskBytes: aside.reduce((sum, { spec }) => sum + (itemBytes(spec) ?? 0) * (spec.count ?? 0), diskBytes),
    notes: [...notes, `what comes of ${names} waits in the work folder until the inputs before have ended`],
  };
}

/** What a stage puts on disk; what it shares belongs to the first stage that names it. */
function diskOf(
  { diskBytes, sharedDiskBytes = {} }: Description,
  counted: Set<string>,
): Pick<Description, 'diskBytes'> {
  const first = Object.entries(sharedDiskBytes).filter(([name]) => !counted.has(name));
  if (first.length === 0) return {};
  for (const [name] of first) counted.add(name);
  return { diskBytes: first.reduce((sum, [, bytes]) => sum + bytes, diskBytes ?? 0) };
}

/** What a stage says, else what its inputs have, else (for a source) its own name. */
function sequencesOf(
  output: StreamSpec,
  inputs: readonly { readonly spec: StreamSpec }[],
  id: string,
): readonly string[] | null {
  if (output.sequences !== undefined) return output.sequences;
  return inputs.length ? unite(inputs.map((input) => input.spec)) : [id];
}

/** What frames are themselves, else what a stage says of the frames behind its items, else what its inputs say. */
function framesOf(output: StreamSpec, inputs: readonly { readonly spec: StreamSpec }[]): Pick<StreamSpec, 'frames'> {
  if (output.kind === 'frame')
    return {
      frames: { height: axisSize(output, 'height'), width: axisSize(output, 'width'), count: output.count },
    };
  if (output.frames) return { frames: output.frames };
  const all = inputs.flatMap(({ spec }) => spec.frames ?? []);
  const [first] = all;
  if (!first || all.length < inputs.length) return {};
  const same = (edge: 'height' | 'width'): number | null =>
    all.every((each) => each[edge] === first[edge]) ? first[edge] : null;
  const count = all.reduce<number | null>(
    (sum, each) => (sum === null || each.count === null ? null : sum + each.count),
    0,
  );
  return { frames: { height: same('height'), width: same('width'), count } };
}

/** Refuses a plan that needs more memory than `limit` bytes. Throws an `InputError` with the stages that need most. */
export function refuseMemory({ pipeline, stages, memoryBytes }: Plan, limit: number): void {
  if (memoryBytes <= limit) return;
  const most = stages
    .map((planned) => ({ id: planned.stage.id, bytes: memoryOf(planned) }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 3)
    .filter(({ bytes }) => bytes > memoryBytes / 20)
    .map(({ id, bytes }) => `${id} ${gigabytes(bytes)}`);
  throw new InputError(
    pipeline.name,
    `would take up to ${gigabytes(memoryBytes)} of memory (${most.join(', ')}), and there are ${gigabytes(limit)}.`,
    {
      code: 'E_MEMORY',
      remedy:
        'Take smaller frames or parts of them (transform/crop, transform/tile), or a smaller `batchSize` or `maxFitTokens`; or set `maxMemoryBytes` at the top of the pipeline file.',
    },
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/**
 * Stages whose items nobody takes: no sink writes them, no other stage reads them. `taken` are those that a program
 * listens to.
 */
export const unread = ({ stages }: Plan, taken: (id: string) => boolean = () => false): readonly string[] =>
  stages
    .filter(({ stage, description, consumers }) => {
      const writes = stage.definition.kind === 'sink' || description.files;
      return consumers.length === 0 && !writes && !taken(stage.id);
    })
    .map(({ stage }) => stage.id);

/** What is said of a stage that nobody reads. */
export const unreadWarning =
  'no stage takes what it sends, and nothing of it is written; put a sink behind it, or leave it out';

/** Each sequence once, in order of first appearance; `null` where one stream does not know its own. */
function unite(streams: readonly StreamSpec[]): readonly string[] | null {
  const lists = streams.map(({ sequences }) => sequences);
  return lists.some((list) => list === null) ? null : [...new Set(lists.flatMap((list) => list ?? []))];
}

/** What a stage describes; throws a `StageError` where it fails to. */
function describedBy(
  { definition, id, options }: PipelineStage,
  inputs: Descriptor<unknown, unknown>['inputs'],
  survey: unknown,
  own: Pick<Descriptor<unknown, unknown>, 'ownName'>,
): Description | Refusal {
  try {
    const described = definition.describe(inputs[0]?.spec, { options, survey, inputs, ...own });
    const whole =
      described !== null &&
      typeof described === 'object' &&
      (isRefusal(described) || typeof described.output?.kind === 'string');
    if (!whole) throw new TypeError('it returns neither { output: spec(…) } nor a refusal');
    return described;
  } catch (error) {
    if (error instanceof DeepEarthError) throw error;
    throw new StageError(id, 'describe', error, definition.plugin);
  }
}

async function surveyed({ definition, options, locate, id }: PipelineStage, signal: AbortSignal): Promise<unknown> {
  try {
    return await (definition.survey &&
      patiently(Promise.resolve(definition.survey(options, signal)), {
        signal,
        stalled: () =>
          new DeepEarthError(`its look at names and headers waits for something that never comes.`, {
            code: 'E_STALLED',
            remedy: 'Look for a promise that is never settled in what the stage does before a run.',
          }),
      }));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (!(error instanceof DeepEarthError)) {
      if (signal.aborted) throw error;
      throw new StageError(id, 'survey', fileError(error), definition.plugin);
    }
    const { file, line, column } = locate(['with']);
    if (line !== undefined) error.message = `${file}:${line}:${column} ${id}: ${error.message}`;
    throw error;
  }
}

/**
 * A stage that pulls several inputs in step waits for itself when one way from a common ancestor needs the whole stream
 * first and another does not: the ancestor stops at the full edge of the quick way, and the slow way never sees its
 * end.
 */
function waitsForItself(stage: PipelineStage, done: ReadonlyMap<string, StagePlan>): string | undefined {
  // For each ancestor: whether some way from it to the stage drains, and whether some does not.
  const ways = new Map<string, { drained?: string; free?: string }>();
  const walk = (id: string, input: string, drained: boolean): void => {
    const { stage: at, description } = done.get(id)!;
    const entry = ways.get(id) ?? {};
    const way = drained ? 'drained' : 'free';
    // What stands before it is known, too: there may be very many ways through a graph.
    if (entry[way] !== undefined) return;
    entry[way] = input;
    ways.set(id, entry);
    for (const source of at.from) walk(source, input, drained || Boolean(description.drains));
  };
  for (const input of stage.from) walk(input, input, false);
  for (const [ancestor, { drained, free }] of ways) {
    if (drained && free && drained !== free)
      return `${drained} sends nothing before all of ${ancestor} has come, ${free} sends at once: taking both in step would wait for ever.`;
  }
  return undefined;
}
