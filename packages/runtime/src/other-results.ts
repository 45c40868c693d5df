// Keeps the results of other pipelines in a folder from being replaced unasked.

import { refuseOtherPipeline } from '@deepearth/core/owner';
import type { Pipeline } from '@deepearth/core/pipeline';
import { folderStore } from './folder-store.ts';

/**
 * Throws a `DeepEarthError` (`E_OTHER_PIPELINE`) when an output folder holds results of another pipeline, as `run` does
 * without `overwrite`.
 */
export const refuseOtherResults = (pipeline: Pipeline, output: string): Promise<void> =>
  refuseOtherPipeline(folderStore(output), pipeline);
