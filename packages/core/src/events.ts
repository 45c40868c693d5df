// The events of a run; one JSON line each where the output is not a terminal.

/** How a run ended. `skipped`: it came to its end, but without some items (`onError: skip`). */
export type RunStatus = 'done' | 'skipped' | 'failed' | 'cancelled';

/** Items of one stage over a whole run. */
export interface ItemCounts {
  readonly in: number;
  readonly out: number;
  readonly skipped: number;
}

/** Items of one stage over a whole run, and the time it worked. */
export interface StageCounts extends ItemCounts {
  /** Seconds the stage worked, without the time it waited for its inputs or its consumers. */
  readonly busySeconds: number;
  /** Seconds that each of its devices worked, where it has any. */
  readonly devices?: Readonly<Record<string, number>>;
}

/** Shares of a stretch of time, from 0 to 1. */
export interface StageShare {
  readonly stage: string;
  /** In which the stage worked; stages work side by side, so that the sum may be more than 1. */
  readonly busy: number;
  readonly devices?: Readonly<Record<string, number>>;
}

/**
 * Something that happened in a run, in the order in which it happened. Events survive JSON; `out` and `done` count from
 * 1, and `count` and `total` are `null` where they are not known.
 */
export type RunEvent =
  | {
      readonly type: 'run-started';
      readonly output: string;
      readonly stages: readonly { id: string; type: string; count: number | null }[];
    }
  | { readonly type: 'stage-opened'; readonly stage: string }
  | { readonly type: 'item'; readonly stage: string; readonly item: string; readonly out: number }
  | {
      readonly type: 'progress';
      readonly stage: string;
      readonly step: string;
      readonly done: number;
      readonly total: number | null;
      /** An estimate of `done` that counts what is under way, in fractions; absent where nothing is said of that. */
      readonly estimated?: number;
    }
  /**
   * Every ten seconds: which share of the time since the last such event each stage that is open worked, and each
   * device that it has named, from 0 to 1.
   */
  | { readonly type: 'utilisation'; readonly seconds: number; readonly stages: readonly StageShare[] }
  | { readonly type: 'info' | 'warning'; readonly stage: string; readonly message: string }
  | { readonly type: 'skipped'; readonly stage: string; readonly item: string; readonly message: string }
  | {
      readonly type: 'artifact';
      readonly stage: string;
      readonly path: string;
      readonly bytes: number;
      readonly sha256: string;
    }
  /** Results of another pipeline that lie in the store: they are replaced, and removed in the end (`overwrite`). */
  | { readonly type: 'overwriting'; readonly pipeline: string; readonly files: number; readonly bytes: number }
  /** A file of an earlier run into the same store, which this one does not write. */
  | { readonly type: 'removed'; readonly path: string }
  | ({ readonly type: 'stage-closed'; readonly stage: string } & StageCounts)
  | { readonly type: 'run-finished'; readonly status: RunStatus; readonly seconds: number; readonly message?: string };
