// Keeps an overview of a run that goes in its folder, for whoever looks on: once a second, and gone when the run ends.

import { renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pipeline } from '@deepearth/core/pipeline';
import type { Run } from '@deepearth/core/run';
import { stateFolder } from '@deepearth/core/safe-path';
import { ownHolder, type Holder } from './lock-holder.ts';
import { namedAtMost, type RunOverview, type StageOverview } from './run-overview.ts';

/** In the state folder. */
export const liveName = 'live.json';

/** What the file holds. */
export interface LiveFile {
  readonly holder: Holder;
  readonly overview: RunOverview;
}

const everyMilliseconds = 1000;

type Changing = { -readonly [key in keyof StageOverview]: StageOverview[key] };

/**
 * Follows a run from its first event on. It writes without a pause of the run's own work, so that nothing is written
 * any more when the run has said that it is over and lets go of its folder.
 */
export function tellLive(
  folder: string,
  { name, stages: recipe }: Pipeline,
  { events$, counts }: Pick<Run, 'events$' | 'counts'>,
): void {
  const path = join(folder, stateFolder, liveName);
  const holder = ownHolder('');
  const started = Date.now();
  const stages = new Map<string, Changing>();
  const skipped = { count: 0, first: [] as RunOverview['skipped']['first'][number][] };
  const warnings = { count: 0, first: [] as RunOverview['warnings']['first'][number][] };
  let [files, bytes] = [0, 0];
  let timer: NodeJS.Timeout | undefined;

  const write = (): void => {
    const now = counts();
    const overview: RunOverview = {
      format: 1,
      name,
      status: 'running',
      startedAt: new Date(started).toISOString(),
      seconds: Math.round((Date.now() - started) / 100) / 10,
      stages: [...stages.values()].map((stage) => ({ ...stage, ...now.get(stage.id) })),
      files,
      bytes,
      skipped,
      warnings,
    };
    try {
      writeFileSync(`${path}.new`, JSON.stringify({ holder, overview } satisfies LiveFile));
      renameSync(`${path}.new`, path);
    } catch {
      // Who looks on sees it later, or not at all: the run does not end for that.
    }
  };
  const stop = (): void => {
    if (!timer) return;
    clearInterval(timer);
    timer = undefined;
    rmSync(path, { force: true });
    rmSync(`${path}.new`, { force: true });
  };

  events$.subscribe({
    next(event) {
      const stage = 'stage' in event ? stages.get(event.stage) : undefined;
      if (event.type === 'run-started') {
        const from = new Map(recipe.map((each) => [each.id, each.from]));
        for (const { id, type, count } of event.stages)
          stages.set(id, {
            id,
            type,
            from: from.get(id) ?? [],
            count,
            state: 'waiting',
            in: 0,
            out: 0,
            skipped: 0,
            busySeconds: 0,
          });
        timer = setInterval(write, everyMilliseconds);
        timer.unref();
        write();
      } else if (event.type === 'stage-opened' && stage) stage.state = 'open';
      else if (event.type === 'stage-closed' && stage) {
        stage.state = 'closed';
        delete stage.step;
      } else if (event.type === 'progress' && stage)
        stage.step = { name: event.step, done: event.done, total: event.total };
      else if (event.type === 'artifact') [files, bytes] = [files + 1, bytes + event.bytes];
      else if (event.type === 'skipped') {
        const { stage: id, item, message } = event;
        skipped.count++;
        if (skipped.first.length < namedAtMost) skipped.first.push({ stage: id, item, message });
      } else if (event.type === 'warning') {
        warnings.count++;
        if (warnings.first.length < namedAtMost) warnings.first.push({ stage: event.stage, message: event.message });
      } else if (event.type === 'run-finished') stop();
    },
    complete() {
      if (!timer) return;
      // The run ended without a word: its lock has gone, and so has what it would have left.
      stop();
      try {
        rmdirSync(join(folder, stateFolder));
      } catch {
        // A later run goes on from what lies there.
      }
    },
  });
}
