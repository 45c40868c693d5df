// What fills the page.

import type { Explorer, View } from '../state/explorer.ts';

const views: readonly (readonly [view: View, label: string, title: string])[] = [
  ['frames', 'Frames', 'A frame of a clip, with its tokens'],
  ['map', 'Map', 'Where the clips lie'],
  ['run', 'Run', 'The stages of the run: what they took, made and left out, and how long they worked'],
];

export const ViewChoice = ({ explorer: { view, bundle } }: { explorer: Explorer }) => (
  <fieldset class="choices">
    <legend class="unseen">What is shown</legend>
    {views
      .filter(([name]) => name !== 'map' || bundle.places)
      .map(([name, label, title]) => (
        <label key={name} title={title}>
          <input type="radio" name="view" checked={view.value === name} onChange={() => (view.value = name)} />
          <span>{label}</span>
        </label>
      ))}
  </fieldset>
);
