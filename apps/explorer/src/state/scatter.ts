// A sample of all tokens as points, and what each may be coloured by.

import { categoryColor, colorMap } from '@deepearth/vision/colormaps';
import { componentColors, groupColors, groupsOf } from '../bundle/layer-colors.ts';
import { planePoints } from '../bundle/plane.ts';
import type { Bundle } from '../bundle/bundle.ts';
import type { Sample } from '../search/search-pool.ts';
import type { Clusters } from './explorer.ts';

/** How points are coloured. */
export const scatterColors = ['colours', 'clusters', 'time', 'sequence'] as const;
export type ScatterColor = (typeof scatterColors)[number];

/** Points of a plane. */
export interface Scatter extends Sample {
  /** `[points, 2]`. */
  readonly points: Float32Array;
  /** Of the points, without the two hundredths that lie farthest out on each side. */
  readonly bounds: { readonly x: readonly [number, number]; readonly y: readonly [number, number] };
}

export function scatterOf(bundle: Bundle, sample: Sample): Scatter {
  const points = planePoints(bundle.code, sample.tokens);
  const along = (axis: number): [number, number] => {
    const values = points.filter((value, i) => i % 2 === axis && !Number.isNaN(value)).sort();
    const at = (share: number): number => values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0;
    const margin = (at(0.998) - at(0.002)) * 0.06 || 1;
    return [at(0.002) - margin, at(0.998) + margin];
  };
  return { ...sample, points, bounds: { x: along(0), y: along(1) } };
}

/** RGBA of each point, `[points, 4]`. */
export function pointColors(
  bundle: Bundle,
  { tokens, steps }: Scatter,
  color: ScatterColor,
  clusters: Clusters | undefined,
): Uint8ClampedArray {
  if (color === 'clusters' && clusters) return groupColors(groupsOf(bundle.code, tokens, clusters.centers));
  if (color === 'colours' || color === 'clusters') return componentColors(bundle.code, tokens);
  const out = new Uint8ClampedArray(steps.length * 4);
  const sequences = sequenceOfSteps(bundle);
  const map = colorMap('viridis');
  steps.forEach((step, point) => {
    const entry = Math.round((255 * step) / Math.max(1, bundle.steps - 1)) * 3;
    out.set(color === 'time' ? map.subarray(entry, entry + 3) : categoryColor(sequences[step]!), point * 4);
    out[point * 4 + 3] = 255;
  });
  return out;
}

/** The sequence of each step over all clips. */
function sequenceOfSteps({ clips, stepsBefore, steps }: Bundle): Uint32Array {
  const out = new Uint32Array(steps);
  clips.forEach(({ sequence, grid }, clip) => out.fill(sequence, stepsBefore[clip]!, stepsBefore[clip]! + grid[0]));
  return out;
}
