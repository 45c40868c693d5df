// Runs a pipeline into a folder.

import { resolve } from 'node:path';
import { run as runGraph, type Run as GraphRun, type RunOptions as GraphOptions } from '@deepearth/core/run';
import type { Manifest } from '@deepearth/core/manifest';
import type { Pipeline } from '@deepearth/core/pipeline';
import { folderStore } from './folder-store.ts';
import { memoryLimit } from './memory-limit.ts';
import { coreVersion } from './version.ts';

/** The options of core's `run`, with folders in place of stores. */
export interface RunOptions extends Omit<GraphOptions, 'store' | 'former'> {
  /** A pipeline whose plan needs more memory is refused before it starts; all of the machine's or container's by default. */
  readonly maxMemoryBytes?: number;
  /** The folder for everything the run writes; made when missing. */
  readonly output: string;
  /** Output folders of earlier runs to resume from, beside `output` itself. */
  readonly former?: readonly string[];
}

/** What a run ends with. */
export interface RunResult {
  readonly manifest: Manifest;
  /** Absolute. */
  readonly output: string;
}

/** A run under way. */
export interface Run extends Omit<GraphRun, 'result'> {
  /** The manifest of a run that came to its end (items may have been skipped); rejects when the run failed or was cancelled. */
  readonly result: Promise<RunResult>;
}

/** Starts a pipeline. The manifest is written to the output folder also when the run fails or is cancelled. */
export function run(
  pipeline: Pipeline,
  { output, former = [], versions, maxMemoryBytes = memoryLimit(), ...options }: RunOptions,
): Run {
  const running = runGraph(pipeline, {
    ...options,
    maxMemoryBytes,
    store: folderStore(output),
    former: former.map(folderStore),
    versions: {
      '@deepearth/core': coreVersion,
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      ...versions,
    },
  });
  const result = running.result.then(({ manifest }) => ({ manifest, output: resolve(output) }));
  result.catch(() => undefined); // a caller that only watches the events is told there
  return { ...running, result };
}
