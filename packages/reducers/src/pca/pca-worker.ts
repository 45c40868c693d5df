// The thread in which covariances are summed up and solved.

import type { InferenceSession } from 'onnxruntime-node';
import { addMoments, addRows, noMoments, type BlockProducts, type Moments } from './moments.ts';
import { runSliced } from '../shared/pace.ts';
import { principalComponents, type Precision, type Principal } from './principal.ts';
import { bandStarts, scatterGraph } from './scatter-graph.ts';
import { serve } from '../shared/worker-server.ts';

type Runtime = typeof import('onnxruntime-node');
type Multiplier = (block: Float32Array) => Promise<BlockProducts>;

export interface StartRequest {
  readonly channels: number;
  readonly components: number;
  /** `onnx` fails where ONNX Runtime is not installed, `auto` goes on without. */
  readonly engine: 'auto' | 'onnx' | 'ml-pca';
}

/** What `add` returns: the block, to be filled again, and its products, where they are left to the caller to add up. */
export interface AddAnswer {
  readonly block: Float32Array | Float64Array;
  readonly products?: BlockProducts;
}

const multipliers = new Map<number, Multiplier>();
let moments: Moments;
let components = 0;
let multiply: Multiplier | undefined;
/** All tokens, for ml-pca only. */
let kept: number[][] | undefined;

async function multiplierFor(channels: number): Promise<Multiplier> {
  const known = multipliers.get(channels);
  if (known) return known;
  const loaded = (await import('onnxruntime-node')) as Runtime & { default?: Runtime };
  const runtime = loaded.default ?? loaded;
  const session: InferenceSession = await runtime.InferenceSession.create(scatterGraph(channels), {
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    // Threads that spin between two products would take the processor from those who prepare the next.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const starts = bandStarts(channels);
  const made: Multiplier = async (block) => {
    const rows = block.length / channels;
    const out = await session.run({ x: new runtime.Tensor('float32', block, [rows, channels]) });
    const at = (name: string): Float32Array<ArrayBuffer> => out[`${name}:out`]!.data as Float32Array<ArrayBuffer>;
    return {
      rows,
      centre: at('mean'),
      sums: at('sum'),
      bands: starts.slice(0, -1).map((first, band) => ({ first, values: at(`band${band}`) })),
    };
  };
  multipliers.clear();
  multipliers.set(channels, made);
  return made;
}

/**
 * ml-pca on all tokens; total variance from our own moments, since NIPALS tells shares of what it was asked for only.
 */
async function solveByMlPca(rows: number[][]): Promise<Principal> {
  const { PCA } = await import('ml-pca');
  const { channels, count, scatter, mean } = moments;
  let totalVariance = 0;
  for (let i = 0; i < channels; i++) totalVariance += count > 1 ? scatter[i * channels + i]! / (count - 1) : 0;
  const solved = new PCA(
    rows,
    channels > 256 ? { method: 'NIPALS', nCompNIPALS: components } : { method: 'covarianceMatrix' },
  );
  // NIPALS returns rows, the others columns.
  const vectors = solved.getLoadings().to2DArray();
  const answer = new Float64Array(components * channels);
  const variances = new Float64Array(components);
  const eigenvalues = solved.getEigenvalues();
  for (let k = 0; k < Math.min(components, vectors.length); k++) {
    const vector = vectors[k]!;
    const largest = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    answer.set(
      vector.map((value) => value * Math.sign(largest || 1)),
      k * channels,
    );
    variances[k] = eigenvalues[k] ?? 0;
  }
  return { count, mean, components: answer, variances, totalVariance };
}

serve({
  async start({ channels, components: asked, engine }: StartRequest) {
    moments = noMoments(channels);
    components = asked;
    kept = engine === 'ml-pca' ? [] : undefined;
    try {
      multiply = kept ? undefined : await multiplierFor(channels);
    } catch (cause) {
      if (engine === 'onnx')
        throw new Error(`engine: onnx needs the package onnxruntime-node: ${(cause as Error).message}`, { cause });
      multiply = undefined;
    }
    return {};
  },
  async add(block: Float32Array | Float64Array, _progress, signal) {
    const { channels } = moments;
    if (kept)
      for (let at = 0; at < block.length; at += channels) kept.push(Array.from(block.subarray(at, at + channels)));
    if (multiply && block instanceof Float32Array) {
      const products = await multiply(block);
      const { centre, sums, bands } = products;
      return {
        result: { block, products } satisfies AddAnswer,
        transfer: [block.buffer, centre.buffer, sums.buffer, ...bands.map(({ values }) => values.buffer)],
      };
    }
    await runSliced(addRows(moments, block), signal);
    return { result: { block } satisfies AddAnswer, transfer: [block.buffer] };
  },
  async solve(summed: Moments, _progress, signal) {
    await runSliced(addMoments(moments, summed), signal);
    const precision: Precision = summed.count > 0 ? 'float32' : 'float64';
    const result = kept
      ? await solveByMlPca(kept)
      : await runSliced(principalComponents(moments, components, precision), signal);
    moments = noMoments(0);
    kept = undefined;
    return { result };
  },
});
