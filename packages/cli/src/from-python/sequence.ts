// `vjepa2_sequential_extractor.py`: windows of 16 frames, a file for each.

import { batchOf, encoderStage, frameStages, type EncodingFlags, type FrameFlags } from './encoding.ts';
import type { PipelineFile } from './pipeline-file.ts';
import type { RunDate } from './run-date.ts';

export interface SequenceFlags extends EncodingFlags, FrameFlags {
  readonly outputDir: string;
}

/** The pipeline of `deepearth sequence`. */
export const sequencePipeline = (flags: SequenceFlags, { iso }: RunDate): PipelineFile => ({
  name: 'sequence',
  output: flags.outputDir,
  stages: [
    ...frameStages(flags),
    encoderStage(flags, batchOf(flags)),
    {
      id: 'features',
      type: 'sink/features',
      with: { format: 'pt', directory: '.', prefix: 'features', metadata: { extraction_timestamp: iso } },
    },
  ],
});
