// Light or dark: as the system has it, unless the user chose.

import { effect, signal } from '@preact/signals';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'deepearth-explorer-theme';

/** Storage may be forbidden. */
const remembered = (): string | null => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

export const theme = signal<Theme>(themes.find((each) => each === remembered()) ?? 'auto');

effect(() => {
  const root = document.documentElement;
  if (theme.value === 'auto') delete root.dataset['theme'];
  else root.dataset['theme'] = theme.value;
  try {
    localStorage.setItem(key, theme.value);
  } catch {
    // It is then as the system has it, next time.
  }
});

/** Counts changes of what the system has, for what is drawn in its colours. */
export const schemeChanges = signal(0);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => schemeChanges.value++);
