// A sample of all tokens as points, how they are turned and what each may be coloured by.

import { layerBytes } from '@deepearth/sinks/explorer/bundle-index';
import { categoryColor, colorMap } from '@deepearth/vision/colormaps';
import { componentColors, groupColors, groupsOf } from '../bundle/layer-colors.ts';
import { componentPoints, type Outline } from '../bundle/plane.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { isMasked } from '../bundle/vectors.ts';
import type { Sample } from '../search/search-pool.ts';
import type { ClipTokens } from './clip-tokens.ts';
import type { Clusters } from './clusters.ts';

/** How points are coloured. */
export const scatterColors = ['colours', 'clusters', 'time', 'sequence', 'place'] as const;
export type ScatterColor = (typeof scatterColors)[number];

/** What the axes are: principal components, or a layer of the run with coordinates (UMAP). */
export type ScatterAxes = 'components' | number;

/** A line around points, and where the tokens of a clip lie beside it: `[tokens, 2]`. */
export interface Lasso {
  readonly outline: Outline;
  points(clip: number): Promise<Float32Array>;
}

/** Along each axis, what becomes -1 and 1. */
export type Bounds = readonly (readonly [low: number, high: number])[];

/** Points of space. */
export interface Scatter extends Sample {
  /** How many were asked for. */
  readonly count: number;
  readonly axes: ScatterAxes;
  /** `[points, 3]`, between -1 and 1 but for those that lie farthest out; NaN without data. */
  readonly points: Float32Array;
  readonly bounds: Bounds;
}

/** How space is looked at: two axes as they are, or three, turned. */
export type View =
  { readonly dimensions: 2 } | { readonly dimensions: 3; readonly yaw: number; readonly pitch: number };

/** Layers of the run that may be axes. */
export const axesLayers = ({ layers }: Pick<Bundle, 'layers'>): { readonly layer: number; readonly name: string }[] =>
  layers.flatMap(({ name, meaning, limits }, layer) =>
    meaning === 'coordinates' && limits.length >= 2 ? [{ layer, name }] : [],
  );

/** How many axes there are. */
export const dimensionsOf = ({ layers }: Pick<Bundle, 'layers'>, axes: ScatterAxes): 2 | 3 =>
  axes === 'components' || layers[axes]!.limits.length >= 3 ? 3 : 2;

/** The points of a sample; a layer is loaded for all its clips. */
export async function scatterOf(
  bundle: Bundle,
  stored: ClipTokens,
  sample: Sample & { readonly count: number },
  axes: ScatterAxes,
): Promise<Scatter> {
  const raw =
    axes === 'components'
      ? componentPoints(bundle.code, sample.tokens)
      : await layerPoints(bundle, stored, sample, axes);
  const bounds = [0, 1, 2].map((axis) => boundsAlong(raw, axis));
  return { ...sample, axes, points: scaled(raw, bounds), bounds };
}

/** Points of all tokens of a clip in the space of a scatter, `[tokens, 3]`. */
export async function pointsOfClip(
  bundle: Bundle,
  stored: ClipTokens,
  clip: number,
  { axes, bounds }: Pick<Scatter, 'axes' | 'bounds'>,
): Promise<Float32Array> {
  const tokens = await stored.tokens(clip);
  if (axes === 'components') return scaled(componentPoints(bundle.code, tokens), bounds);
  const bytes = await stored.layer(axes, clip);
  const out = new Float32Array((tokens.length / bundle.code.bytes) * 3).fill(NaN);
  if (!bytes) return out;
  for (let token = 0; token < out.length / 3; token++)
    if (!isMasked(bundle.code, tokens, token)) placeOfBytes(bundle, axes, bytes, token, out, token);
  return scaled(out, bounds);
}

async function layerPoints(bundle: Bundle, stored: ClipTokens, sample: Sample, layer: number): Promise<Float32Array> {
  const { code, clips, stepsBefore } = bundle;
  const out = new Float32Array(sample.steps.length * 3).fill(NaN);
  /** Rows of the sample by clip, so that each clip is read once. */
  const rows = new Map<number, number[]>();
  const clipOfStep = new Uint32Array(bundle.steps);
  clips.forEach(({ grid }, clip) => clipOfStep.fill(clip, stepsBefore[clip]!, stepsBefore[clip]! + grid[0]));
  sample.steps.forEach((step, row) => {
    const clip = clipOfStep[step]!;
    const own = rows.get(clip);
    if (own) own.push(row);
    else rows.set(clip, [row]);
  });
  for (const [clip, own] of rows) {
    const bytes = await stored.layer(layer, clip);
    if (!bytes) continue;
    const [, height, width] = clips[clip]!.grid;
    for (const row of own) {
      const token = (sample.steps[row]! - stepsBefore[clip]!) * height * width + sample.cells[row]!;
      if (!isMasked(code, sample.tokens, row)) placeOfBytes(bundle, layer, bytes, token, out, row);
    }
  }
  return out;
}

