// What a click on a token does.

import { pickMode, type PickMode } from '../state/pick-mode.ts';

const modes: readonly (readonly [mode: PickMode, label: string, title: string])[] = [
  ['new', 'New', 'A click starts a new search'],
  ['like', '+ Like', 'A click adds what is looked for (Shift click)'],
  ['unlike', '− Unlike', 'A click adds what is not looked for (Alt click)'],
];

export const PickModes = () => (
  <fieldset class="choices right">
    <legend class="unseen">What a click does</legend>
    {modes.map(([mode, label, title]) => (
      <label key={mode} title={title}>
        <input type="radio" name="mode" checked={pickMode.value === mode} onChange={() => (pickMode.value = mode)} />
        <span>{label}</span>
      </label>
    ))}
  </fieldset>
);
