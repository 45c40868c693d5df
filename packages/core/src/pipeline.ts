// A pipeline: stages with options, joined to a directed graph. The one form that code and YAML both make.

import type { z } from 'zod';
import { closest, type Location } from './errors.ts';
import { Mistakes } from './mistakes.ts';
import { onErrorSchema, type OnError } from './on-error.ts';
import { keysAt, optionIssues } from './option-issues.ts';
import { show, some } from './printable.ts';
import { concealer } from './secrets.ts';
import type { StageDefinition } from './stage.ts';

/** Where a part of a stage's entry stands in the file it came from, so that errors can point there. */
export type Locate = (path: readonly (string | number)[]) => Location;

/** One use of a stage, as code says it (`use(sliding, { size: 8 })`) or as a YAML entry does. */
export interface StageUse {
  readonly definition: StageDefinition;
  readonly options?: unknown;
  /** Defaults to the stage's name, `sliding`. */
  readonly id?: string | undefined;
  /** The stage or stages it takes its items from; defaults to the one before. */
  readonly from?: string | readonly string[] | undefined;
  readonly onError?: z.input<typeof onErrorSchema> | undefined;
  readonly locate?: Locate;
}

/** A stage in place: options checked, inputs named. */
export interface PipelineStage {
  readonly id: string;
  readonly definition: StageDefinition;
  readonly options: unknown;
  readonly from: readonly string[];
  readonly onError: OnError;
  readonly locate: Locate;
}

/** A validated graph of stages. */
export interface Pipeline {
  readonly name: string;
  /** Every stage after all it takes items from. */
  readonly stages: readonly PipelineStage[];
  /** Values in it that are never said: those of environment variables that are called like a secret. */
  readonly secrets?: readonly string[];
}

/** Places a stage in a pipeline, its options typed by its schema. */
export const use = <S extends z.ZodType>(
  definition: StageDefinition<S>,
  options?: z.input<S>,
  place: Pick<StageUse, 'id' | 'from' | 'onError'> = {},
): StageUse => ({ definition, options, ...place });

const noSuchPart = (key: string): string => `there is no ${JSON.stringify(key)} here.`;

const idPattern = /^[a-z][a-z0-9-]{0,99}$/i;

/** No pipeline that a person or a program writes is near it; what a stage holds open in a run would not fit either. */
export const mostStages = 1000;

/**
 * Makes a pipeline of stages in the order they are written; the graph is acyclic because a stage can only take items
 * from one before it. `secrets` are values that no event, manifest or error may show. Throws a `ConfigError` that lists
 * what is wrong with ids, options and edges, and one for a pipeline of more than `mostStages` stages.
 */
