// Runs a pipeline into a folder or a bucket.

import {
  run as runGraph,
  type Run as GraphRun,
  type RunEnd as GraphEnd,
  type RunOptions as GraphOptions,
} from '@deepearth/core/run';
import type { Manifest } from '@deepearth/core/manifest';
import type { Pipeline } from '@deepearth/core/pipeline';
import type { FormerRun } from '@deepearth/core/stage';
import { tellLive } from './live-overview.ts';
import { memoryLimit } from './memory-limit.ts';
import { openStore } from './open-store.ts';
import { coreVersion } from './version.ts';

/** The options of core's `run`, with the places of stores. */
export interface RunOptions extends Omit<GraphOptions, 'store' | 'former'> {
  /**
   * A pipeline whose plan needs more memory is refused before it starts; all of the machine's or container's by
   * default.
   */
  readonly maxMemoryBytes?: number;
  /** Where everything goes that the run writes: a folder, made when missing, or "s3://bucket/prefix". */
  readonly output: string;
  /** Outputs of earlier runs to resume from, or other places of what was made before, beside `output` itself. */
  readonly former?: readonly (string | FormerRun)[];
}

/** How a run ended. */
export interface RunEnd extends Pick<GraphEnd, 'status'> {
  /** An absolute path, or "s3://bucket/prefix". */
  readonly output: string;
}

/** What a run leaves. */
export interface RunResult {
  readonly manifest: Manifest;
  /** An absolute path, or "s3://bucket/prefix". */
  readonly output: string;
}

/** A run under way. */
export interface Run extends Omit<GraphRun, 'end' | 'result'> {
  /**
   * Resolves when the run has come to its end (items may have been skipped); rejects when it failed or was cancelled.
   */
  readonly end: Promise<RunEnd>;
  /**
   * The same with the manifest, which is read from the output when this is first asked for: of many files it is large.
   */
  readonly result: Promise<RunResult>;
}

/** Starts a pipeline. The manifest is written to the output also when the run fails or is cancelled. */
export function run(
  pipeline: Pipeline,
  { output, former = [], versions, maxMemoryBytes = memoryLimit(), ...options }: RunOptions,
): Run {
  const store = openStore(output);
  const running = runGraph(pipeline, {
    ...options,
    maxMemoryBytes,
    store,
    former: former.map((each) => (typeof each === 'string' ? openStore(each) : each)),
    versions: {
      '@deepearth/core': coreVersion,
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      ...versions,
    },
  });
  const { events$, items, items$, counts } = running;
  if ('folder' in store) tellLive(store.folder as string, pipeline, running);
  const end = running.end.then(({ status }) => ({ status, output: store.name }));
  end.catch(() => undefined); // a caller that only watches the events is told there
  let result: Promise<RunResult> | undefined;
  return {
    events$,
    items,
    items$,
    counts,
    end,
    get result() {
      return (result ??= running.result.then(({ manifest }) => ({ manifest, output: store.name })));
    },
  };
}
