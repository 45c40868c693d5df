// Groups of tokens by k-means, in a worker of its own.

import type { BundleIndex } from '@deepearth/sinks/explorer/bundle-index';
import { isMasked, vectors, type CodedTokens } from '../bundle/vectors.ts';

/** Group centers at length 1, and what the user called each. */
export interface Clusters {
  readonly centers: readonly Float32Array[];
  /** Share of the sampled tokens in each. */
  readonly shares: readonly number[];
}

let worker: Worker | undefined;

/** The same tokens make the same groups; the one with most of them comes first. */
export async function makeClusters(code: BundleIndex['code'], tokens: CodedTokens, count: number): Promise<Clusters> {
  const all = vectors(code, tokens);
  const { components } = code;
  const kept = Array.from({ length: tokens.length / code.bytes }, (_, token) => token).filter(
    (token) => !isMasked(code, tokens, token),
  );
  const rows = new Float32Array(kept.length * components);
  kept.forEach((token, row) => rows.set(all.subarray(token * components, (token + 1) * components), row * components));
  // A grouping that is not wanted any more is not waited for.
  worker?.terminate();
  const mine = new Worker(new URL('./cluster-worker.js', import.meta.url), { type: 'module' });
  worker = mine;
  try {
    return await new Promise<Clusters>((resolve, reject) => {
      mine.onmessage = ({ data }: MessageEvent<Clusters | { readonly error: string }>) =>
        'error' in data ? reject(new Error(data.error)) : resolve(data);
      mine.onerror = ({ message }) => reject(new Error(message));
      mine.postMessage({ rows, components, count }, [rows.buffer]);
    });
  } finally {
    mine.terminate();
  }
}
