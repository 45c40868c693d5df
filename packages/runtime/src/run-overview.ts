// A run at a glance: its graph with counts, times and what went wrong; of one that is over, from its manifest.

import type { ItemCounts, RunStatus } from '@deepearth/core/events';
import type { Manifest, SkippedItem } from '@deepearth/core/manifest';

/** One stage of an overview. */
export interface StageOverview extends ItemCounts {
  readonly id: string;
  readonly type: string;
  readonly from: readonly string[];
  /** Items that will leave it; `null` where that is not known. */
  readonly count: number | null;
  readonly state: 'waiting' | 'open' | 'closed';
  /** Seconds it worked, without the time it waited for its inputs or its consumers. */
  readonly busySeconds: number;
  /** What it is at, where it says so: "fit", 120 of 500. */
  readonly step?: { readonly name: string; readonly done: number; readonly total: number | null };
}

/** A run at a glance; survives JSON. */
export interface RunOverview {
  readonly format: 1;
  readonly name: string;
  /** `interrupted`: its process ended before it could say how. */
  readonly status: 'running' | 'interrupted' | RunStatus;
  readonly message?: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly stages: readonly StageOverview[];
  readonly files: number;
  readonly bytes: number;
  /** How many there are, and the first of them. */
  readonly skipped: { readonly count: number; readonly first: readonly SkippedItem[] };
  readonly warnings: { readonly count: number; readonly first: Manifest['warnings'] };
}

/** What `deepearth explore` tells its page of a run, again and again while it goes. */
export interface RunSeen extends RunOverview {
  /** The number of the bundle that is served now, of a run that is followed; absent while there is none. */
  readonly bundle?: number;
  /** Whether another bundle may come. */
  readonly followed?: boolean;
}

/** Items and warnings that an overview names. */
export const namedAtMost = 100;

/** Names the first of a list. */
export const firstOf = <T>(all: readonly T[]): { readonly count: number; readonly first: readonly T[] } => ({
  count: all.length,
  first: all.slice(0, namedAtMost),
});

/** The overview of a run that is over. */
export function overviewOf(manifest: Manifest): RunOverview {
  const { name, status, message, times, pipeline, stages, outputs, skipped, warnings } = manifest;
  const from = new Map(pipeline.map((stage) => [stage.id, stage.from]));
  return {
    format: 1,
    name,
    status,
    ...(message !== undefined && { message }),
    startedAt: times.startedAt,
    seconds: times.seconds,
    stages: stages.map(({ id, type, in: taken, out, skipped: left, spec }) => ({
      id,
      type,
      from: from.get(id) ?? [],
      count: status === 'done' || status === 'skipped' ? out : (spec.count ?? null),
      in: taken,
      out,
      skipped: left,
      state: 'closed',
      busySeconds: times.busySeconds[id] ?? 0,
    })),
    files: outputs.length,
    bytes: outputs.reduce((sum, { bytes }) => sum + bytes, 0),
    skipped: firstOf(skipped),
    warnings: firstOf(warnings),
  };
}
