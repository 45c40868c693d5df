// The page over a run that has made nothing to look at yet.

import { effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { runSeen, watchRun } from '../state/run.ts';
import { RunView } from './run-view.tsx';

export function Waiting() {
  useEffect(() => {
    watchRun();
    return effect(() => {
      const seen = runSeen.value;
      if (seen) document.title = `${seen.name} · DeepEarth explorer`;
      if (seen?.bundle !== undefined) location.reload();
    });
  }, []);
  return (
    <>
      <header>
        <h1>{runSeen.value?.name ?? 'DeepEarth explorer'}</h1>
        <p class="about" role="status">
          {runSeen.value?.status === 'running' || !runSeen.value
            ? 'No clips yet. They are shown as soon as their tokens are written.'
            : 'The run has ended without tokens to show.'}
        </p>
      </header>
      <RunView />
    </>
  );
}
