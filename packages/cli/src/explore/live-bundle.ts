// Makes bundles of a run that goes: another one when it has written more tokens, at most a fifth of the time.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readOverview } from '@deepearth/runtime/read-overview';
import type { RunSeen } from '@deepearth/runtime/run-overview';
import type { ServedBundle } from './serve.ts';
import { whatToShow, type ShownTokens } from './what-to-show.ts';

/** The bundle of a run as it is now. */
export interface LiveBundle {
  current(): ServedBundle | undefined;
  /** Whether another may come. */
  follows(): boolean;
  /** Resolves when it follows no more. */
  readonly ended: Promise<void>;
}

const looksEveryMilliseconds = 1000;
/** Of a bundle that took a second, another is made four seconds later. */
const usualRest = 4;

/**
 * Follows the run in a folder until it is over; then once more, for what it wrote last. `make` fills a folder with
 * `explorer/`. Bundles before the last two are removed.
 */
export function followRun(
  path: string,
  folder: string,
  make: (shown: ShownTokens, output: string) => Promise<unknown>,
  {
    signal,
    failed,
    rest = usualRest,
  }: { readonly signal: AbortSignal; failed(error: unknown): void; readonly rest?: number },
): LiveBundle {
  let current: ServedBundle | undefined;
  let version = 0;
  let written: string | undefined;

  const look = async (): Promise<boolean> => {
    const shown = await whatToShow(path);
    if ('waiting' in shown) return true;
    if ('bundle' in shown) {
      current = { folder: shown.bundle, version: ++version };
      return false;
    }
    if (shown.written !== written) {
      // Not tried again before there is more, also where it fails.
      written = shown.written;
      const output = join(folder, String(version + 1));
      const started = performance.now();
      await make(shown, output);
      current = { folder: join(output, 'explorer'), version: ++version };
      await rm(join(folder, String(version - 2)), { recursive: true, force: true });
      if (shown.live) await pause(rest * (performance.now() - started), undefined, { signal });
    }
    return shown.live;
  };

  const follow = async (): Promise<void> => {
    for (let goes = true; goes && !signal.aborted;)
      try {
        goes = await look();
        if (goes) await pause(looksEveryMilliseconds, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        failed(error);
        // What was written in the middle of a look may be whole in the next.
        goes = (await readOverview(path).catch(() => undefined))?.status === 'running';
      }
  };
  let follows = true;
  const ended = follow().finally(() => (follows = false));
  return { current: () => current, follows: () => follows, ended };
}

/** How far the run in a folder is, and which bundle shows it; `undefined` where no run is known. */
export async function seenOf(path: string, live: LiveBundle | undefined): Promise<RunSeen | undefined> {
  // A manifest that cannot be read says nothing, and what there is can be shown without it.
  const overview = await readOverview(path).catch(() => undefined);
  const current = live?.current();
  return overview && { ...overview, ...(current && { bundle: current.version }), followed: live?.follows() ?? false };
}
