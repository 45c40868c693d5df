// What lies over the frames, and how.

import type { Explorer } from '../state/explorer.ts';
import { layerChoices } from './layer-choices.ts';

export function ToolBar({ explorer }: { explorer: Explorer }) {
  const { layer, opacity, smooth } = explorer;
  return (
    <div class="tool-bar">
      <fieldset class="choices">
        <legend class="unseen">Over the frames</legend>
        {layerChoices(explorer).map(({ layer: choice, label, title }) => (
          <label key={choice} title={title}>
            <input type="radio" name="layer" checked={layer.value === choice} onChange={() => (layer.value = choice)} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <label class="field">
        Opacity
        <input
          type="range"
          min="0"
          max="100"
          value={Math.round(opacity.value * 100)}
          onInput={(event) => (opacity.value = Number(event.currentTarget.value) / 100)}
        />
      </label>
      <label class="field check">
        <input
          type="checkbox"
          checked={smooth.value}
          onChange={(event) => (smooth.value = event.currentTarget.checked)}
        />
        Smooth
      </label>
    </div>
  );
}
