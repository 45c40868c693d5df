// What makes one result of shards: the run of the whole pipeline, with the tokens that the shards have kept.

import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { recipeOf } from '@deepearth/core/book';
import { canonicalJson } from '@deepearth/core/lineage';
import type { Pipeline } from '@deepearth/core/pipeline';
import { readManifest } from '@deepearth/core/read-manifest';
import type { FormerRun } from '@deepearth/core/stage';
import type { RunStore, StoreLock } from '@deepearth/core/store';
import { mergedFolder } from './folder-store.ts';
import { lackOf } from './lack-of.ts';
import { openStore } from './open-store.ts';
import { isS3 } from './s3-address.ts';
import { fewAtATime } from './s3-objects.ts';
import { fitsPlace, shardFiles } from './shard-stores.ts';
import { jobsOf, placesFolder, shardFolder, shardsFolder, shardText, type Shard } from './shards.ts';
import { agreedCount, forgetWork, refuseOtherWork } from './shared-work-list.ts';

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
  const stores: RunStore[] = [];
  const missing: MissingShard[] = [];
  for (const [at, job] of work.jobs.entries()) {
    signal?.throwIfAborted();
    if (job.clips?.length === 0) continue;
    const shard = { index: at + 1, of };
    const store = openStore(shardFolder(output, shard));
    const reason = await lackOf(store, job);
    if (reason !== undefined) missing.push({ ...shard, reason });
    else stores.push(store);
  }
  if (missing.length > 0) throw new MissingShardsError(folder, missing);
  const places = work.jobs.map((_, at) => placesFolder(output, { index: at + 1, of }));
  const fits = fitsPlace(folder);
  // On S3 the places that are there are found when all is removed.
  const there = new Set(isS3(output) ? [] : await readdir(folder));
  const others = [...places, fits].filter((place) => there.has(basename(place)));
  return {
    of,
    tokens: shardFiles({ tokens: stores, places: places.map(openStore), fits: openStore(fits) }),
    remove: () => removeShards(folder, [...stores, ...others.map(openStore)]),
  };
}

/**
 * Whether an output folder without shards holds the whole result of this very pipeline: a merge that has ended may be
 * asked for again. Ends the removal of shards that a kill stopped.
 */
export async function isMerged(pipeline: Pipeline, output: string): Promise<boolean> {
  if ((await agreedCount(shardsFolder(output))) !== undefined) return false;
  const manifest = await readManifest(openStore(output)).catch(() => undefined);
  const same =
    manifest?.status === 'done' &&
    !manifest.range &&
    canonicalJson([manifest.name, manifest.pipeline]) === canonicalJson([pipeline.name, recipeOf(pipeline)]);
  if (same) await clearShards(shardsFolder(output));
  return same;
}

/**
 * Removes the shards that lie beside a whole result: a merge that was killed has left them, or they were begun again.
 * Throws an `InputError` (`E_OUTPUT_BUSY`) where one of them is being run.
 */
export async function clearMerged(output: string): Promise<void> {
  const shards = shardsFolder(output);
  const names = await placesIn(shards);
  if (names.length === 0) return clearShards(shards);
  return removeShards(
    shards,
    names.map((name) => openStore(isS3(shards) ? `${shards}/${name}` : join(shards, name))),
  );
}

/** The names of the stores of shards, of what they placed and of fits. */
async function placesIn(shards: string): Promise<readonly string[]> {
  if (!isS3(shards)) {
    const entries = await readdir(shards, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }
  const names = new Set<string>();
  for await (const { path } of openStore(shards).list()) if (path.includes('/')) names.add(path.split('/', 1)[0]!);
  return [...names];
}

/**
 * Removes the shards at once: their folder gets another name before it is emptied; on S3 what they agreed on goes
 * first, without which they are none. Throws an `InputError` (`E_OUTPUT_BUSY`) where one of them is being run; they
 * then stay.
 */
async function removeShards(shards: string, stores: readonly RunStore[]): Promise<void> {
  const locks = await lockAll(stores);
  try {
    if (isS3(shards)) {
      await forgetWork(shards);
      await fewAtATime(stores, emptied);
    } else {
      const gone = join(dirname(shards), mergedFolder);
      await rm(gone, { recursive: true, force: true });
      await rename(shards, gone);
    }
  } finally {
    await Promise.all(locks.map((lock) => lock.release()));
  }
  await clearShards(shards);
}

/** Without conditional writes taking a lock is seven seconds of waiting. */
const mostLocking = 64;

/** Locks all of several stores, or none. */
async function lockAll(stores: readonly RunStore[]): Promise<StoreLock[]> {
  const locks: StoreLock[] = [];
  try {
    await fewAtATime(stores, async (store) => void locks.push(await store.lock()), mostLocking);
    return locks;
  } catch (error) {
    await Promise.all(locks.map((lock) => lock.release()));
    throw error;
  }
}

/** Removes the files of a store, and its journal. */
async function emptied(store: RunStore): Promise<void> {
  const paths: string[] = [];
  for await (const { path } of store.list()) paths.push(path);
  await fewAtATime(paths, (path) => store.remove(path));
  await store.settle(false);
}

/** Removes what a killed removal of shards has left, and the state folder when nothing else lies in it. */
async function clearShards(shards: string): Promise<void> {
  if (!isS3(shards)) {
    const state = dirname(shards);
    await rm(join(state, mergedFolder), { recursive: true, force: true });
    await rmdir(state).catch(() => undefined);
    return;
  }
  for (const name of await placesIn(shards)) {
    const store = openStore(`${shards}/${name}`);
    // One that is locked is a shard that has begun since.
    const lock = await store.lock().catch(() => undefined);
    if (!lock) continue;
    try {
      await emptied(store);
    } finally {
      await lock.release();
    }
  }
}
