// Judges reductions of a file of tokens: what `deepearth compare` does (Node only).

import { InputError } from '@deepearth/core/errors';
import { compareReduction, type Comparison } from './compare.ts';
import type { Progress } from '../models/model.ts';
import { stratifiedSample } from './stratified-sample.ts';
import { openTokens, type TokenSource } from '../tokens/token-source-node.ts';

export interface CompareRequest {
  /** Files of reductions of the same tokens: .npy, .safetensors or .pt. */
  readonly reductions: readonly string[];
  readonly tokens: string;
  /** Which tensor of the token file, where it is not clear. */
  readonly tensor?: string | undefined;
  readonly metric?: 'cosine' | 'euclidean' | 'correlation' | 'manhattan' | undefined;
  /** 15 by default. */
  readonly neighbors?: number | undefined;
  /** At most this many tokens are compared; 4,000 by default. */
  readonly sample?: number | undefined;
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

export interface ComparedFile extends Comparison {
  readonly path: string;
  readonly components: number;
}

/**
 * Compares each reduction with the tokens, on the same sample of them. Throws an `InputError` when rows do not match.
 */
export async function compareFiles(request: CompareRequest): Promise<ComparedFile[]> {
  const { neighbors = 15, sample = 4000, seed = 0, metric = 'cosine', signal, progress } = request;
  const source = await openTokens(request.tokens, request);
  try {
    const rows = stratifiedSample([source.count], sample, seed)[0]!;
    const tokens = await source.rows(rows, signal);
    const compared: ComparedFile[] = [];
    for (const [index, path] of request.reductions.entries()) {
      const { values, components } = await readReduction(path, source, rows, signal);
      const report: Progress | undefined =
        progress &&
        ((_step, done, total) =>
          progress('compare', index * (total ?? 0) + done, total === null ? null : total * request.reductions.length));
      const options = {
        channels: source.channels,
        components,
        metric,
        neighbors,
        sample: rows.length,
        seed,
        signal,
        progress: report,
      };
      compared.push({ path, components, ...(await compareReduction(tokens, values, options)) });
    }
    return compared;
  } finally {
    await source.close();
  }
}

/** The reduction of the chosen valid tokens; where some tokens are not valid, it holds rows of NaN for them. */
async function readReduction(
  path: string,
  source: TokenSource,
  rows: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<{ values: Float32Array; components: number }> {
  const { readTensorFile } = await import('@deepearth/formats/tensor-file-node');
  const { toFloat32 } = await import('@deepearth/core/half');
  const file = await readTensorFile(path, signal);
  try {
    const all = toFloat32(
      await file
        .tensor(file.tensors.size > 1 && file.tensors.has('projection') ? 'projection' : undefined)
        .read(signal),
      path,
    );
    const components = all.shape.at(-1)!;
    const count = all.data.length / components;
    const tokens = source.valid?.length ?? source.count;
    if (count !== tokens)
      throw new InputError(
        path,
        `has ${count} rows of ${components} numbers, and ${source.path} has ${tokens} tokens.`,
      );
    const places = source.valid ? [...source.valid.keys()].filter((token) => source.valid![token]) : undefined;
    const values = new Float32Array(rows.length * components);
    rows.forEach((row, to) => {
      const from = (places?.[row] ?? row) * components;
      values.set(all.data.subarray(from, from + components), to * components);
    });
    return { values, components };
  } finally {
    await file.close();
  }
}
