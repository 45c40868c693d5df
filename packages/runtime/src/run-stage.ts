// Runs one stage by itself, its files in a folder or a bucket.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Item } from '@deepearth/core/items';
import { runStage as runAlone, type RunStageOptions as AloneOptions } from '@deepearth/core/run-stage';
import type { StageDefinition } from '@deepearth/core/stage';
import type { z } from 'zod';
import { openStore } from './open-store.ts';

export { describeAlone, type StageInput } from '@deepearth/core/run-stage';

/** The options of core's `runStage`, with a folder in place of a store. */
export interface RunStageOptions<S extends z.ZodType> extends Omit<AloneOptions<S>, 'store'> {
  /** Where artifacts go, a folder or "s3://bucket/prefix"; a temporary folder, removed at the end, by default. */
  readonly output?: string;
}

/**
 * Yields what a stage makes of the items. Throws as a run would: a `ConfigError` for options, a refusal as a
 * `DeepEarthError`, a `StageError`.
 */
export async function* runStage<S extends z.ZodType, Out extends Item = Item>(
  definition: StageDefinition<S, any, Out>,
  { output, ...options }: RunStageOptions<S> = {},
): AsyncGenerator<Out> {
  const temporary = output === undefined ? await mkdtemp(join(tmpdir(), 'deepearth-stage-')) : undefined;
  try {
    yield* runAlone(definition, { ...options, store: openStore(output ?? temporary!) });
  } finally {
    if (temporary) await rm(temporary, { recursive: true, force: true });
  }
}
