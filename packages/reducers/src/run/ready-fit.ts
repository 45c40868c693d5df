// The fit that the shards of a run have made, and what they have placed by it.

import type { ByteSource } from '@deepearth/core/byte-source';
import { fitKey, modelKey, placeKey, type PartKeys } from '@deepearth/core/fit-in-shards';
import type { StageContext } from '@deepearth/core/stage';
import { readModel } from '../models/model-file.ts';
import type { FittedReducer } from '../models/model.ts';
import { restoreReducer } from './reductions.ts';

/** A fit that is there. */
export interface ReadyFit {
  /** The keys of the grids that it was made of, in order. */
  readonly keys: readonly string[];
  readonly model: FittedReducer;
  /** The key under which what becomes of a grid is kept. */
  placed(grid: string): string;
}

/** Finds the fit of a stage of these options; `undefined` where there is none. Close its model. */
export async function readyFit({
  id,
  key,
  former,
  signal,
}: Pick<StageContext, 'id' | 'key' | 'former' | 'signal'>): Promise<ReadyFit | undefined> {
  const seed = key();
  const found = await bytesOf(former.find(fitKey(id, seed)));
  const made = found && partKeys(found);
  if (!made || made.seed !== seed) return undefined;
  const name = modelKey(id, made);
  const file = await former.find(name);
  if (!file) return undefined;
  try {
    const { state } = await readModel(file, { signal });
    return {
      keys: made.keys,
      model: await restoreReducer(state, file.name),
      placed: (grid) => placeKey(name, grid),
    };
  } finally {
    await file.close();
  }
}

/** What a fit was made of; `undefined` where the file says something else. */
function partKeys(bytes: Uint8Array): PartKeys | undefined {
  try {
    const { seed, keys } = JSON.parse(new TextDecoder().decode(bytes)) as PartKeys;
    return { seed, keys };
  } catch {
    return undefined;
  }
}

/** What becomes of the valid tokens of a grid, `[rows, components]`, where a shard has placed them. */
export async function placedValues(
  { former }: Pick<StageContext, 'former'>,
  key: string,
): Promise<Float32Array | undefined> {
  const bytes = await bytesOf(former.find(key));
  return bytes && new Float32Array(bytes.slice().buffer);
}

async function bytesOf(finding: Promise<ByteSource | undefined>): Promise<Uint8Array | undefined> {
  const file = await finding;
  return file && file.read(0, file.size).finally(() => file.close());
}
