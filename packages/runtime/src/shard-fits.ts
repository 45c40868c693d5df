// The second thing that shards do: one of them fits to the parts that all have made, and each places its own tokens.

import { setTimeout } from 'node:timers/promises';
import type { ByteSource } from '@deepearth/core/byte-source';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { fitKey, modelKey, partKeysPath, partPath, type PartKeys } from '@deepearth/core/fit-in-shards';
import { entriesIn, openProven, readBooks } from '@deepearth/core/former-run';
import type { Pipeline } from '@deepearth/core/pipeline';
import { plan } from '@deepearth/core/plan';
import { stageKey } from '@deepearth/core/stage-key';
import type { FormerRun, StageContext } from '@deepearth/core/stage';
import type { RunStore, StoreLock } from '@deepearth/core/store';
import { encodingPart, workList } from '@deepearth/core/work-list';
import { fittingStages, type FittingStage } from './fitting-stages.ts';
import { lackOf } from './lack-of.ts';
import { openStore } from './open-store.ts';
import { fitPath, fitsPlace, shardFiles } from './shard-stores.ts';
import { placesFolder, shardFolder, shardsFolder, type ReadyShard, type Shard } from './shards.ts';
import { agreedCount, refuseOtherWork } from './shared-work-list.ts';

/** A shard that is ready to place its tokens: `run(pipeline, { output, clips, resume: true, former: [former] })`. */
export interface ReadyPlacing extends Omit<ReadyShard, 'notes' | 'fitting'> {
  /** The tokens of the shard, and the fits. */
  readonly former: FormerRun;
}

/** How placing is made ready. */
export interface PlacingOptions {
  readonly signal?: AbortSignal;
  /** Told how far a fit is, by the id of its stage, and the same as `progress` of a `StageContext`. */
  readonly onProgress?: (stage: string, ...progress: Parameters<StageContext['progress']>) => void;
  /** Told why a fit is left to the merge. */
  readonly onLeft?: (stage: string, reason: string) => void;
}

/** A fit that came to nothing is not tried again by the next shard. */
interface Fit extends PartKeys {
  readonly left?: string;
}

const pauseMilliseconds = 500;

/**
 * Makes a shard ready for what follows the encoding; `undefined` where shards are missing still, or the pipeline has
 * nothing to fit in shards. Whoever comes first makes the fits, the others wait for it. Throws what `plan` throws.
 */
export async function preparePlacing(
  pipeline: Pipeline,
  output: string,
  shard: Shard,
  { signal = new AbortController().signal, onProgress, onLeft }: PlacingOptions = {},
): Promise<ReadyPlacing | undefined> {
  const folder = shardsFolder(output);
  if ((await agreedCount(folder)) !== shard.of) return undefined;
  const planned = await plan(pipeline, { signal });
  const work = workList(planned, shard.of);
  const fitting = fittingStages(planned, work);
  if (fitting.length === 0) return undefined;
  await refuseOtherWork(folder, work);
  const job = work.jobs[shard.index - 1]!;
  const own = openStore(shardFolder(output, shard));
  if (job.clips?.length !== 0 && (await lackOf(own, job)) !== undefined) return undefined;
  const store = openStore(fitsPlace(folder));
  let fits = await fitsOf(store, fitting);
  if (!fits) {
    const stores: RunStore[] = [];
    for (const [at, each] of work.jobs.entries()) {
      signal.throwIfAborted();
      if (each.clips?.length === 0) continue;
      const other = openStore(shardFolder(output, { index: at + 1, of: shard.of }));
      if ((await lackOf(other, each)) !== undefined) return undefined;
      stores.push(other);
    }
    const lock = await lockWhenFree(store, signal);
    try {
      for (const each of fitting)
        if (!(await fitsOf(store, [each]))) await fit(each, stores, store, signal, onProgress);
    } finally {
      await lock.release();
    }
    fits = (await fitsOf(store, fitting))!;
  }
  const placing = fitting.filter((_, index) => fits[index]!.left === undefined);
  for (const [index, { stage }] of fitting.entries())
    if (fits[index]!.left !== undefined) onLeft?.(stage.id, fits[index]!.left);
  return {
    job,
    pipeline: withPlacing(pipeline, placing),
    output: placesFolder(output, shard),
    ...(job.clips && { clips: job.clips }),
    empty: job.clips?.length === 0 || placing.length === 0,
    former: shardFiles({ tokens: [own], fits: store }),
  };
}

