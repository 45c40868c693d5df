// What lies over the frames, and how.

import type { ReadonlySignal } from '@preact/signals';
import { colorMapNames, type ColorMapName } from '@deepearth/vision/colormaps';
import type { Explorer } from '../state/explorer.ts';
import { ColorScale } from './color-scale.tsx';
import { layerChoices } from './layer-choices.ts';
import type { Overlay } from './overlay.ts';

export function ToolBar({ explorer, overlay }: { explorer: Explorer; overlay: ReadonlySignal<Overlay | undefined> }) {
  const { layer, opacity, colorMap, smooth } = explorer;
  const limits = overlay.value?.limits;
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
      {limits && (
        <span class="field">
          <ColorScale map={colorMap.value} limits={limits} />
          <select
            aria-label="Colours"
            value={colorMap.value}
            onChange={(event) => (colorMap.value = event.currentTarget.value as ColorMapName)}
          >
            {colorMapNames.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </span>
      )}
    </div>
  );
}
