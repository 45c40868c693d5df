// What a run leaves beside its results: everything needed to know where they come from.

import type { StageCounts, RunStatus } from './events.ts';
import type { JournalEntry } from './output-folder.ts';
import type { InputFile } from './stage.ts';

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
  readonly outputs: readonly JournalEntry[];
  readonly stages: readonly ({ readonly id: string; readonly type: string } & StageCounts)[];
  readonly skipped: readonly SkippedItem[];
  readonly warnings: readonly { readonly stage: string; readonly message: string }[];
}
