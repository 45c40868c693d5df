// What a reducer finds out, for the manifest: colour limits, explained variance, sizes of clusters.

import type { StageContext } from '@deepearth/core/stage';
import type { Limits } from '../models/model.ts';
import type { Fitted } from './reduction.ts';

/** Watches what a model makes of tokens, and puts down what is worth knowing of a run. */
export interface Findings {
  /** Sees the components of one grid's valid tokens. */
  see(values: Float32Array, model: Fitted): void;
  /** Once all were seen. */
  record(model: Fitted, limits: Limits): void;
}

export function findingsOf({ recordFinding }: Pick<StageContext, 'recordFinding'>): Findings {
  let tokens = 0;
  const sizes: number[] = [];
  return {
    see(values, { meaning, components, limits }) {
      tokens += values.length / components;
      if (meaning !== 'label' || !limits) return;
      while (sizes.length <= limits[0]![1]) sizes.push(0);
      for (const label of values) sizes[label]!++;
    },
    record({ findings = {}, meaning }, limits) {
      recordFinding('tokens', tokens);
      for (const [name, value] of Object.entries(findings)) recordFinding(name, value);
      if (meaning === 'label') recordFinding('clusterSizes', sizes);
      else
        recordFinding(
          'limits',
          limits.map((pair) => [...pair]),
        );
    },
  };
}
