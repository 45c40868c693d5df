// Makes colours of projections.

import { InputError, type Projection } from '@deepearth/core';
import { categoryColor, colorMap } from '@deepearth/vision/colormaps';

/**
 * Colours as renderers make them: three numbers are red, green and blue; two are red and green over a blue that falls
 * with both; one goes through a colour map, groups have colours that stay apart.
 */
export function painterOf({
  id,
  limits,
  meaning,
  values: { shape },
}: Projection): (values: Float32Array, bands: number) => Uint8Array {
  const components = shape.at(-1)!;
  if (limits.length < Math.min(components, 3))
    throw new InputError(id, `has ${components} components and limits for ${limits.length}.`, {
      code: 'E_LIMITS',
      remedy: 'A reducer gives a low and a high value for each component.',
    });
  const table = colorMap('viridis');
  const share = (value: number, component: number): number => {
    const [low, high] = limits[component]!;
    return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  };
  return (values, bands) => {
    const cells = values.length / bands;
    const out = new Uint8Array(cells * 4);
    for (let cell = 0; cell < cells; cell++) {
      const at = cell * bands;
      if (Number.isNaN(values[at]!)) continue;
      out[cell * 4 + 3] = 255;
      if (meaning === 'label') {
        out.set(categoryColor(Math.max(0, Math.round(values[at]!))), cell * 4);
        continue;
      }
      const red = share(values[at]!, 0);
      if (meaning === 'scalar' || bands === 1) {
        const entry = Math.round(red * 255) * 3;
        out.set(table.subarray(entry, entry + 3), cell * 4);
        continue;
      }
      const green = share(values[at + 1]!, 1);
      const blue = bands >= 3 ? share(values[at + 2]!, 2) : 1 - (red + green) / 2;
      out.set([Math.round(red * 255), Math.round(green * 255), Math.round(blue * 255)], cell * 4);
    }
    return out;
  };
}
