// The manifest that a run writes beside its results: everything needed to know where they come from.

import type { StageCounts, RunStatus } from './events.ts';
import type { Artifact } from './items.ts';
import type { StreamSpec } from './specs.ts';
import type { InputFile, Range } from './stage.ts';

/** One line of the journal and of `outputs`: an artifact and the stage that wrote it. */
export type ManifestOutput = Omit<Artifact, 'kind' | 'id'> & { readonly stage: string };

/** An item that the run left out because its work failed, and the message of the last error. */
export interface SkippedItem {
  readonly stage: string;
  readonly item: string;
  readonly message: string;
}

/**
 * `manifest.json`, format 1. All times are ISO 8601; everything else is the same for the same input, options, seed and
 * device.
 */
export interface Manifest {
  readonly format: 1;
  readonly name: string;
  readonly status: RunStatus;
  readonly message?: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly seconds: number;
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
  readonly outputs: readonly ManifestOutput[];
  /** What each stage took and gave, and the spec of what it sends along its edges. */
  readonly stages: readonly ({
    readonly id: string;
    readonly type: string;
    readonly spec: StreamSpec;
  } & StageCounts)[];
  /** The part of the input that was worked on; absent for all of it. */
  readonly range?: Range;
  readonly skipped: readonly SkippedItem[];
  readonly warnings: readonly { readonly stage: string; readonly message: string }[];
}
