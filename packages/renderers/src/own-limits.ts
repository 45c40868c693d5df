// Scales the colours of a clip by its own numbers instead of those of the run.

import type { Projection } from '@deepearth/core';
import { z } from 'zod';

/** The option `scale` of renderers that draw clip by clip. */
export const scaleField = z
  .enum(['run', 'clip'])
  .optional()
  .describe(
    'Which numbers become the darkest and the brightest of a colour: those of the whole run, or of each clip by itself (percentiles 1 and 99 of its tokens), which brings out faint clips and makes colours jump from one clip to the next. Groups, and colours of `lightness: even`, stay as they are. Default: `run`.',
  );

/** What `scale` says. */
export type ScaleChoice = NonNullable<z.output<typeof scaleField>>;

const percentiles = [0.01, 0.99] as const;

/** The value at a share of the way through sorted numbers, between two of them where it falls there. */
function at(sorted: Float32Array, share: number): number {
  const place = share * (sorted.length - 1);
  const before = Math.floor(place);
  const [low, high] = [sorted[before]!, sorted[Math.min(sorted.length - 1, before + 1)]!];
  return low + (high - low) * (place - before);
}

/**
 * The projection with the limits of its own numbers: percentiles 1 and 99 of each component over its tokens that saw
 * data; a component without any keeps those of the run. Groups and finished colours are returned as they are.
 */
export function withOwnLimits(projection: Projection): Projection {
  const { values, valid, limits, meaning, componentNames } = projection;
  if (meaning === 'label' || componentNames) return projection;
  const components = values.shape.at(-1)!;
  const own = limits.map((limit, c) => {
    const known = Float32Array.from(
      Array.from({ length: values.data.length / components }, (_, token) =>
        valid?.[token] === 0 ? NaN : values.data[token * components + c]!,
      ).filter((value) => !Number.isNaN(value)),
    ).sort();
    return known.length ? ([at(known, percentiles[0]), at(known, percentiles[1])] as const) : limit;
  });
  return { ...projection, limits: own };
}