export function definePipeline(
  uses: readonly StageUse[],
  { name = 'pipeline', secrets = [] }: { name?: string; secrets?: readonly string[] } = {},
): Pipeline {
  const mistakes = new Mistakes();
  const stages: PipelineStage[] = [];
  const somewhere: Locate = () => ({ file: `<${name}>` });
  if (uses.length > mostStages) {
    const { locate = somewhere } = uses[mostStages]!;
    mistakes.add(() => ({ location: locate([]), path: 'stages', message: tooManyStages(uses.length) }));
    mistakes.throwAny();
  }
  const all = idsOf(uses);
  /** Where each id stands first. */
  const places = new Map<string, number>();
  all.forEach((id, index) => places.has(id) || places.set(id, index));
  uses.forEach((entry, index) => {
    const { definition } = entry;
    const id = all[index]!;
    const locate = entry.locate ?? somewhere;
    const report = (path: readonly (string | number)[], tell: () => [message: string, remedy?: string]): void =>
      mistakes.add(() => {
        const [message, remedy] = tell();
        return { location: locate(path), path: [id, ...path].join('.'), message, remedy };
      });

    if (!idPattern.test(id))
      report(['id'], () => [
        `an id is letters, digits and hyphens, at most 100, and starts with a letter, got ${show(id)}.`,
      ]);
    if (places.get(id) !== index)
      report(['id'], () => [`two stages are called ${show(id)}.`, 'Give one of them another id.']);

    let from: readonly string[] = [];
    if (definition.kind === 'source') {
      if (entry.from !== undefined)
        report(['from'], () => [
          `${definition.type} is a source and takes nothing from another stage.`,
          'Remove "from".',
        ]);
    } else if (entry.from === undefined) {
      if (index === 0)
        report([], () => [`${definition.type} comes first, but only a source can.`, 'Put a source before it.']);
      else from = [all[index - 1]!];
    } else {
      from = typeof entry.from === 'string' ? [entry.from] : entry.from;
      if (from.length === 0)
        report(['from'], () => ['names no stage.', 'Name one, or remove "from" to take from the stage before.']);
      const named = new Set<string>();
      from.forEach((source, at) => {
        const path = typeof entry.from === 'string' ? ['from'] : ['from', at];
        if (named.has(source)) report(path, () => [`${show(source)} is named twice.`]);
        named.add(source);
        const place = places.get(source);
        if (place !== undefined && place < index) return;
        if (source === id) report(path, () => ['a stage cannot take from itself.']);
        else if (place !== undefined)
          report(path, () => [`${show(source)} comes later.`, 'A stage takes from stages before it: move it up.']);
        else
          report(path, () => {
            const before = all.slice(0, index);
            const near = closest(source, before);
            return [
              `there is no stage ${show(source)}.`,
              near ? `Did you mean ${near}?` : `Before it stand: ${some(before) || 'none'}.`,
            ];
          });
      });
      if (from.length > 1 && !definition.joins)
        report(['from'], () => [`${definition.type} takes one input, got ${from.length}.`]);
    }

    const onError = onErrorSchema.safeParse(entry.onError ?? 'fail');
    if (!onError.success)
      for (const { path, message } of optionIssues(onError.error.issues, entry.onError, onErrorSchema, noSuchPart))
        report(['onError', ...path], () => [
          message,
          'Write `fail`, `skip`, or `{ retry: 3, delaySeconds: 1, then: fail }`.',
        ]);
    const given = entry.options ?? {};
    const parsed = definition.options.safeParse(given);
    if (!parsed.success)
      for (const { path, message, remedy } of optionIssues(
        parsed.error.issues,
        given,
        definition.options,
        (key, at) => `${[definition.type, ...at].join('.')} has no option ${JSON.stringify(key)}.`,
      ))
        mistakes.add(() => ({
          location: locate(['with', ...path]),
          path: [id, ...path].join('.'),
          message,
          remedy: isBeside(path, definition) ? `\`${path[0]}\` stands beside \`with\`, not in it.` : remedy,
        }));
    if (parsed.success && onError.success)
      stages.push({ id, definition, options: parsed.data, from, onError: onError.data, locate });
  });
  if (uses.length === 0)
    mistakes.add(() => ({ location: somewhere([]), path: 'stages', message: 'there are no stages.' }));
  mistakes.throwAny((error) => concealer(stages, secrets).error(error));
  return { name, stages, ...(secrets.length > 0 && { secrets }) };
}

/** Whether an option that a stage does not have is a key of the stage itself. */
const isBeside = (path: readonly (string | number)[], { options }: StageDefinition): boolean =>
  path.length === 1 &&
  ['id', 'from', 'onError'].includes(String(path[0])) &&
  !keysAt(options, []).includes(`${path[0]}`);

/** What is said of a pipeline with too many stages. */
export const tooManyStages = (count: number): string =>
  `a pipeline has at most ${mostStages} stages, and this one has ${count}.`;

/** The ids of all stages: `umap` where none is given, and `umap-2` for the second of its name. */
function idsOf(uses: readonly StageUse[]): string[] {
  const used = new Map<string, number>();
  return uses.map(({ id, definition }) => {
    if (id !== undefined) return id;
    const own = definition.type.split('/')[1]!;
    const earlier = used.get(own) ?? 0;
    used.set(own, earlier + 1);
    return earlier ? `${own}-${earlier + 1}` : own;
  });
}
