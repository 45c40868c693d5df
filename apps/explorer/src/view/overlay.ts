// The colours over the frames of the clip that is shown, made anew when anything they depend on changes.

import { effect, signal, type ReadonlySignal } from '@preact/signals';
import {
  change,
  componentColors,
  groupColors,
  groupsOf,
  numberColors,
  storedColors,
  type Colors,
} from '../bundle/layer-colors.ts';
import { isWithin } from '../bundle/plane.ts';
import { isMasked, scores, sumOf, unit } from '../bundle/vectors.ts';
import type { Explorer } from '../state/explorer.ts';
import { labelColors } from '../state/labels.ts';

/** Colours of all tokens of a clip. */
export interface Overlay {
  readonly clip: number;
  /** RGBA, `[tokens, 4]`. */
  readonly colors: Colors;
  /** What the colours of one number stand for. */
  readonly limits?: readonly [low: number, high: number];
  /** The number of each token, where it has one. */
  readonly numbers?: Float32Array;
}

/** What is looked for while nothing was picked: the token under the pointer. */
async function hovered({ cell, clip, step, stored, bundle }: Explorer): Promise<Float32Array | undefined> {
  if (!cell.value || clip.value === undefined) return undefined;
  const [, height, width] = bundle.clips[clip.value]!.grid;
  const token = (step.value * height + cell.value.row) * width + cell.value.column;
  return unit(sumOf(bundle.code, await stored.tokens(clip.value), [token]));
}

/** The colours of a clip. What lies outside of the line in the scatter is faint. */
export async function overlayOf(explorer: Explorer, clip = explorer.clip.value): Promise<Overlay | undefined> {
  const lasso = explorer.lasso.value;
  const overlay = await layerOf(explorer, clip);
  if (!lasso || !overlay) return overlay;
  const points = await lasso.points(overlay.clip);
  const colors = overlay.colors.slice();
  for (let token = 0; token < colors.length / 4; token++)
    if (!isWithin(lasso.outline, points[token * 2]!, points[token * 2 + 1]!)) colors[token * 4 + 3]! *= 0.1;
  return { ...overlay, colors };
}

async function layerOf(explorer: Explorer, clip: number | undefined): Promise<Overlay | undefined> {
  const { layer, stored, bundle, query, found, colorMap, clusters, onlyCluster, picks, labelModel } = explorer;
  if (clip === undefined || layer.value === 'none') return undefined;
  const [map, kind, only] = [colorMap.value, layer.value, onlyCluster.value];
  const { code } = bundle;
  if (typeof kind === 'number') {
    const meaning = bundle.layers[kind]!;
    const [bytes, tokens] = await Promise.all([stored.layer(kind, clip), stored.tokens(clip)]);
    if (!bytes) return undefined;
    return { clip, colors: storedColors(meaning, bytes, map, (token) => isMasked(code, tokens, token)) };
  }
  if (kind === 'clusters') {
    const made = clusters.value;
    if (!made) return undefined;
    const groups = groupsOf(code, await stored.tokens(clip), made.centers);
    return { clip, colors: groupColors(groups, (group) => only === undefined || group === only) };
  }
  if (kind === 'labels') {
    const model = labelModel.value;
    return model && { clip, colors: labelColors(code, await stored.tokens(clip), model) };
  }
  if (kind === 'similarity') {
    const overall = found.value?.overall;
    const vector = picks.value.length > 0 ? query.value : await hovered(explorer);
    if (!vector) return undefined;
    const numbers = scores(code, await stored.tokens(clip), vector);
    const own = numbers.filter((number) => !Number.isNaN(number));
    const mean = own.reduce((sum, number) => sum + number / own.length, 0);
    const limits = [
      picks.value.length > 0 && overall ? overall.mean : mean,
      picks.value.length > 0 && overall ? overall.best : Math.max(...own),
    ] as const;
    return { clip, colors: numberColors(numbers, limits, map, true), limits, numbers };
  }
  const tokens = await stored.tokens(clip);
  if (kind === 'colors') return { clip, colors: componentColors(code, tokens) };
  const numbers = change(code, tokens, bundle.clips[clip]!.grid);
  const limits = [0, numbers.reduce((most, number) => (number > most ? number : most), 0)] as const;
  return { clip, colors: numberColors(numbers, limits, map, true), limits, numbers };
}

/** Reads all signals that the colours of any clip depend on, since what is read after a pause is not followed. */
export function readLayer(explorer: Explorer): void {
  const { layer, picks, cell, step, query, found, colorMap, clusters, onlyCluster, lasso, labelModel, message } =
    explorer;
  void [query.value, found.value, colorMap.value, clusters.value, onlyCluster.value, lasso.value, labelModel.value];
  if (layer.value === 'similarity' && picks.value.length === 0) void [cell.value, step.value];
  if (layer.value === 'clusters' && explorer.loaded.value)
    void explorer.group().catch((error: unknown) => (message.value = String(error)));
  void explorer.clusterCount.value;
}

/** Follows the explorer; what comes late is let go. */
export function followOverlay(explorer: Explorer): ReadonlySignal<Overlay | undefined> {
  const overlay = signal<Overlay | undefined>(undefined);
  let latest = 0;
  effect(() => {
    const mine = ++latest;
    readLayer(explorer);
    void explorer.clip.value;
    overlayOf(explorer).then(
      (made) => {
        if (mine === latest) overlay.value = made;
      },
      (error: unknown) => (explorer.message.value = String(error)),
    );
  });
  return overlay;
}
