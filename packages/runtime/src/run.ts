// Runs a pipeline into a folder.

import { resolve } from 'node:path';
import {
  run as runGraph,
  type Run as GraphRun,
  type RunEnd as GraphEnd,
  type RunOptions as GraphOptions,
} from '@deepearth/core/run';
import type { Manifest } from '@deepearth/core/manifest';
import type { Pipeline } from '@deepearth/core/pipeline';
import type { FormerRun } from '@deepearth/core/stage';
import { folderStore } from './folder-store.ts';
import { memoryLimit } from './memory-limit.ts';
import { coreVersion } from './version.ts';

/** The options of core's `run`, with folders in place of stores. */
export interface RunOptions extends Omit<GraphOptions, 'store' | 'former'> {
  /** A pipeline whose plan needs more memory is refused before it starts; all of the machine's or container's by default. */
  readonly maxMemoryBytes?: number;
  /** The folder for everything the run writes; made when missing. */
  readonly output: string;
  /** Output folders of earlier runs to resume from, or other places of what was made before, beside `output` itself. */
  readonly former?: readonly (string | FormerRun)[];
}

/** How a run ended. */
export interface RunEnd extends Pick<GraphEnd, 'status'> {
  /** Absolute. */
  readonly output: string;
}

/** What a run leaves. */
export interface RunResult {
  readonly manifest: Manifest;
  /** Absolute. */
  readonly output: string;
}

/** A run under way. */
export interface Run extends Omit<GraphRun, 'end' | 'result'> {
  /** Resolves when the run has come to its end (items may have been skipped); rejects when it failed or was cancelled. */
  readonly end: Promise<RunEnd>;
  /** The same with the manifest, which is read from the folder when this is first asked for: of many files it is large. */
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
    former: former.map((each) => (typeof each === 'string' ? folderStore(each) : each)),
    versions: {
      '@deepearth/core': coreVersion,
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      ...versions,
    },
  });
  const { events$, items, items$ } = running;
  const end = running.end.then(({ status }) => ({ status, output: resolve(output) }));
  end.catch(() => undefined); // a caller that only watches the events is told there
  let result: Promise<RunResult> | undefined;
  return {
    events$,
    items,
    items$,
    end,
    get result() {
      return (result ??= running.result.then(({ manifest }) => ({ manifest, output: resolve(output) })));
    },
  };
}
