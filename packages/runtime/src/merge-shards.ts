// What makes one result of shards: the run of the whole pipeline, with the tokens that the shards have kept.

import { rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { recipeOf } from '@deepearth/core/book';
import { entriesIn, openProven, readBooks } from '@deepearth/core/former-run';
import { canonicalJson } from '@deepearth/core/lineage';
import type { ManifestOutput } from '@deepearth/core/manifest';
import type { Pipeline } from '@deepearth/core/pipeline';
import { readManifest } from '@deepearth/core/read-manifest';
import type { FormerRun, FoundFile } from '@deepearth/core/stage';
import type { RunStore } from '@deepearth/core/store';
import type { Job } from '@deepearth/core/work-list';
import { folderStore, mergedFolder, type FolderStore } from './folder-store.ts';
import { tokensPath } from './shard-sink.ts';
import { jobsOf, shardFolder, shardsFolder, shardText, type Shard } from './shards.ts';
import { agreedCount, refuseOtherWork } from './shared-work-list.ts';

/** Shards that are whole: `run(pipeline, { output, resume: true, former: [tokens] })` makes the result. */
export interface ReadyMerge {
  readonly of: number;
  /** The tokens of all shards, by their keys. */
  readonly tokens: FormerRun;
  /** Removes the shards; they are not needed when the result is whole. */
  remove(): Promise<void>;
}

/** A shard that cannot be merged yet. */
export interface MissingShard extends Shard {
  /** Why, in words. */
  readonly reason: string;
}

/** Shards are missing, or not whole. */
export class MissingShardsError extends DeepEarthError {
  readonly missing: readonly MissingShard[];
  constructor(folder: string, missing: readonly MissingShard[]) {
    const [first] = missing;
    super(
      `${folder}: ${missing.length === 1 ? '1 shard is' : `${missing.length} shards are`} missing or not whole (${shardText(first!)}: ${first!.reason}).`,
      { code: 'E_SHARDS_MISSING', remedy: 'Run these shards, then merge again.' },
    );
    this.missing = missing;
  }
}

/**
 * Looks whether all shards of a pipeline are there and whole. Throws a `MissingShardsError` (`E_SHARDS_MISSING`) with
 * those that are not, and a `DeepEarthError` (`E_SHARDS_DIFFER`) where they were made of another pipeline or input.
 */
export async function prepareMerge(pipeline: Pipeline, output: string, signal?: AbortSignal): Promise<ReadyMerge> {
  const folder = shardsFolder(output);
  const of = await agreedCount(folder);
  if (of === undefined)
    throw new DeepEarthError(`${output}: there are no shards.`, {
      code: 'E_NO_SHARDS',
      remedy:
        'Run all shards of the pipeline with this output folder first: `deepearth run PIPELINE --shard 1/8`, and so on.',
    });
  const work = await jobsOf(pipeline, of, signal);
  await refuseOtherWork(folder, work);
  const stores: FolderStore[] = [];
  const missing: MissingShard[] = [];
  for (const [at, job] of work.jobs.entries()) {
    signal?.throwIfAborted();
    if (job.clips?.length === 0) continue;
    const shard = { index: at + 1, of };
    const store = folderStore(shardFolder(output, shard));
    const reason = await lackOf(store, job);
    if (reason !== undefined) missing.push({ ...shard, reason });
    else stores.push(store);
  }
  if (missing.length > 0) throw new MissingShardsError(folder, missing);
  return { of, tokens: tokensOf(stores), remove: () => removeShards(folder, stores) };
}

/**
 * Whether an output folder without shards holds the whole result of this very pipeline: a merge that has ended may be asked
 * for again. Ends the removal of shards that a kill stopped.
 */
export async function isMerged(pipeline: Pipeline, output: string): Promise<boolean> {
  if ((await agreedCount(shardsFolder(output))) !== undefined) return false;
  const manifest = await readManifest(folderStore(output)).catch(() => undefined);
  const same =
    manifest?.status === 'done' &&
    !manifest.range &&
    canonicalJson([manifest.name, manifest.pipeline]) === canonicalJson([pipeline.name, recipeOf(pipeline)]);
  if (same) await clearState(dirname(shardsFolder(output)));
  return same;
}

/** What a shard lacks, in words; `undefined` where it is whole. Files are opened, and not read: that is done when they are used. */
async function lackOf(store: RunStore, job: Job): Promise<string | undefined> {
  const books = await readBooks(store);
  const { manifest } = books;
  if (!manifest) return books.journal.length > 0 ? 'it has not ended' : 'it has not begun';
  if (manifest.status !== 'done' && manifest.status !== 'skipped') return `its run ended as "${manifest.status}"`;
  // A shard that is run again and has not ended yet keeps the manifest of its last end.
  for (const { path, bytes } of manifest.outputs ?? []) {
    const file = await store.get(path);
    await file?.close();
    if (file?.size !== bytes) return `${path} ${file ? 'is not what it was' : 'is gone'}`;
  }
  return job.count !== null && job.count > 0 && manifest.outputs?.length === 0 && manifest.status === 'done'
    ? 'it holds no tokens'
    : undefined;
}

/** How many shards' books are in memory at a time: clips come in the order of the shards, those of a second encoder too. */
const booksKept = 3;
/** Of how many clips it is known where their tokens lie: more than are on their way through a run. */
const placesKept = 256;

/** Finds tokens in the shards, each file proven by its digest; of as many shards as there may be, few books are in memory. */
function tokensOf(stores: readonly FolderStore[]): FormerRun {
  const books = new Map<RunStore, Promise<ReadonlyMap<string, ManifestOutput>>>();
  const entriesOf = (store: RunStore): Promise<ReadonlyMap<string, ManifestOutput>> => {
    const found = books.get(store) ?? readBooks(store).then(entriesIn);
    books.delete(store);
    books.set(store, found);
    if (books.size > booksKept) books.delete(books.keys().next().value!);
    return found;
  };
  let last = 0;
  const found = new Map<string, FoundFile>();
  return {
    lies: (key) => found.get(key),
    async find(key) {
      const path = tokensPath(key);
      for (let step = 0; step < stores.length; step++) {
        const at = (last + step) % stores.length;
        const store = stores[at]!;
        if (!(await store.has(path))) continue;
        const entry = (await entriesOf(store)).get(path);
        const file = entry && (await openProven(store, entry));
        if (!file) continue;
        last = at;
        found.set(key, { path: join(store.folder, path), bytes: entry.bytes, sha256: entry.sha256 });
        if (found.size > placesKept) found.delete(found.keys().next().value!);
        return file;
      }
      return undefined;
    },
  };
}

/**
 * Removes the shards at once: their folder gets another name before it is emptied. Throws an `InputError`
 * (`E_OUTPUT_BUSY`) where one of them is being run; they then stay.
 */
async function removeShards(folder: string, stores: readonly FolderStore[]): Promise<void> {
  const locks = [];
  try {
    for (const store of stores) locks.push(await store.lock());
    const gone = join(dirname(folder), mergedFolder);
    await rm(gone, { recursive: true, force: true });
    await rename(folder, gone);
  } finally {
    await Promise.all(locks.map((lock) => lock.release()));
  }
  await clearState(dirname(folder));
}

/** Empties what shards have left; the state folder goes when nothing else lies in it. */
async function clearState(state: string): Promise<void> {
  await rm(join(state, mergedFolder), { recursive: true, force: true });
  await rmdir(state).catch(() => undefined);
}
