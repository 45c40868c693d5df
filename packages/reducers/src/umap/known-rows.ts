// Tokens that a reduction was fitted to, told by their digests: they have the coordinates that the fit gave them.

import { runSliced, type Sliced } from '../shared/pace.ts';
import { digestIndex, digestWords, rowDigests } from '../tokens/row-digests.ts';
import { spareMemory } from '../tokens/spare-memory.ts';

export interface KnownRows {
  /** Digests of the fitted rows, `[rows, 2]`, and where rows were rounded before the fit, of what they had been. */
  readonly digests: Uint32Array;
  readonly origins?: Uint32Array | undefined;
  /** `[rows, components]`. */
  readonly embedding: Float32Array;
  /** Whether a token is fitted row `index`, for who keeps rows: digests of two tokens may be equal by chance. */
  same?(token: Float32Array, index: number): boolean;
}

/** Reduces `[rows, channels]`; `name` tells which row of the caller's a row is, for errors. */
export type Place = (rows: Float32Array, name: (row: number) => number) => Promise<Float32Array>;

/** Rows whose digests are made between two breaths. */
const sliceRows = 128;

/**
 * Makes a transform of known rows and `place` for the others; what rows stand together changes no byte, as long as that
 * holds for `place`.
 */
export function transformKnown(
  { channels, components }: { readonly channels: number; readonly components: number },
  { digests, origins, embedding, same }: KnownRows,
): (chunk: Float32Array, place: Place, signal?: AbortSignal) => Promise<Float32Array> {
  let index: ReturnType<typeof digestIndex> | undefined;
  const memory = spareMemory();
  const indicesOf = function* (chunk: Float32Array): Sliced<Int32Array> {
    index ??= digestIndex(origins ? [digests, origins] : [digests]);
    const found = new Int32Array(chunk.length / channels).fill(-1);
    for (let first = 0; first < found.length; first += sliceRows) {
      const own = rowDigests(chunk.subarray(first * channels, (first + sliceRows) * channels), channels);
      for (let row = first; row < Math.min(found.length, first + sliceRows); row++) {
        const at = (row - first) * digestWords;
        const known = index.find(own[at]!, own[at + 1]!);
        if (known >= 0 && (same?.(chunk.subarray(row * channels, (row + 1) * channels), known) ?? true))
          found[row] = known;
      }
      yield;
    }
    return found;
  };
  return async (chunk, place, signal) => {
    signal?.throwIfAborted();
    const known = await runSliced(indicesOf(chunk), signal);
    const others = [...known.keys()].filter((row) => known[row]! < 0);
    if (others.length === known.length) return place(chunk, (row) => row);
    const rows = new Float32Array(memory.take(others.length > 0 ? chunk.byteLength : 0), 0, others.length * channels);
    others.forEach((row, at) => rows.set(chunk.subarray(row * channels, (row + 1) * channels), at * channels));
    const placed = others.length > 0 ? await place(rows, (row) => others[row]!) : rows;
    memory.giveBack(rows);
    const out = new Float32Array(known.length * components);
    others.forEach((row, at) => out.set(placed.subarray(at * components, (at + 1) * components), row * components));
    known.forEach((fitted, row) => {
      if (fitted >= 0) out.set(embedding.subarray(fitted * components, (fitted + 1) * components), row * components);
    });
    return out;
  };
}

/**
 * Gives equal tokens the coordinates of the first of them, so that a token has one place. Changes `embedding`; returns
 * whether there were any.
 */
export function joinEqual(digests: Uint32Array, embedding: Float32Array, components: number): boolean {
  const index = digestIndex([digests]);
  let any = false;
  for (let row = 0; row < digests.length / digestWords; row++) {
    const first = index.find(digests[row * digestWords]!, digests[row * digestWords + 1]!);
    if (first === row) continue;
    any = true;
    embedding.copyWithin(row * components, first * components, (first + 1) * components);
  }
  return any;
}
