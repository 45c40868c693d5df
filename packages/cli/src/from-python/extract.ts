// `vjepa2_extractor.py`: every picture of a folder by itself, in chunks of many.

import { parseWhole } from '../parse-number.ts';
import { encoderStage, type EncodingFlags } from './encoding.ts';
import { filePattern } from './file-pattern.ts';
import type { PipelineFile } from './pipeline-file.ts';
import type { RunDate } from './run-date.ts';

export interface ExtractFlags extends EncodingFlags {
  readonly imageDir: string;
  readonly outputDir: string;
  readonly chunkSize: string;
  readonly pattern: string;
  /** A file for each picture in place of chunks. */
  readonly perImage?: boolean;
}

/** The pipeline of `deepearth extract`. A picture that cannot be read is left out and listed. */
export function extractPipeline(flags: ExtractFlags, { iso }: RunDate): PipelineFile {
  const { imageDir, outputDir, chunkSize, pattern, perImage = false } = flags;
  return {
    name: 'extract',
    output: outputDir,
    stages: [
      {
        id: 'images',
        type: 'source/frames',
        with: {
          directory: imageDir,
          recursive: 'one',
          pattern: filePattern(pattern),
          order: 'name',
          sizes: 'any',
          pages: 'first',
        },
        onError: 'skip',
      },
      { id: 'clips', type: 'windower/still', with: { size: 16 } },
      encoderStage(flags),
      {
        id: 'features',
        type: 'sink/features',
        with: {
          format: 'pt',
          directory: '.',
          ...(perImage
            ? { metadata: { extraction_timestamp: iso } }
            : {
                perFile: parseWhole('--chunk-size', chunkSize),
                index: { file: 'extraction_progress.json', startedAt: iso },
              }),
        },
      },
    ],
  };
}
