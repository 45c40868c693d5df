// A section that loads its content when it is opened.

import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import type { Explorer } from '../state/explorer.ts';

type Panel = ComponentType<{ explorer: Explorer }>;

export function LazySection({
  explorer,
  title,
  load,
  closed,
}: {
  explorer: Explorer;
  title: string;
  load: () => Promise<Panel>;
  /** Called when it is closed. */
  closed: () => void;
}) {
  const panel = useSignal<Panel | undefined>(undefined);
  const open = useSignal(false);
  const Panel = panel.value;
  return (
    <details
      class="panel"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
        if (!open.value) closed();
        else
          load().then(
            (loaded) => (panel.value = loaded),
            (error: unknown) => (explorer.message.value = String(error)),
          );
      }}
    >
      <summary>
        <h2>{title}</h2>
      </summary>
      {open.value && Panel && <Panel explorer={explorer} />}
    </details>
  );
}
