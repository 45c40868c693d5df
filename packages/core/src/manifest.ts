// The manifest that a run writes beside its results: everything needed to know where they come from.

import type { ItemCounts, RunStatus } from './events.ts';
import type { Artifact, Json } from './items.ts';
import type { FrameTable, UnwrittenFrameTable } from './frame-tables.ts';
import type { StreamSpec } from './specs.ts';
import type { InputFile } from './input-file.ts';
import type { ClipRange, Range } from './range.ts';

/** One line of the journal and of `outputs`: an artifact and the stage that wrote it. */
export type ManifestOutput = Omit<Artifact, 'kind' | 'id'> & { readonly stage: string };

/** An item that the run left out because its work failed, and the message of the last error. */
export interface SkippedItem {
  readonly stage: string;
  readonly item: string;
  readonly message: string;
}

/** When a run was, and how long it took; nothing of it depends on the input alone. */
export interface RunTimes {
  /** ISO 8601, as `finishedAt`. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly seconds: number;
  /** Of each stage, by its id, the seconds it worked, without the time it waited for its inputs or its consumers. */
  readonly busySeconds: Readonly<Record<string, number>>;
}

/**
 * `manifest.json`, format 2. Everything but `times` is the same for the same input, options, seed, device and versions.
 */
export interface Manifest {
  readonly format: 2;
  readonly name: string;
  readonly status: RunStatus;
  readonly message?: string;
  readonly times: RunTimes;
  readonly versions: Readonly<Record<string, string>>;
  /** The pipeline with every default filled in. */
  readonly pipeline: readonly {
    readonly id: string;
    readonly type: string;
    readonly from: readonly string[];
    readonly with: unknown;
    readonly onError: unknown;
  }[];
  readonly inputs: readonly InputFile[];
  /** The frames that each source sent, a table for each of its sequences; absent where sources send none. */
  readonly frames?: readonly FrameTable[];
  /** In the order of their paths, as `inputs`. */
  readonly outputs: readonly ManifestOutput[];
  /** Files of earlier runs that this one had neither written anew nor removed when it ended early. */
  readonly former?: readonly ManifestOutput[];
  /** What each stage took and gave, and the spec of what it sends along its edges. */
  readonly stages: readonly ({
    readonly id: string;
    readonly type: string;
    readonly spec: StreamSpec;
    /** What the stage found out: the stretch of a series, the variance that components explain. */
    readonly findings?: Readonly<Record<string, Json>>;
  } & ItemCounts)[];
  /** The part of the input that was worked on; absent for all of it. */
  readonly range?: Range;
  /** The clips that were worked on; absent for all of them. */
  readonly clips?: readonly ClipRange[];
  /** In the order of the stages, then of the items, as text; `warnings` likewise. */
  readonly skipped: readonly SkippedItem[];
  readonly warnings: readonly { readonly stage: string; readonly message: string }[];
}

/**
 * A manifest before it is written: its long lists are on disk or packed, and are read anew, in their order, by whoever
 * goes through them.
 */
export type UnwrittenManifest = Omit<Manifest, 'inputs' | 'frames' | 'outputs'> & {
  readonly inputs: AsyncIterable<InputFile>;
  readonly frames?: readonly UnwrittenFrameTable[];
  readonly outputs: AsyncIterable<ManifestOutput>;
};

/**
 * A manifest as a stage sees it while the run goes: of the stages that lead to it, which have ended when its input has,
 * so that it is the same in every run.
 */
export type ManifestSoFar = Omit<UnwrittenManifest, 'status' | 'times'> & {
  readonly status: 'unfinished';
  /** Says what is left out. */
  readonly message: string;
};
