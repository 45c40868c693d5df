// Keeps the results of other pipelines in an output from being replaced unasked.

import { refuseOtherPipeline } from '@deepearth/core/owner';
import type { Pipeline } from '@deepearth/core/pipeline';
import { openStore } from './open-store.ts';

/**
 * Throws a `DeepEarthError` (`E_OTHER_PIPELINE`) when an output (a folder, or "s3://bucket/prefix") holds results of
 * another pipeline, as `run` does without `overwrite`.
 */
export const refuseOtherResults = (pipeline: Pipeline, output: string): Promise<void> =>
  refuseOtherPipeline(openStore(output), pipeline);
