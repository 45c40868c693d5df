// What the colours of numbers stand for, and which colours they are.

import { colorMapNames, type ColorMapName } from '@deepearth/vision/colormaps';
import type { Explorer } from '../state/explorer.ts';
import { ColorScale } from './color-scale.tsx';

/** Nothing where no numbers are shown. */
export function Legend({
  explorer: { colorMap },
  limits,
}: {
  explorer: Explorer;
  limits: readonly [number, number] | undefined;
}) {
  if (!limits) return null;
  return (
    <div class="stage-legend">
      <ColorScale map={colorMap.value} limits={limits} />
      <select
        aria-label="Colours of numbers"
        value={colorMap.value}
        onChange={(event) => (colorMap.value = event.currentTarget.value as ColorMapName)}
      >
        {colorMapNames.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </div>
  );
}
