// A part of the page that is loaded when it is shown.

import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Explorer } from '../state/explorer.ts';

type Part = ComponentType<{ explorer: Explorer }>;

export function LazyView({ explorer, load }: { explorer: Explorer; load: () => Promise<Part> }) {
  const part = useSignal<{ readonly Shown: Part } | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    load().then(
      (Shown) => wanted && (part.value = { Shown }),
      (error: unknown) => (explorer.message.value = String(error)),
    );
    return () => {
      wanted = false;
    };
  }, [load]);
  const Shown = part.value?.Shown;
  return Shown ? <Shown explorer={explorer} /> : null;
}
