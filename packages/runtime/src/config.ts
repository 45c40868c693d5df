// A pipeline from YAML: parsed, filled in, checked, every problem with its place in the file.

import { isMap, isScalar, isSeq, LineCounter, type Document, type Node, type YAMLMap } from 'yaml';
import { z } from 'zod';
import { ConfigError, DeepEarthError, InputError, type ConfigIssue, type Location } from '@deepearth/core/errors';
import { Mistakes } from '@deepearth/core/mistakes';
import { onErrorSchema } from '@deepearth/core/on-error';
import { optionIssues } from '@deepearth/core/option-issues';
import { applyOverrides, type Override, type Path } from './overrides.ts';
import { definePipeline, mostStages, tooManyStages, type Pipeline, type StageUse } from '@deepearth/core/pipeline';
import { show } from '@deepearth/core/printable';
import { readTextFile } from '@deepearth/core/regular-file';
import { followed, isMergeKey, mergedMaps } from './parse-yaml.ts';
import { withPlugin } from './plugins.ts';
import { readYaml } from './read-yaml.ts';
import { unknownTypeRemedy, type StageRegistry } from '@deepearth/core/registry';
import { concealer } from '@deepearth/core/secrets';
import type { StageDefinition, StageType } from '@deepearth/core/stage';
import { substitute } from './substitute.ts';

/** One entry of `stages`, before its options are checked. */
export const stageEntrySchema = z.strictObject({
  id: z
    .string()
    .describe('a name for the stage, unique in the pipeline; defaults to the name after the slash of its type')
    .optional(),
  type: z.string().describe('the stage type: kind/name'),
  with: z.record(z.string(), z.unknown()).nullable().describe('options of the stage').optional(),
  from: z
    .union([z.string(), z.array(z.string())])
    .describe('the stage or stages it takes its items from; defaults to the one before')
    .optional(),
  onError: onErrorSchema.optional(),
});

/** The top level of a pipeline file. */
export const pipelineSchemaParts = {
  name: z.string().min(1).max(200).describe('a name for the pipeline').optional(),
  plugins: z
    .array(
      z.union([
        z.string(),
        z.strictObject({
          module: z.string().describe('a path relative to this file, or a package name'),
          override: z.boolean().describe('whether its stages take the place of others of their type').optional(),
        }),
      ]),
    )
    .describe('modules with stages of your own: paths relative to this file, or package names')
    .optional(),
  output: z
    .string('must name a folder; leave the key out for the default')
    .refine((name) => name.trim() !== '', 'must name a folder; leave the key out for the default')
    .describe('the folder for everything a run writes, relative to the working directory')
    .optional(),
  maxMemoryBytes: z
    .number()
    .int()
    .positive()
    .describe(
      'a run whose plan needs more memory is refused before it starts; by default all that the machine or the container has',
    )
    .optional(),
};

const fileSchema = z.strictObject({ ...pipelineSchemaParts, stages: z.array(stageEntrySchema).min(1) });

