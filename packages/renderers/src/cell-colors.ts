// Turns the numbers of a projection into one colour per token.

import { InputError, type Projection } from '@deepearth/core';
import { z } from 'zod';
import { categoryColor, colorMap, colorMapNames, type ColorMapName } from '@deepearth/vision/colormaps';

/** How numbers become colours; part of every renderer's options. */
export const colorOptions = {
  colorMap: z
    .enum(colorMapNames)
    .default('viridis')
    .describe(
      'Colours for projections of one number per token. Three numbers become red, green and blue; groups get colours that stay apart.',
    ),
  reverse: z.boolean().default(false).describe('Turn the colour map round.'),
};

/** Which colours values become. */
export interface ColorChoice {
  readonly colorMap: ColorMapName;
  readonly reverse: boolean;
}

/**
 * Colours of one time step, `[height, width, 4]`. Opacity is 255, or 0 where the token is masked (its share of pixels
 * is 0) or holds NaN. Numbers are scaled by the projection's `limits` and clamped. Coordinates: three or more become
 * red, green, blue (the first three); two become red and green over a blue that falls with both; one goes through the
 * colour map.
 */
export function cellColors(
  { values, valid, limits, meaning, id }: Projection,
  step: number,
  choice: ColorChoice,
): Uint8Array {
  const [steps, height, width, components] = values.shape as [number, number, number, number];
  if (step < 0 || step >= steps) throw new RangeError(`time step ${step} of ${steps}`);
  if (limits.length < Math.min(components, 3))
    throw new InputError(id, `has ${components} components and limits for ${limits.length}.`, {
      code: 'E_LIMITS',
      remedy: 'A reducer gives a low and a high value for each component.',
    });
  const paint = painter(meaning, components, limits, choice);
  const cells = height * width;
  const out = new Uint8Array(cells * 4);
  for (let cell = 0; cell < cells; cell++) {
    const at = (step * cells + cell) * components;
    let known = valid?.[step * cells + cell] !== 0;
    for (let c = 0; c < components && known; c++) known = !Number.isNaN(values.data[at + c]!);
    if (!known) continue;
    paint(values.data, at, out, cell * 4);
    out[cell * 4 + 3] = 255;
  }
  return out;
}

type Paint = (values: Float32Array, from: number, out: Uint8Array, to: number) => void;

function painter(
  meaning: Projection['meaning'],
  components: number,
  limits: Projection['limits'],
  choice: ColorChoice,
): Paint {
  const share = (value: number, component: number): number => {
    const [low, high] = limits[component]!;
    // All tokens equal: the middle, neither end would be right.
    return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  };
  if (meaning === 'label')
    return (values, from, out, to) => out.set(categoryColor(Math.max(0, Math.round(values[from]!))), to);
  if (meaning === 'scalar' || components === 1) {
    const table = colorMap(choice.colorMap);
    return (values, from, out, to) => {
      const t = Math.round(share(values[from]!, 0) * 255);
      const entry = (choice.reverse ? 255 - t : t) * 3;
      for (let c = 0; c < 3; c++) out[to + c] = table[entry + c]!;
    };
  }
  return (values, from, out, to) => {
    const red = share(values[from]!, 0);
    const green = share(values[from + 1]!, 1);
    const blue = components === 2 ? 1 - (red + green) / 2 : share(values[from + 2]!, 2);
    out[to] = Math.round(red * 255);
    out[to + 1] = Math.round(green * 255);
    out[to + 2] = Math.round(blue * 255);
  };
}
