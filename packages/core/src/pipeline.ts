// A pipeline: stages with options, joined to a directed graph. The one form that code and YAML both make.

import type { z } from 'zod';
import { closest, ConfigError, type ConfigIssue, type Location } from './errors.ts';
import { onErrorSchema, type OnError } from './on-error.ts';
import { optionIssues } from './option-issues.ts';
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

const idPattern = /^[a-z][a-z0-9-]*$/i;

/**
 * Makes a pipeline of stages in the order they are written; the graph is acyclic because a stage can only take items
 * from one before it. `secrets` are values that no event, manifest or error may show. Throws a `ConfigError` that lists everything wrong with ids, options and edges.
 */
export function definePipeline(
  uses: readonly StageUse[],
  { name = 'pipeline', secrets = [] }: { name?: string; secrets?: readonly string[] } = {},
): Pipeline {
  const issues: ConfigIssue[] = [];
  const stages: PipelineStage[] = [];
  const all = uses.map((entry, index) => entry.id ?? uniqueDefault(uses, index));
  uses.forEach((entry, index) => {
    const { definition } = entry;
    const id = all[index]!;
    const locate = entry.locate ?? (() => ({ file: `<${name}>` }));
    const report = (path: readonly (string | number)[], message: string, remedy?: string): void =>
      void issues.push({ location: locate(path), path: [id, ...path].join('.'), message, remedy });

    if (!idPattern.test(id))
      report(['id'], `an id is letters, digits and hyphens and starts with a letter, got ${JSON.stringify(id)}.`);
    if (all.indexOf(id) !== index)
      report(['id'], `two stages are called ${JSON.stringify(id)}.`, 'Give one of them another id.');

    const before = all.slice(0, index);
    let from: readonly string[] = [];
    if (definition.kind === 'source') {
      if (entry.from !== undefined)
        report(['from'], `${definition.type} is a source and takes nothing from another stage.`, 'Remove "from".');
    } else if (entry.from === undefined) {
      if (index === 0) report([], `${definition.type} comes first, but only a source can.`, 'Put a source before it.');
      else from = [before.at(-1)!];
    } else {
      from = typeof entry.from === 'string' ? [entry.from] : entry.from;
      if (from.length === 0)
        report(['from'], 'names no stage.', 'Name one, or remove "from" to take from the stage before.');
      from.forEach((source, at) => {
        const path = typeof entry.from === 'string' ? ['from'] : ['from', at];
        if (from.indexOf(source) !== at) report(path, `${JSON.stringify(source)} is named twice.`);
        if (before.includes(source)) return;
        if (source === id) report(path, 'a stage cannot take from itself.');
        else if (all.includes(source))
          report(path, `${JSON.stringify(source)} comes later.`, 'A stage takes from stages before it: move it up.');
        else {
          const near = closest(source, before);
          report(
            path,
            `there is no stage ${JSON.stringify(source)}.`,
            near ? `Did you mean ${near}?` : `Before it stand: ${before.join(', ') || 'none'}.`,
          );
        }
      });
      if (from.length > 1 && !definition.joins)
        report(['from'], `${definition.type} takes one input, got ${from.length}.`);
    }

    const onError = onErrorSchema.safeParse(entry.onError ?? 'fail');
    if (!onError.success)
      for (const { path, message } of optionIssues(onError.error.issues, entry.onError, onErrorSchema, noSuchPart))
        report(['onError', ...path], message, 'Write `fail`, `skip`, or `{ retry: 3, delaySeconds: 1, then: fail }`.');
    const given = entry.options ?? {};
    const parsed = definition.options.safeParse(given);
    if (!parsed.success)
      for (const { path, message, remedy } of optionIssues(
        parsed.error.issues,
        given,
        definition.options,
        (key, at) => `${[definition.type, ...at].join('.')} has no option ${JSON.stringify(key)}.`,
      ))
        issues.push({ location: locate(['with', ...path]), path: [id, ...path].join('.'), message, remedy });
    if (parsed.success && onError.success)
      stages.push({ id, definition, options: parsed.data, from, onError: onError.data, locate });
  });
  if (uses.length === 0)
    issues.push({ location: { file: `<${name}>` }, path: 'stages', message: 'there are no stages.' });
  if (issues.length) {
    const conceal = concealer(stages, secrets);
    throw new ConfigError(issues.map((issue) => ({ ...issue, message: conceal.text(issue.message) })));
  }
  return { name, stages, ...(secrets.length > 0 && { secrets }) };
}

/** `umap`, and `umap-2` for the second of its name. */
function uniqueDefault(uses: readonly StageUse[], index: number): string {
  const nameOf = (entry: StageUse): string => entry.definition.type.split('/')[1]!;
  const own = nameOf(uses[index]!);
  const earlier = uses.slice(0, index).filter((entry) => entry.id === undefined && nameOf(entry) === own).length;
  return earlier ? `${own}-${earlier + 1}` : own;
}