/** What a pipeline file is read with. */
export interface LoadOptions {
  readonly registry: StageRegistry;
  /** `frames.with.directory=DIR`, as `--set` gives them. */
  readonly overrides?: readonly string[];
  /** For `${VAR}`; nothing is read from the process unless it is passed. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A pipeline file that has been read and checked. */
export interface LoadedConfig {
  readonly pipeline: Pipeline;
  /** The `output` of the file, when it names one. */
  readonly output: string | undefined;
  /** The `maxMemoryBytes` of the file, when it has one. */
  readonly maxMemoryBytes: number | undefined;
  /** The registry, with the stages of the plugins that the file names. */
  readonly registry: StageRegistry;
}

const maxConfigBytes = 1 << 20;

/**
 * Loads a pipeline file. Throws an `InputError` when it cannot be read and a `ConfigError` with everything that is
 * wrong in it.
 */
export async function loadConfig(file: string, options: LoadOptions): Promise<LoadedConfig> {
  let text: string;
  try {
    text = await readTextFile(file, { maxBytes: maxConfigBytes });
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    throw new InputError(
      file,
      code === 'ENOENT'
        ? 'there is no such pipeline file.'
        : code === 'EISDIR'
          ? 'is a folder, not a pipeline file.'
          : `cannot be read (${code}).`,
      { cause },
    );
  }
  return parseConfig(text, file, options);
}

/** The same for text that is at hand; `file` names it in errors, and plugins are found relative to it. */
export async function parseConfig(
  text: string,
  file: string,
  { registry, overrides = [], env = {} }: LoadOptions,
): Promise<LoadedConfig> {
  if (text.length > maxConfigBytes) throw new InputError(file, 'is larger than 1 MiB, which no pipeline file is.');
  const lines = new LineCounter();
  const at = (offset: number): Location => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  let secrets: readonly string[] = [];
  const mistakes = new Mistakes();
  const throwAny = (): void => mistakes.throwAny((error) => concealer([], secrets).error(error));
  const read = readYaml(text, lines);
  if (!('contents' in read)) {
    const { offset, message, remedy } = read;
    throw new ConfigError([{ location: at(offset), path: '', message, remedy }]);
  }
  const document = read;
  if (!isMap(document.contents))
    mistakes.add(() => ({
      location: at(0),
      path: '',
      message: 'a pipeline file is a map with "stages".',
      remedy: '`deepearth init` writes one to start from.',
    }));
  throwAny();

  const placed = applyOverrides(document, overrides, toPlain(document, at), mistakes);
  throwAny();
  const locate = locator(document, at, placed);
  secrets = substitute(document, env, (tell) =>
    mistakes.add(() => {
      const { offset, message, remedy } = tell();
      return { location: at(offset), path: '', message, remedy };
    }),
  );
  throwAny();

  const content = withoutNotes(toPlain(document, at));
  const { stages: listed } = (content ?? {}) as { readonly stages?: unknown };
  if (Array.isArray(listed) && listed.length > mostStages)
    mistakes.add(() => ({
      location: locate(['stages', mostStages]),
      path: 'stages',
      message: tooManyStages(listed.length),
    }));
  throwAny();
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success)
    for (const { path, message, remedy } of optionIssues(
      parsed.error.issues,
      content,
      fileSchema,
      (key) => `there is no ${show(key)} here.`,
    ))
      mistakes.add(() => ({ location: locate(path), path: path.join('.'), message, remedy }));
  throwAny();
  const { name = 'pipeline', plugins = [], output, maxMemoryBytes, stages } = parsed.data!;

  const issueOf = ({ message, remedy }: DeepEarthError, path: Path): ConfigIssue => ({
    location: locate(path),
    path: path.join('.'),
    message,
    remedy,
  });
  let all = registry;
  for (const [index, plugin] of plugins.entries()) {
    try {
      all = await withPlugin(all, typeof plugin === 'string' ? { module: plugin } : plugin, file);
    } catch (error) {
      if (!(error instanceof DeepEarthError)) throw error;
      mistakes.add(() => issueOf(error, ['plugins', index]));
      throwAny();
    }
  }
  const isUnknown = ({ type }: { readonly type: string }): boolean => !all.has(type);
  stages.forEach((stage, index) => {
    if (!isUnknown(stage)) return;
    const { type } = stage;
    mistakes.add(() => ({
      location: locate(['stages', index, 'type']),
      path: `stages.${index}.type`,
      message: `there is no stage type ${show(type)}.`,
      remedy: unknownTypeRemedy(type, all.types).trim(),
    }));
  });
  const uses = await Promise.all(
    stages.map(async (entry, index): Promise<StageUse> => ({
      definition: isUnknown(entry)
        ? anyStage(entry.type)
        : await all.load(entry.type).catch((error: unknown) => {
            if (!(error instanceof DeepEarthError)) throw error;
            mistakes.add(() => issueOf(error, ['stages', index, 'type']));
            throwAny();
            throw error;
          }),
      options: entry.with ?? {},
      id: entry.id,
      from: entry.from,
      onError: entry.onError as StageUse['onError'],
      locate: (path) => locate(['stages', index, ...path]),
    })),
  );
  let pipeline: Pipeline | undefined;
  try {
    pipeline = definePipeline(uses, { name, secrets });
  } catch (error) {
    if (!(error instanceof ConfigError) || !stages.some(isUnknown)) throw error;
    for (const issue of error.issues) mistakes.add(() => issue);
  }
  throwAny();
  return { pipeline: pipeline!, output, maxMemoryBytes, registry: all };
}

