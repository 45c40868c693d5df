// UMAP by the library umap-js, for comparison with our own engine.

import { builtUrl } from '@deepearth/core/built-url';
import { requireFinite } from '../tokens/finite.ts';
import { rowCount, type FittedReducer, type Progress } from '../models/model.ts';
import { startWorker } from '@deepearth/core/worker-client';
import { rowDigests } from '../tokens/row-digests.ts';
import { joinEqual, transformKnown, type Place } from './known-rows.ts';

export interface UmapJsOptions {
  readonly channels: number;
  readonly components: number;
  readonly neighbors: number;
  readonly minDist: number;
  readonly spread: number;
  readonly metric: 'cosine' | 'euclidean' | 'correlation' | 'manhattan';
  /** As umap-js chooses (500 below 2,500 tokens … 200) when absent. */
  readonly epochs?: number | undefined;
  readonly localConnectivity: number;
  readonly negativeSampleRate: number;
  readonly repulsionStrength: number;
  readonly setOpMixRatio: number;
  readonly seed: number;
  /** Digests of the tokens as they came, where they are rounded; see `rowDigests`. */
  readonly origins?: Uint32Array | undefined;
}

/**
 * Fits umap-js to `[tokens, channels]` in a worker thread; the model lives there until it is closed, and cannot be
 * saved.
 */
export async function umapJs(
  tokens: Float32Array,
  { origins, ...options }: UmapJsOptions,
  { signal, progress }: { signal?: AbortSignal | undefined; progress?: Progress | undefined } = {},
): Promise<FittedReducer> {
  const { channels, components } = options;
  const count = rowCount(tokens, channels);
  requireFinite(tokens, channels);
  const digests = rowDigests(tokens, channels);
  // Too few for a neighbourhood graph: they lie on a line, a unit apart.
  const few = count <= components + 1;
  const worker = few
    ? undefined
    : await startWorker(builtUrl('./umap-js-worker.js', import.meta.url), { signal, progress });
  try {
    const embedding = few
      ? Float32Array.from({ length: count * components }, (_, i) => (i % components === 0 ? i / components : 0))
      : await worker!.request<Float32Array>('fit', { tokens, options });
    joinEqual(digests, embedding, components);
    const known = transformKnown({ channels, components }, { digests, origins, embedding });
    const place: Place = async (rows) =>
      worker
        ? worker.request<Float32Array>('transform', { rows })
        : new Float32Array((rows.length / channels) * components);
    return {
      kind: 'umap',
      channels,
      components,
      async transform(chunk, running) {
        rowCount(chunk, channels);
        requireFinite(chunk, channels);
        return known(chunk, place, running);
      },
      state: () => {
        throw new Error('umap-js cannot save a fit: use engine: native with saveAs');
      },
      close: async () => worker?.close(),
    };
  } catch (error) {
    await worker?.close();
    throw error;
  }
}
