// How many sequences a device encodes best in one call, found by trial and remembered.

import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { lineage } from '@deepearth/core/lineage';
import { readTextFile } from '@deepearth/core/regular-file';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { cacheFolder, writeAtomically } from './cache.ts';
import { isOutOfMemory } from './out-of-memory.ts';

/** What is tried, and how. */
export interface BatchTrialOptions {
  readonly device: string;
  /** Digest of weights, architecture and precision. */
  readonly fingerprint: string;
  /** One sequence, `[1, frames, 3, height, width]`. */
  readonly pixels: Tensor<'float32'>;
  /** No more than this is tried. */
  readonly most: number;
  run(batch: Tensor<'float32'>): Promise<unknown>;
  /** Called after the memory did not suffice. */
  restart(): Promise<void>;
  readonly log?: ((message: string) => void) | undefined;
  /** Milliseconds of a steady clock. */
  readonly clock?: () => number;
}

/** Larger batches than this save nothing measurable on an encoder of hundreds of tokens a sequence. */
export const largestBatch = 16;
/** A batch twice as large has to be so many times as quick to be worth its memory. */
const worthwhile = 1.05;
/** A device that takes so long for one sequence is full with one. */
const slowSeconds = 5;

/**
 * Encodes one sequence 1, 2, 4 … times in a call while memory suffices and each step makes the device at least 5 %
 * quicker, and returns the quickest of these numbers; 1 where one sequence fails. What is found is kept in the cache
 * for this machine's device, these weights and this size of input; a cache that cannot be written costs the trial only.
 * Throws what `run` throws for more than one sequence, but for want of memory or a process that dies.
 */
export async function batchTrial(options: BatchTrialOptions): Promise<number> {
  const { device, fingerprint, pixels, log, clock = () => performance.now() } = options;
  const most = Math.min(options.most, largestBatch);
  const note = join(
    cacheFolder(),
    'batches',
    `${lineage('batch', hostname(), device, fingerprint, pixels.shape)}.json`,
  );
  const known = await readTextFile(note)
    .then((text) => (JSON.parse(text) as { batch?: unknown }).batch)
    .catch(() => undefined);
  if (typeof known === 'number' && Number.isInteger(known) && known >= 1 && known <= largestBatch)
    return Math.min(known, most);
  const seconds = async (batch: number): Promise<number> => {
    const input = copies(pixels, batch);
    const start = clock();
    await options.run(input);
    return (clock() - start) / 1000;
  };
  // The first call chooses kernels and fills the arena. What fails for one sequence is said when it is encoded.
  if (((await attempted(seconds)) ?? Infinity) > 2 * slowSeconds) return 1;
  const alone = await attempted(seconds);
  if (alone === undefined) return 1;
  let best = 1;
  let rate = 1 / alone;
  const said = [`1: ${rate.toPrecision(3)}`];
  let full = false;
  for (let batch = 2; batch <= most && best / rate < slowSeconds; batch *= 2) {
    try {
      await seconds(batch);
      const next = batch / (await seconds(batch));
      said.push(`${batch}: ${next.toPrecision(3)}`);
      if (next < rate * worthwhile) {
        full = true;
        break;
      }
      [best, rate] = [batch, next];
    } catch (error) {
      if (!isOutOfMemory(error) && (error as DeepEarthError).code !== 'E_SESSION_ENDED') throw error;
      await options.restart();
      said.push(`${batch}: no room`);
      full = true;
      break;
    }
  }
  log?.(`${device}: ${best} in one call, by trial (sequences a second with ${said.join(', ')}).`);
  // A trial that was cut short by a short run says nothing of a long one.
  if (full || most === largestBatch)
    await writeAtomically(note, (temporary) => writeFile(temporary, JSON.stringify({ batch: best }))).catch(
      () => undefined,
    );
  return best;
}

/** Seconds for one sequence; `undefined` where that failed. */
const attempted = (seconds: (batch: number) => Promise<number>): Promise<number | undefined> =>
  seconds(1).catch((error: unknown) => {
    if (error instanceof DeepEarthError) return undefined;
    throw error;
  });

function copies(pixels: Tensor<'float32'>, batch: number): Tensor<'float32'> {
  if (batch === 1) return pixels;
  const data = new Float32Array(batch * pixels.data.length);
  for (let i = 0; i < batch; i++) data.set(pixels.data, i * pixels.data.length);
  return tensor('float32', [batch, ...pixels.shape.slice(1)], data);
}
