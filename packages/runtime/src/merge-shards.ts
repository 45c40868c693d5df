// What makes one result of shards: the run of the whole pipeline, with the tokens that the shards have kept.

import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { recipeOf } from '@deepearth/core/book';
import { canonicalJson } from '@deepearth/core/lineage';
import type { Pipeline } from '@deepearth/core/pipeline';
import { readManifest } from '@deepearth/core/read-manifest';
import type { FormerRun } from '@deepearth/core/stage';
import { folderStore, mergedFolder, type FolderStore } from './folder-store.ts';
import { lackOf } from './lack-of.ts';
import { fitsStore, shardFiles } from './shard-stores.ts';
import { jobsOf, placesFolder, shardFolder, shardsFolder, shardText, type Shard } from './shards.ts';
import { agreedCount, refuseOtherWork } from './shared-work-list.ts';

/** Shards that are whole: `run(pipeline, { output, resume: true, former: [tokens] })` makes the result. */
export interface ReadyMerge {
  readonly of: number;
  /** The tokens of all shards, by their keys; the fits that shards have made, and what they have placed by them. */
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
  const there = new Set(await readdir(folder));
  const places = work.jobs
    .map((_, at) => folderStore(placesFolder(output, { index: at + 1, of })))
    .filter((store) => there.has(basename(store.folder)));
  const fits = fitsStore(folder);
  const others = [...places, ...(there.has(basename(fits.folder)) ? [fits] : [])];
  return {
    of,
    tokens: shardFiles({ tokens: stores, places, fits }),
    remove: () => removeShards(folder, [...stores, ...others]),
  };
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
