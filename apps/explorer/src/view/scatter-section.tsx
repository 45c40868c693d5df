// Loads the scatter when it is opened.

import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import type { Explorer } from '../state/explorer.ts';

export function ScatterSection({ explorer }: { explorer: Explorer }) {
  const panel = useSignal<ComponentType<{ explorer: Explorer }> | undefined>(undefined);
  const open = useSignal(false);
  const Panel = panel.value;
  return (
    <details
      class="panel"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
        if (!open.value) explorer.lasso.value = undefined;
        else
          import('./scatter-panel.tsx').then(
            ({ ScatterPanel }) => (panel.value = ScatterPanel),
            (error: unknown) => (explorer.message.value = String(error)),
          );
      }}
    >
      <summary>
        <h2>Scatter</h2>
      </summary>
      {open.value && Panel && <Panel explorer={explorer} />}
    </details>
  );
}
