// What can be taken away as an area: the tokens of a step that belong together by what is shown.

import { categoryColor } from '@deepearth/vision/colormaps';
import { groupsOf } from '../bundle/layer-colors.ts';
import { scores } from '../bundle/vectors.ts';
import type { Explorer } from '../state/explorer.ts';
import { labelsOfTokens } from '../state/labels.ts';

/** The areas of one step of a clip. */
export interface Areas {
  readonly clip: number;
  readonly step: number;
  /** `[height, width]`: the area of each cell, -1 where it belongs to none. */
  readonly of: Int16Array;
  readonly names: readonly string[];
  readonly colors: readonly (readonly [red: number, green: number, blue: number])[];
  /** For file names. */
  readonly kind: 'clusters' | 'labels' | 'similarity';
}

/** Areas of what is shown; `undefined` where that is no kind of area, or is not known yet. `least` is a similarity. */
export async function areasOf(explorer: Explorer, least: number): Promise<Areas | undefined> {
  const { bundle, clip, step, layer, stored, clusters, clusterNames, onlyCluster, labels, labelModel, query } =
    explorer;
  const [which, when, kind] = [clip.value, step.value, layer.value];
  if (which === undefined) return undefined;
  const { code } = bundle;
  const [, height, width] = bundle.clips[which]!.grid;
  const own = <T extends Int16Array | Float32Array>(all: T): T =>
    all.slice(when * height * width, (when + 1) * height * width) as T;
  const color = (i: number) => categoryColor(i) as unknown as readonly [number, number, number];
  if (kind === 'clusters' && clusters.value) {
    const [made, only] = [clusters.value, onlyCluster.value];
    const all = own(groupsOf(code, await stored.tokens(which), made.centers));
    const names = made.centers.map((_, i) => clusterNames.value[i] || `group ${i + 1}`);
    return {
      clip: which,
      step: when,
      of: only === undefined ? all : all.map((group) => (group === only ? 0 : -1)),
      names: only === undefined ? names : [names[only]!],
      colors: only === undefined ? names.map((_, i) => color(i)) : [color(only)],
      kind,
    };
  }
  if (kind === 'labels' && labelModel.value) {
    const { names } = labels.value;
    const of = own(labelsOfTokens(code, await stored.tokens(which), labelModel.value));
    return { clip: which, step: when, of, names, colors: names.map((_, i) => color(i)), kind };
  }
  if (kind === 'similarity' && query.value) {
    const found = own(scores(code, await stored.tokens(which), query.value));
    return {
      clip: which,
      step: when,
      of: Int16Array.from(found, (score) => (score >= least ? 0 : -1)),
      names: [`similarity of ${least.toFixed(2)} or more`],
      colors: [[57, 197, 187]],
      kind,
    };
  }
  return undefined;
}
