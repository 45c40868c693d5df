// Which pipeline the files of a store belong to: its name, and what its sources read.

import { recipeOf } from './book.ts';
import { DeepEarthError } from './errors.ts';
import { entriesIn, readBooks, type FormerBooks } from './former-run.ts';
import { canonicalJson } from './lineage.ts';
import type { Manifest } from './manifest.ts';
import type { Pipeline } from './pipeline.ts';
import type { RunStore } from './store.ts';

/** What makes a pipeline the same when its other options, its stages and its settings change. */
interface Owner {
  readonly name: string;
  readonly sources: readonly { readonly type: string; readonly with: unknown }[];
}

/** The results of another pipeline that a run would replace or remove. */
export interface OtherPipeline {
  readonly name: string;
  /** Files of it that are there. */
  readonly files: number;
  readonly bytes: number;
  /** How it differs, in words. */
  readonly difference: string;
}

/**
 * What lies in a store from runs of another pipeline: one of another name, or whose sources read something else. One
 * that reads more, or less, is the same. `undefined` where nothing does.
 */
async function otherPipeline(
  store: RunStore,
  pipeline: Pipeline,
  books: FormerBooks,
): Promise<OtherPipeline | undefined> {
  const owner = ownerIn(books);
  const difference = owner && differenceOf(owner, pipeline);
  if (!difference) return undefined;
  let [files, bytes] = [0, 0];
  for (const entry of entriesIn(books).values())
    if (await store.has(entry.path)) [files, bytes] = [files + 1, bytes + entry.bytes];
  return files === 0 ? undefined : { name: owner.name, files, bytes, difference };
}

const refusal = (store: RunStore, { name, files, bytes, difference }: OtherPipeline): DeepEarthError =>
  new DeepEarthError(
    `${store.name}: holds ${files === 1 ? '1 file' : `${files} files`} (${bytes} bytes) of the pipeline ${JSON.stringify(name)}, which this run would replace or remove: ${difference}.`,
    {
      code: 'E_OTHER_PIPELINE',
      remedy: 'Choose another output folder, or let these files go with --overwrite.',
    },
  );

/** Throws a `DeepEarthError` (`E_OTHER_PIPELINE`) when files of another pipeline would go. */
export async function refuseOtherPipeline(store: RunStore, pipeline: Pipeline): Promise<void> {
  const other = await otherPipeline(store, pipeline, await readBooks(store));
  if (other) throw refusal(store, other);
}

/**
 * Makes a locked store that of a pipeline, and returns what lies there of another one. It takes down in the journal
 * whose results these will be, unless that is known: a run that is killed has no manifest to say it. Throws as
 * `refuseOtherPipeline` does, unless `overwrite` is set.
 */
export async function takeOver(
  store: RunStore,
  pipeline: Pipeline,
  books: FormerBooks,
  overwrite: boolean,
): Promise<OtherPipeline | undefined> {
  const owner = ownerIn(books);
  const other = await otherPipeline(store, pipeline, books);
  if (other && !overwrite) throw refusal(store, other);
  if (!owner || differenceOf(owner, pipeline)) {
    const { sources, name } = ownerOf(pipeline);
    await store.appendJournal(JSON.stringify({ owner: { name, sources } }));
  }
  return other;
}

/** The last that the journal names, else that of the manifest. */
function ownerIn({ manifest, journal }: FormerBooks): Owner | undefined {
  const noted = journal.flatMap((line) => ownerOfLine(line) ?? []).at(-1);
  if (noted) return noted;
  if (typeof manifest?.name !== 'string' || !Array.isArray(manifest.pipeline)) return undefined;
  return { name: manifest.name, sources: sourcesOf(manifest.pipeline) };
}

function ownerOfLine(line: string): Owner | undefined {
  try {
    const { owner } = JSON.parse(line) as { owner?: Partial<Owner> };
    const sources: unknown[] | undefined = Array.isArray(owner?.sources) ? [...owner.sources] : undefined;
    return typeof owner?.name === 'string' && sources?.every((source) => isObject(source))
      ? (owner as Owner)
      : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** As a manifest would say it. */
function ownerOf(pipeline: Pipeline): Owner {
  const named = optionsOf(pipeline);
  return {
    name: pipeline.name,
    sources: sourcesOf(recipeOf(pipeline)).map((source) => ({ type: source.type, with: picked(source, named) })),
  };
}

const sourcesOf = (recipe: Manifest['pipeline']): Owner['sources'] =>
  recipe
    .filter((stage) => typeof stage?.type === 'string' && stage.type.startsWith('source/'))
    .map((stage) => ({ type: stage.type, with: stage.with }));

/** Of each source of a pipeline, by its type, the options that name what it reads. */
const optionsOf = ({ stages }: Pipeline): ReadonlyMap<string, readonly string[]> =>
  new Map(stages.map(({ definition: { type, reads = [] } }) => [type, reads]));

/** What a source reads. */
function picked(
  { type, with: options }: Owner['sources'][number],
  named: ReadonlyMap<string, readonly string[]>,
): Readonly<Record<string, unknown>> {
  const given = (options ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    (named.get(type) ?? []).flatMap((name) => (name in given ? [[name, plain(given[name])]] : [])),
  );
}

/** `./frames/` is `frames`. */
const plain = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/^(?:\.\/+)+(?=.)/, '').replace(/(?<=[^/])\/+$/, '') : value;

/** How a pipeline differs from that of earlier results, in words; `undefined` where it is the same. */
function differenceOf(former: Owner, pipeline: Pipeline): string | undefined {
  if (former.name !== pipeline.name) return `this pipeline is called ${JSON.stringify(pipeline.name)}`;
  const named = optionsOf(pipeline);
  const said = (sources: Owner['sources']): string[] => [
    ...new Set(sources.map((source) => `${source.type} ${canonicalJson(picked(source, named))}`)),
  ];
  const [before, now] = [said(former.sources), said(ownerOf(pipeline).sources)];
  const within = (some: readonly string[], all: readonly string[]): boolean => some.every((each) => all.includes(each));
  if (within(before, now) || within(now, before)) return undefined;
  return `it read ${before.join(' and ')}, this one reads ${now.join(' and ')}`;
}