/** Stands for a stage whose type nobody knows, so that the mistakes of the others are told with it. */
const anyStage = (type: string): StageDefinition => ({
  kind: type.startsWith('source/') ? 'source' : 'renderer',
  type: type as StageType,
  summary: '',
  options: z.unknown(),
  examples: [],
  joins: 'merged',
  describe: () => ({ refused: 'nobody knows this stage' }),
  process: () => ({ async *[Symbol.asyncIterator]() {} }),
});

/**
 * Returns where a path of the document stands: its key, its list item, or the nearest that exists; or the flag that set
 * it.
 */
function locator(
  document: Document,
  at: (offset: number) => Location,
  overrides: readonly Override[],
): (path: Path) => Location {
  const indexes = new Map<YAMLMap, ReadonlyMap<string, YAMLMap['items'][number]>>();
  /** The entries of a map by their keys; the first of each counts. */
  const indexOf = (map: YAMLMap): ReadonlyMap<string, YAMLMap['items'][number]> => {
    const known = indexes.get(map);
    if (known) return known;
    const index = new Map(
      map.items
        .filter(({ key }) => isScalar(key))
        .map((pair) => [String((pair.key as { readonly value: unknown }).value), pair] as const)
        .reverse(),
    );
    indexes.set(map, index);
    return index;
  };
  /** The entry of a key: the map's own, or one that it merges. */
  const pairOf = (map: YAMLMap, name: string): YAMLMap['items'][number] | undefined => {
    const own = indexOf(map).get(name);
    if (own) return own;
    for (const pair of map.items.filter(isMergeKey))
      for (const merged of mergedMaps(pair, document) ?? []) {
        const found = pairOf(merged as YAMLMap, name);
        if (found) return found;
      }
    return undefined;
  };
  return (path) => {
    const flag = overrides.findLast(
      (override) =>
        override.path.every((part, index) => index >= path.length || String(path[index]) === String(part)) &&
        override.path.length <= path.length,
    );
    if (flag) return { file: flag.flag };
    let node: unknown = document.contents;
    let offset = (node as Node | null)?.range?.[0] ?? 0;
    for (const part of path) {
      node = followed(node, document);
      if (isMap(node)) {
        const pair = pairOf(node, String(part));
        if (!pair) break;
        offset = (pair.key as Node).range?.[0] ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(part)];
        offset = (node as Node | undefined)?.range?.[0] ?? offset;
      } else break;
    }
    return at(offset);
  };
}

/** The document's content. What aliases stand for is bounded already. */
function toPlain(document: Document, at: (offset: number) => Location): unknown {
  try {
    return document.toJS({ maxAliasCount: -1 }) as unknown;
  } catch (cause) {
    throw new ConfigError([
      { location: at(0), path: '', message: `${cause instanceof Error ? cause.message : String(cause)}.` },
    ]);
  }
}

/** Without the top-level keys that begin with `x-`, which are a place for anchors and notes. */
const withoutNotes = (content: unknown): unknown =>
  content !== null && typeof content === 'object' && !Array.isArray(content)
    ? Object.fromEntries(Object.entries(content).filter(([key]) => !key.startsWith('x-')))
    : content;
