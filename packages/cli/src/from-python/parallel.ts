// `run_parallel_extraction.sh`: the image extractor on several devices.

import { parseWhole } from '../parse-number.ts';
import { extractPipeline, type ExtractFlags } from './extract.ts';
import type { PipelineFile } from './pipeline-file.ts';
import type { RunDate } from './run-date.ts';

export type ParallelFlags = Omit<ExtractFlags, 'imageDir' | 'outputDir' | 'chunkSize'>;

/**
 * The pipeline of `deepearth parallel`: a process for each of `count` devices, which take the next picture as they get
 * free, and one result. "cuda" stands for cuda:0, cuda:1 …, any other device for that many processes on it.
 */
export function parallelPipeline(
  images: string,
  output: string,
  count: string,
  chunkSize: string,
  { device, ...flags }: ParallelFlags,
  date: RunDate,
): PipelineFile {
  const devices = Array.from({ length: parseWhole('GPUS', count) }, (_, i) =>
    device === 'cuda' ? `cuda:${i}` : device,
  );
  return {
    ...extractPipeline({ ...flags, device: devices.join(), imageDir: images, outputDir: output, chunkSize }, date),
    name: 'parallel',
  };
}
