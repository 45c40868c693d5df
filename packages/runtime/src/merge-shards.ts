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
import type { FormerRun } from '@deepearth/core/stage';
import type { RunStore, StoreLock } from '@deepearth/core/store';
import type { Job } from '@deepearth/core/work-list';
import { mergedFolder } from './folder-store.ts';
import { openStore } from './open-store.ts';
import { isS3 } from './s3-address.ts';
import { fewAtATime } from './s3-objects.ts';
import { tokensPath } from './shard-sink.ts';
import { jobsOf, shardFolder, shardsFolder, shardText, type Shard } from './shards.ts';
import { agreedCount, forgetWork, refuseOtherWork } from './shared-work-list.ts';

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
  return { of, tokens: tokensOf(stores), remove: () => removeShards(folder, stores) };
}

/**
 * Whether an output folder without shards holds the whole result of this very pipeline: a merge that has ended may be asked
 * for again. Ends the removal of shards that a kill stopped.
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

/** What a shard lacks, in words; `undefined` where it is whole. Files are listed, and not read: that is done when they are used. */
async function lackOf(store: RunStore, job: Job): Promise<string | undefined> {
  const books = await readBooks(store);
  const { manifest } = books;
  if (!manifest) return books.journal.length > 0 ? 'it has not ended' : 'it has not begun';
  if (manifest.status !== 'done' && manifest.status !== 'skipped') return `its run ended as "${manifest.status}"`;
  // A shard that is run again and has not ended yet keeps the manifest of its last end.
  const sizes = new Map<string, number>();
  for await (const { path, bytes } of store.list()) sizes.set(path, bytes);
  for (const { path, bytes } of manifest.outputs ?? []) {
    const size = sizes.get(path);
    if (size !== bytes) return `${path} ${size === undefined ? 'is gone' : 'is not what it was'}`;
  }
  return job.count !== null && job.count > 0 && manifest.outputs?.length === 0 && manifest.status === 'done'
    ? 'it holds no tokens'
    : undefined;
}

/** How many shards' books are in memory at a time: clips come in the order of the shards, those of a second encoder too. */
const booksKept = 3;

/** Finds tokens in the shards, each file proven by its digest; of as many shards as there may be, few books are in memory. */
function tokensOf(stores: readonly RunStore[]): FormerRun {
  const books = new Map<RunStore, Promise<ReadonlyMap<string, ManifestOutput>>>();
  const entriesOf = (store: RunStore): Promise<ReadonlyMap<string, ManifestOutput>> => {
    const found = books.get(store) ?? readBooks(store).then(entriesIn);
    books.delete(store);
    books.set(store, found);
    if (books.size > booksKept) books.delete(books.keys().next().value!);
    return found;
  };
  let last = 0;
  return {
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
        return file;
      }
      return undefined;
    },
  };
}

/**
 * Removes the shards at once: their folder gets another name before it is emptied; on S3 what they agreed on goes first,
 * without which they are none. Throws an `InputError` (`E_OUTPUT_BUSY`) where one of them is being run; they then stay.
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
  const names = new Set<string>();
  for await (const { path } of openStore(shards).list()) names.add(path.split('/', 1)[0]!);
  for (const name of names) {
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
