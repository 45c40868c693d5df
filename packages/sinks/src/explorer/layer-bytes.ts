// The numbers of a projection as the bytes of a layer.

import { InputError, type Projection } from '@deepearth/core';
import { layerBytes, type BundleLayer } from './bundle-index.ts';

/** What a layer of projections like this one means to the page. */
export const layerMeaning = ({ meaning, values }: Pick<Projection, 'meaning' | 'values'>): BundleLayer['meaning'] =>
  meaning === 'coordinates' && (values.shape.at(-1) ?? 0) > 1
    ? 'coordinates'
    : meaning === 'label'
      ? 'label'
      : 'scalar';

/**
 * `[tokens, layerBytes]`: coordinates as red, green, blue (two are red and green over a blue that falls with both), a
 * scalar between its limits, a label with its low byte first.
 */
export function bytesOfLayer({ values: { data, shape }, limits, meaning, values, id }: Projection): Uint8Array {
  const components = shape.at(-1) ?? 0;
  if (limits.length < Math.min(components, 3))
    throw new InputError(id, `has ${components} components and limits for ${limits.length}.`, {
      code: 'E_LIMITS',
      remedy: 'A reducer gives a low and a high value for each component.',
    });
  const kind = layerMeaning({ meaning, values });
  const width = layerBytes[kind];
  const count = components === 0 ? 0 : data.length / components;
  const out = new Uint8Array(count * width);
  const share = (token: number, c: number): number => {
    const [low, high] = limits[c]!;
    // All tokens equal: the middle, neither end would be right. NaN stands where a token is masked.
    return high > low ? Math.min(1, Math.max(0, (data[token * components + c]! - low) / (high - low))) || 0 : 0.5;
  };
  for (let token = 0; token < count; token++) {
    const to = token * width;
    if (kind === 'label') {
      const label = Math.min(65535, Math.max(0, Math.round(data[token * components]!) || 0));
      out[to] = label & 255;
      out[to + 1] = label >> 8;
    } else if (kind === 'scalar') out[to] = Math.round(share(token, 0) * 255);
    else {
      const [red, green] = [share(token, 0), share(token, 1)];
      const blue = components === 2 ? 1 - (red + green) / 2 : share(token, 2);
      out[to] = Math.round(red * 255);
      out[to + 1] = Math.round(green * 255);
      out[to + 2] = Math.round(blue * 255);
    }
  }
  return out;
}