const withPlacing = (pipeline: Pipeline, placing: readonly FittingStage[]): Pipeline => {
  const encoding = encodingPart(pipeline);
  const stages = placing.map(({ stage, shared }) => ({ ...stage, definition: shared.place }));
  return { ...encoding, stages: [...encoding.stages, ...stages] };
};

/** The fits of stages as they are now; `undefined` where one is missing. */
async function fitsOf(store: RunStore, fitting: readonly FittingStage[]): Promise<readonly Fit[] | undefined> {
  const fits: Fit[] = [];
  for (const { stage } of fitting) {
    const file = await store.get(fitPath(fitKey(stage.id, stageKey(stage)())));
    if (!file) return undefined;
    fits.push(JSON.parse(new TextDecoder().decode(await wholeOf(file))) as Fit);
  }
  return fits;
}

const wholeOf = (file: ByteSource): Promise<Uint8Array> => file.read(0, file.size).finally(() => file.close());

/** Another shard that fits is waited for. */
async function lockWhenFree(store: RunStore, signal: AbortSignal): Promise<StoreLock> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await store.lock();
    } catch (error) {
      if (!(error instanceof DeepEarthError) || error.code !== 'E_OUTPUT_BUSY') throw error;
    }
    await setTimeout(pauseMilliseconds, undefined, { signal });
  }
}

/** Fits to the parts of all shards and puts down the model, and then what it was made of, which makes it count. */
async function fit(
  { stage, shared }: FittingStage,
  stores: readonly RunStore[],
  into: RunStore,
  signal: AbortSignal,
  onProgress: PlacingOptions['onProgress'],
): Promise<void> {
  const { id, options } = stage;
  const seed = stageKey(stage)();
  const keys: string[] = [];
  let left: string | undefined;
  async function* parts(): AsyncGenerator<ByteSource> {
    for (const store of stores) {
      const entries = entriesIn(await readBooks(store));
      const opened = async (path: string): Promise<ByteSource | undefined> => {
        const entry = entries.get(path);
        return entry && openProven(store, entry);
      };
      const list = await opened(partKeysPath(id));
      if (!list) continue; // none of its clips go to this stage
      const made = JSON.parse(new TextDecoder().decode(await wholeOf(list))) as PartKeys;
      if (made.seed !== seed)
        throw new InputError(store.name, 'was run with other options of this stage.', { code: 'E_PARTS' });
      for (const key of made.keys) keys.push(key);
      const part = await opened(partPath(id));
      if (!part) throw new InputError(store.name, 'its part of the fit is not what it was.', { code: 'E_PARTS' });
      try {
        yield part;
      } finally {
        await part.close();
      }
    }
  }
  try {
    const progress = (...told: Parameters<StageContext['progress']>): void => onProgress?.(id, ...told);
    const model = await shared.fit(parts(), { options, signal, progress });
    if (model) await into.put(fitPath(modelKey(id, { seed, keys })), model);
    else left = 'no token holds data';
  } catch (error) {
    // The merge fits to all tokens, and says what is wrong with them if anything is.
    if (!(error instanceof InputError)) throw error;
    left = error.message;
  }
  const made: Fit = { seed, keys: left === undefined ? keys : [], ...(left !== undefined && { left }) };
  await into.put(fitPath(fitKey(id, seed)), new TextEncoder().encode(JSON.stringify(made)));
}
