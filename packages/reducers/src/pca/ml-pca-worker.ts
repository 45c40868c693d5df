// Runs ml-pca, which blocks its thread, in a worker of its own.

import { runSliced } from '../shared/pace.ts';
import { serve } from '@deepearth/core/worker-server';
import { addProducts, blockProducts, noMoments } from './moments.ts';
import type { Rows } from './pieces.ts';
import type { Principal } from './principal.ts';

export interface MlPcaRequest {
  readonly channels: number;
  readonly components: number;
  /** All tokens, block by block. */
  readonly blocks: readonly Rows[];
}

serve({
  async solve({ channels, components, blocks }: MlPcaRequest, _progress, signal) {
    const { PCA } = await import('ml-pca');
    // The total variance is ours, since NIPALS tells shares of what it was asked for only.
    const moments = noMoments(channels);
    const rows: number[][] = [];
    for (const block of blocks) {
      await runSliced(addProducts(moments, await runSliced(blockProducts(block, channels), signal)), signal);
      for (let at = 0; at < block.length; at += channels) rows.push(Array.from(block.subarray(at, at + channels)));
    }
    const { count, scatter, mean } = moments;
    let totalVariance = 0;
    for (let i = 0; i < channels; i++) totalVariance += count > 1 ? scatter[i * channels + i]! / (count - 1) : 0;
    const solved = new PCA(
      rows,
      channels > 256 ? { method: 'NIPALS', nCompNIPALS: components } : { method: 'covarianceMatrix' },
    );
    // NIPALS returns rows, the others columns.
    const vectors = solved.getLoadings().to2DArray();
    const loadings = new Float64Array(components * channels);
    const variances = new Float64Array(components);
    const eigenvalues = solved.getEigenvalues();
    for (let k = 0; k < Math.min(components, vectors.length); k++) {
      const vector = vectors[k]!;
      const largest = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
      loadings.set(
        vector.map((value) => value * Math.sign(largest || 1)),
        k * channels,
      );
      variances[k] = eigenvalues[k] ?? 0;
    }
    return { result: { count, mean, components: loadings, variances, totalVariance } satisfies Principal };
  },
});