/** A layer has 256 places along each axis. */
function placeOfBytes(
  { layers }: Bundle,
  layer: number,
  bytes: Uint8Array,
  token: number,
  out: Float32Array,
  row: number,
): void {
  const { limits, meaning } = layers[layer]!;
  const size = layerBytes[meaning];
  for (let axis = 0; axis < 3; axis++) {
    const [low, high] = limits[axis] ?? [0, 0];
    out[row * 3 + axis] = low + (bytes[token * size + axis]! / 255) * (high - low);
  }
}

/** Without the two thousandths that lie farthest out on each side. */
function boundsAlong(points: Float32Array, axis: number): readonly [number, number] {
  const count = points.length / 3;
  // A hundred thousand say it well enough.
  const stride = Math.max(1, Math.floor(count / 100_000));
  const values = Float32Array.from({ length: Math.ceil(count / stride) }, (_, i) => points[i * stride * 3 + axis]!)
    .filter((value) => !Number.isNaN(value))
    .sort();
  const at = (share: number): number => values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0;
  const margin = (at(0.998) - at(0.002)) * 0.06 || 1;
  return [at(0.002) - margin, at(0.998) + margin];
}

function scaled(points: Float32Array, bounds: Bounds): Float32Array {
  const out = new Float32Array(points.length);
  for (let i = 0; i < points.length; i++) {
    const [low, high] = bounds[i % 3]!;
    out[i] = ((points[i]! - low) / (high - low)) * 2 - 1;
  }
  return out;
}

/** A turned cube takes more room than one of its sides. */
const roomInSpace = 0.62;

/** Rows of the matrix from space to the plane, `[2, 3]`. */
export function matrixOf(view: View): readonly number[] {
  if (view.dimensions === 2) return [1, 0, 0, 0, 1, 0];
  const [cy, sy, cp, sp] = [Math.cos(view.yaw), Math.sin(view.yaw), Math.cos(view.pitch), Math.sin(view.pitch)];
  return [cy, 0, sy, sy * sp, cp, -cy * sp].map((value) => value * roomInSpace);
}

/**
 * Every so many points of space, `[points, 3]`, as one sees them: `[points / every, 2]`, within -1 to 1 where they are
 * within a view's room.
 */
export function seen(points: Float32Array, view: View, every = 1): Float32Array {
  const [xx, xy, xz, yx, yy, yz] = matrixOf(view) as [number, number, number, number, number, number];
  const out = new Float32Array(Math.ceil(points.length / 3 / every) * 2);
  for (let from = 0, to = 0; from < points.length; from += 3 * every, to += 2) {
    const [x, y, z] = [points[from]!, points[from + 1]!, points[from + 2]!];
    out[to] = x * xx + y * xy + z * xz;
    out[to + 1] = x * yx + y * yy + z * yz;
  }
  return out;
}

/** RGBA of each point, `[points, 4]`. */
export function pointColors(
  bundle: Bundle,
  { tokens, steps }: Sample,
  color: ScatterColor,
  clusters: Clusters | undefined,
): Uint8ClampedArray {
  if (color === 'clusters' && clusters) return groupColors(groupsOf(bundle.code, tokens, clusters.centers));
  if (color === 'colours' || color === 'clusters') return componentColors(bundle.code, tokens);
  const out = new Uint8ClampedArray(steps.length * 4);
  const numbers = color === 'place' ? byStep(bundle, 'place') : byStep(bundle, 'sequence');
  const map = colorMap('viridis');
  steps.forEach((step, point) => {
    const entry = Math.round((255 * step) / Math.max(1, bundle.steps - 1)) * 3;
    out.set(color === 'time' ? map.subarray(entry, entry + 3) : categoryColor(numbers[step]!), point * 4);
    out[point * 4 + 3] = 255;
  });
  return out;
}

/** The sequence or the place of each step over all clips; a clip without a place counts as one behind the last. */
function byStep({ clips, stepsBefore, steps, places }: Bundle, what: 'sequence' | 'place'): Uint32Array {
  const out = new Uint32Array(steps);
  clips.forEach((clip, index) =>
    out.fill(clip[what] ?? places?.all.length ?? 0, stepsBefore[index]!, stepsBefore[index]! + clip.grid[0]),
  );
  return out;
}
