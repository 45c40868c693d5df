// Groups vectors by k-means over cosine.

import { kmeans } from '@deepearth/reducers/kmeans';
import type { Clusters } from './clusters.ts';

interface Asked {
  /** `[rows, components]`. */
  readonly rows: Float32Array;
  readonly components: number;
  readonly count: number;
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Asked>) => void;
  postMessage(reply: Clusters | { readonly error: string }): void;
};

scope.onmessage = ({ data: { rows, components, count } }) => {
  group(rows, components, count).then(
    (made) => scope.postMessage(made),
    (error: unknown) => scope.postMessage({ error: String(error) }),
  );
};

async function group(rows: Float32Array, components: number, clusters: number): Promise<Clusters> {
  const { centers } = await kmeans(rows, { channels: components, clusters });
  const all = Array.from({ length: clusters }, (_, group) => {
    const center = Float32Array.from(centers.subarray(group * components, (group + 1) * components));
    const length = Math.hypot(...center);
    return length > 0 ? center.map((value) => value / length) : center;
  });
  const counts = new Float64Array(clusters);
  for (let from = 0; from < rows.length; from += components) {
    let [best, found] = [-Infinity, 0];
    all.forEach((center, group) => {
      let sum = 0;
      for (let i = 0; i < components; i++) sum += center[i]! * rows[from + i]!;
      if (sum > best) [best, found] = [sum, group];
    });
    counts[found]!++;
  }
  return { centers: all, shares: [...counts].map((count) => count / (rows.length / components)) };
}
