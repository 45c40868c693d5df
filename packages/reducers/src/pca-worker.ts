// The thread in which covariances are summed up and solved.

import type { InferenceSession } from 'onnxruntime-node';
import { addMean, addRows, noMoments, type Moments } from './moments.ts';
import { runSliced } from './pace.ts';
import { principalComponents, type Precision, type Principal } from './principal.ts';
import { bandStarts, scatterGraph } from './scatter-graph.ts';
import { serve } from './worker-server.ts';

type Runtime = typeof import('onnxruntime-node');
type Multiplier = (moments: Moments, block: Float32Array) => Promise<void>;

export interface StartRequest {
  readonly channels: number;
  readonly components: number;
  /** `onnx` fails where ONNX Runtime is not installed, `auto` goes on without. */
  readonly engine: 'auto' | 'onnx' | 'ml-pca';
}

const multipliers = new Map<number, Multiplier>();
let moments: Moments;
let components = 0;
let precision: Precision = 'float64';
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
  const made: Multiplier = async (into, block) => {
    const rows = block.length / channels;
    const out = await session.run({ x: new runtime.Tensor('float32', block, [rows, channels]) });
    const at = (name: string): Float32Array => out[`${name}:out`]!.data as Float32Array;
    addProducts(into, rows, at('mean'), at('sum'), starts.slice(0, -1).map((first, band) => ({ first, values: at(`band${band}`) })));
    for (const value of Object.values(out)) value.dispose();
  };
  multipliers.clear();
  multipliers.set(channels, made);
  return made;
}

interface Band {
  readonly first: number;
  readonly values: Float32Array;
}

/** Adds products about `centre` (a float32 mean); `sums` are of the centred block and say how far off that mean is. */
function addProducts(into: Moments, rows: number, centre: Float32Array, sums: Float32Array, bands: readonly Band[]): void {
  const { channels, scatter } = into;
  const { weight, shift } = addMean(into, rows, Float64Array.from(centre, (value, j) => value + sums[j]! / rows));
  for (const { first, values } of bands) {
    const width = channels - first;
    for (let i = first, from = 0; from < values.length; i++, from += width) {
      const off = sums[i]! / rows;
      const scaled = weight * shift[i]!;
      const to = i * channels + first;
      // Left of the diagonal the band holds what its mirror image holds already.
      for (let j = i - first; j < width; j++) scatter[to + j]! += values[from + j]! - off * sums[first + j]! + scaled * shift[first + j]!;
    }
  }
}

/** ml-pca on all tokens; total variance from our own moments, since NIPALS tells shares of what it was asked for only. */
async function solveByMlPca(rows: number[][]): Promise<Principal> {
  const { PCA } = await import('ml-pca');
  const { channels, count, scatter, mean } = moments;
  let totalVariance = 0;
  for (let i = 0; i < channels; i++) totalVariance += count > 1 ? scatter[i * channels + i]! / (count - 1) : 0;
  const solved = new PCA(rows, channels > 256 ? { method: 'NIPALS', nCompNIPALS: components } : { method: 'covarianceMatrix' });
  // NIPALS answers rows, the others columns.
  const vectors = solved.getLoadings().to2DArray();
  const answer = new Float64Array(components * channels);
  const variances = new Float64Array(components);
  const eigenvalues = solved.getEigenvalues();
  for (let k = 0; k < Math.min(components, vectors.length); k++) {
    const vector = vectors[k]!;
    const largest = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    answer.set(vector.map((value) => value * Math.sign(largest || 1)), k * channels);
    variances[k] = eigenvalues[k] ?? 0;
  }
  return { count, mean, components: answer, variances, totalVariance };
}

serve({
  async start({ channels, components: asked, engine }: StartRequest) {
    moments = noMoments(channels);
    components = asked;
    precision = 'float64';
    kept = engine === 'ml-pca' ? [] : undefined;
    try {
      multiply = kept ? undefined : await multiplierFor(channels);
    } catch (cause) {
      if (engine === 'onnx') throw new Error(`engine: onnx needs the package onnxruntime-node: ${(cause as Error).message}`, { cause });
      multiply = undefined;
    }
    return {};
  },
  async add(block: Float32Array | Float64Array, _progress, signal) {
    const { channels } = moments;
    if (kept) for (let at = 0; at < block.length; at += channels) kept.push(Array.from(block.subarray(at, at + channels)));
    if (multiply && block instanceof Float32Array) {
      precision = 'float32';
      await multiply(moments, block);
    } else await runSliced(addRows(moments, block), signal);
    return { result: block, transfer: [block.buffer] };
  },
  async solve(_none: undefined, _progress, signal) {
    const result = kept ? await solveByMlPca(kept) : await runSliced(principalComponents(moments, components, precision), signal);
    moments = noMoments(0);
    kept = undefined;
    return { result };
  },
});
