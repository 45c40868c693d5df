// What a run did, added up from its events: files by folder, what was said, and the time of each stage.

import { inOrderOf } from '@deepearth/core/book';
import type { RunEvent, RunStatus, StageCounts } from '@deepearth/core/events';
import type { Manifest } from '@deepearth/core/manifest';

/** A folder with the files in it, or a file that is alone in its folder by its own name. */
export interface Place {
  readonly place: string;
  readonly count: number;
  readonly bytes: number;
}

/** What is told of a run; as large as the number of its folders, not of its files. */
export interface RunTally extends Pick<Manifest, 'skipped' | 'warnings'> {
  readonly status: RunStatus;
  readonly seconds: number;
  readonly files: number;
  readonly bytes: number;
  /** In the order of their paths. */
  readonly places: readonly Place[];
  /** Seconds that each stage worked, in the order of the stages. */
  readonly busySeconds: readonly {
    readonly id: string;
    readonly seconds: number;
    /** Of its devices, where it has any. */
    readonly devices?: Readonly<Record<string, number>>;
  }[];
}

/** Starts before the first event. */
export function runTally(): { see(event: RunEvent): void; tally(): RunTally } {
  let stages: readonly string[] = [];
  let end: { status: RunStatus; seconds: number } = { status: 'done', seconds: 0 };
  const busy = new Map<string, Pick<StageCounts, 'busySeconds' | 'devices'>>();
  const found = new Map<string, { first: string; count: number; bytes: number }>();
  const skipped: Manifest['skipped'][number][] = [];
  const warnings: Manifest['warnings'][number][] = [];

  function file({ path, bytes }: { readonly path: string; readonly bytes: number }): void {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : path;
    const known = found.get(folder) ?? { first: path, count: 0, bytes: 0 };
    found.set(folder, {
      first: path < known.first ? path : known.first,
      count: known.count + 1,
      bytes: known.bytes + bytes,
    });
  }

  return {
    see(event) {
      if (event.type === 'run-started') stages = event.stages.map(({ id }) => id);
      if (event.type === 'artifact') file(event);
      if (event.type === 'skipped') skipped.push(event);
      if (event.type === 'warning') warnings.push({ stage: event.stage, message: event.message });
      if (event.type === 'stage-closed') busy.set(event.stage, event);
      if (event.type === 'run-finished') end = event;
    },
    tally() {
      const places = [...found]
        .sort(([, a], [, b]) => (a.first < b.first ? -1 : 1))
        .map(([folder, { first, count, bytes }]) => ({ place: count === 1 ? first : folder, count, bytes }));
      const order = inOrderOf(stages);
      return {
        status: end.status,
        seconds: end.seconds,
        files: places.reduce((sum, { count }) => sum + count, 0),
        bytes: places.reduce((sum, { bytes }) => sum + bytes, 0),
        places,
        busySeconds: stages.map((id) => {
          const { busySeconds: worked = 0, devices } = busy.get(id) ?? {};
          return { id, seconds: worked, ...(devices && { devices }) };
        }),
        skipped: [...skipped].sort(order),
        warnings: [...warnings].sort(order),
      };
    },
  };
}
