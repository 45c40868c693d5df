// Runs umap-js, which blocks its thread, in a worker of its own.

import { UMAP } from 'umap-js';
import { seededRandom } from '../shared/seeded.ts';
import { serve } from '@deepearth/core/worker-server';
import type { UmapJsOptions } from './umap-js.ts';

type Vector = readonly number[];
type Distance = (a: Vector, b: Vector) => number;

const distances: Record<UmapJsOptions['metric'], Distance> = {
  euclidean: (a, b) => Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0)),
  manhattan: (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0),
  cosine,
  correlation: (a, b) => cosine(centred(a), centred(b)),
};

function cosine(a: Vector, b: Vector): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  if (aa === 0 && bb === 0) return 0;
  return aa === 0 || bb === 0 ? 1 : Math.max(0, 1 - ab / Math.sqrt(aa * bb));
}

function centred(a: Vector): Vector {
  const mean = a.reduce((sum, value) => sum + value, 0) / a.length;
  return a.map((value) => value - mean);
}

const vectors = (rows: Float32Array, channels: number): number[][] =>
  Array.from({ length: rows.length / channels }, (_, row) =>
    Array.from(rows.subarray(row * channels, (row + 1) * channels)),
  );

/**
 * What the last fit left: umap-js's own transform does not come to an end for some inputs (1.4.0), so new tokens are
 * placed here.
 */
let fitted: { tokens: number[][]; embedding: number[][]; options: UmapJsOptions } | undefined;

serve({
  fit({ tokens, options }: { tokens: Float32Array; options: UmapJsOptions }, progress) {
    const rows = vectors(tokens, options.channels);
    const umap = new UMAP({
      nComponents: options.components,
      nNeighbors: Math.min(options.neighbors, rows.length - 1),
      minDist: options.minDist,
      spread: options.spread,
      ...(options.epochs === undefined ? {} : { nEpochs: options.epochs }),
      localConnectivity: options.localConnectivity,
      negativeSampleRate: options.negativeSampleRate,
      repulsionStrength: options.repulsionStrength,
      setOpMixRatio: options.setOpMixRatio,
      distanceFn: distances[options.metric],
      random: seededRandom(options.seed),
    });
    progress('neighbours', 0, null);
    const epochs = umap.initializeFit(rows);
    for (let epoch = 0; epoch < epochs; epoch++) {
      umap.step();
      if (epoch % 10 === 9) progress('layout', epoch + 1, epochs);
    }
    fitted = { tokens: rows, embedding: umap.getEmbedding(), options };
    const result = Float32Array.from(fitted.embedding.flat());
    return { result, transfer: [result.buffer] };
  },
  transform({ rows }: { rows: Float32Array }) {
    const { channels, components } = fitted!.options;
    const result = new Float32Array((rows.length / channels) * components);
    vectors(rows, channels).forEach((row, i) => result.set(place(row, fitted!), i * components));
    return { result, transfer: [result.buffer] };
  },
});

/** The mean of the nearest fitted tokens, nearer ones counting more. */
function place(row: Vector, { tokens, embedding, options }: NonNullable<typeof fitted>): number[] {
  const distance = distances[options.metric];
  const nearest = tokens.map((other, index) => ({ index, distance: distance(row, other) }));
  nearest.sort((a, b) => a.distance - b.distance || a.index - b.index);
  const few = nearest.slice(0, Math.min(options.neighbors, tokens.length));
  const least = few[0]!.distance;
  const scale = few.reduce((sum, one) => sum + one.distance - least, 0) / few.length || 1;
  const weights = few.map((one) => Math.exp(-(one.distance - least) / scale));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: options.components }, (_, k) =>
    few.reduce((sum, one, i) => sum + (weights[i]! / total) * embedding[one.index]![k]!, 0),
  );
}
