// How far the run is, asked for again while it goes.

import { signal } from '@preact/signals';
import type { RunSeen } from '@deepearth/runtime/run-overview';

/** What was last heard of the run; `undefined` before. */
export const runSeen = signal<RunSeen | undefined>(undefined);
/** Why nothing is heard, in words for people. */
export const runFailure = signal('');

const everyMilliseconds = 1000;
let watching = false;

/** Asks until the run is over and nothing more comes of it. Asked twice, it goes on as it did. */
export function watchRun(): void {
  if (watching) return;
  watching = true;
  void ask();
}

async function ask(): Promise<void> {
  const again = await look();
  if (again) setTimeout(() => void ask(), everyMilliseconds);
  else watching = false;
}

/** Whether there may be more to hear. */
async function look(): Promise<boolean> {
  const response = await fetch(new URL('data/run.json', document.baseURI)).catch(() => undefined);
  if (!response?.ok) {
    const known = runSeen.peek();
    runFailure.value = response
      ? 'Nothing is known of the run that made this.'
      : 'Nothing is heard of the run any more. Is deepearth explore still running?';
    return known?.status === 'running' && !response;
  }
  const seen = (await response.json()) as RunSeen;
  runSeen.value = seen;
  runFailure.value = '';
  return seen.status === 'running' || seen.followed === true;
}
