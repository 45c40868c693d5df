// What a UMAP would take, before anything is started.

import { sampledCount, type SampleLimits } from '../tokens/sample.ts';
import { settle, type Settled, type UmapOptions } from './options.ts';
import { planMemory, type Plan } from './plan.ts';

/** What a UMAP would take. */
export interface UmapEstimate {
  /** Tokens that would be fitted; the others are placed by them. */
  readonly fitted: number;
  /** Bytes that it holds at its peak, beside the tokens given and the output. */
  readonly bytes: number;
  /** Whether one memory (4 GiB) can hold the fit. */
  readonly possible: boolean;
}

/** Which tokens are fitted. */
export const sampleLimits = ({
  maxFitTokens,
  sampleTokens,
  seed,
}: Pick<Settled, 'maxFitTokens' | 'sampleTokens' | 'seed'>): SampleLimits => ({
  most: maxFitTokens,
  sample: sampleTokens,
  seed,
});

/** As umap-learn: too few tokens use what there is. */
const neighborsFor = (rows: number, neighbors: number): number =>
  rows > neighbors ? neighbors : Math.max(Math.min(2, rows), rows - 1);

/** Lays the memory of a fit out. */
export const planFor = (rows: number, options: Settled, threads: number): Plan =>
  planMemory({
    rows,
    channels: options.channels,
    neighbors: neighborsFor(rows, options.neighbors),
    components: options.components,
    threads,
  });

/** Says what a fit of `count` tokens would take, before anything is started. */
export function estimateUmap({ count, ...options }: UmapOptions & { readonly count: number }): UmapEstimate {
  const settled = settle(options);
  const fitted = sampledCount(count, sampleLimits(settled));
  const threads = settled.threads ?? 2;
  const { end, stride, candidates } = planFor(fitted, settled, threads);
  const block = 1024 * stride * 12 + 1024 * 1024 * 4;
  return { fitted, bytes: end + threads * (block + fitted * candidates * 8), possible: end <= 2 ** 32 };
}
