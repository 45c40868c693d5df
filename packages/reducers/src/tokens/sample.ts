// A sample of the tokens of an input, chosen by their numbers alone, so that parts of it merge.

import { InputError } from '@deepearth/core/errors';
import { tensor } from '@deepearth/core/tensor';
import type { Collector, Packed, Part, StoredTokens } from '../run/reduction.ts';
import { mix } from '../shared/seeded.ts';
import { digestWords, rowDigests } from './row-digests.ts';

export interface SampleLimits {
  /** All tokens are taken while there are no more than these. */
  readonly most: number;
  /** How many are taken otherwise. */
  readonly sample: number;
  readonly seed: number;
}

/** How many of so many tokens are taken. */
export const sampledCount = (count: number, { most, sample }: SampleLimits): number =>
  count > most ? Math.min(sample, most) : count;

/**
 * The place of a token in the order in which a sample takes them, 32 bits: multiples of the golden ratio, which spread
 * evenly over any stretch of tokens (Knuth, The Art of Computer Programming, 6.4), turned by the seed. The low 32 bits
 * of a token's number decide; whoever ties goes by the number.
 */
export const samplePriority = (token: number, seed: number): number =>
  (Math.imul(token | 0, 0x9e3779b1) + mix(seed | 0)) >>> 0;

/** The sampled tokens of a part. */
export interface SampleContent {
  /** Their numbers over the whole input, ascending. */
  readonly tokens: Float64Array;
  /** Digests `[tokens, 2]` of the rows as they came, before they were stored. */
  readonly digests: Uint32Array;
  /** Their rows in order, `[rows, channels]` a chunk. */
  chunks(signal?: AbortSignal): AsyncIterable<Float32Array>;
}

/** Tokens that may still be taken, as many as there is room for before the last of them are dropped. */
class Candidates {
  readonly #limits: SampleLimits;
  count = 0;
  /** Tokens seen. */
  seen = 0;
  tokens: Float64Array;
  grids: Uint32Array;
  numbers: Uint32Array;
  digests: Uint32Array;
  #least = 2 ** 32;

  constructor(limits: SampleLimits) {
    this.#limits = limits;
    this.tokens = new Float64Array(0);
    this.grids = new Uint32Array(0);
    this.numbers = new Uint32Array(0);
    this.digests = new Uint32Array(0);
  }

  /** Sees a token; true when it may be taken. */
  wants(token: number): boolean {
    this.seen++;
    return samplePriority(token, this.#limits.seed) <= this.#least;
  }

  push(token: number, grid: number, number: number, digest: Uint32Array, row: number): void {
    if (this.count === this.tokens.length) this.#makeRoom();
    const at = this.count++;
    this.tokens[at] = token;
    this.grids[at] = grid;
    this.numbers[at] = number;
    this.digests[at * digestWords] = digest[row * digestWords]!;
    this.digests[at * digestWords + 1] = digest[row * digestWords + 1]!;
  }

  #makeRoom(): void {
    if (this.seen > this.#limits.most && this.count >= 2 * this.#limits.sample) return this.settle();
    const size = Math.max(1024, this.count * 2);
    const grown = <T extends Float64Array | Uint32Array>(former: T, made: T): T => (made.set(former), made);
    this.tokens = grown(this.tokens, new Float64Array(size));
    this.grids = grown(this.grids, new Uint32Array(size));
    this.numbers = grown(this.numbers, new Uint32Array(size));
    this.digests = grown(this.digests, new Uint32Array(size * digestWords));
  }

  /** Keeps those that are taken of the tokens seen so far. */
  settle(): void {
    const limit = sampledCount(this.seen, this.#limits);
    const kept = chosen(this.tokens.subarray(0, this.count), limit, this.#limits.seed);
    if (this.seen > this.#limits.most && kept.length > 0)
      this.#least = kept.reduce((most, at) => Math.max(most, samplePriority(this.tokens[at]!, this.#limits.seed)), 0);
    kept.forEach((from, to) => {
      this.tokens[to] = this.tokens[from]!;
      this.grids[to] = this.grids[from]!;
      this.numbers[to] = this.numbers[from]!;
      this.digests.copyWithin(to * digestWords, from * digestWords, (from + 1) * digestWords);
    });
    this.count = kept.length;
  }
}

/** Indices, ascending, of the `limit` tokens that come first by priority; of equals the first. */
function chosen(tokens: ArrayLike<number>, limit: number, seed: number): Uint32Array<ArrayBuffer> {
  if (tokens.length <= limit) return Uint32Array.from({ length: tokens.length }, (_, at) => at);
  const priorities = Uint32Array.from(tokens, (token) => samplePriority(token, seed));
  const most = priorities.slice().sort()[limit - 1]!;
  let ties = limit - priorities.reduce((count, priority) => count + (priority < most ? 1 : 0), 0);
  const out = new Uint32Array(limit);
  let taken = 0;
  for (let at = 0; at < tokens.length; at++)
    if (priorities[at]! < most || (priorities[at] === most && ties-- > 0)) out[taken++] = at;
  return out;
}

/** The numbers of the tokens that a sample of the tokens 0 to `count` takes, ascending. */
export const sampledTokens = (count: number, limits: SampleLimits): Uint32Array<ArrayBuffer> =>
  chosen(
    Float64Array.from({ length: count }, (_, token) => token),
    sampledCount(count, limits),
    limits.seed,
  );

/** Collects the sample of a range of tokens that begins with the token `from`. */
export function sampleCollector(
  { channels, from }: { readonly channels: number; readonly from: number },
  limits: SampleLimits,
): Collector<SampleContent> {
  const candidates = new Candidates(limits);
  let next = from;
  let grid = -1;
  /** Valid tokens of the grid so far. */
  let number = 0;
  return {
    async see({ rows, valid }, { index }) {
      if (index !== grid) [grid, number] = [index, 0];
      const count = rows.length / channels;
      const tokens = valid?.length ?? count;
      const wanted: { readonly row: number; readonly token: number }[] = [];
      for (let token = 0, row = 0; token < tokens; token++) {
        if (valid && !valid[token]) continue;
        if (candidates.wants(next + token)) wanted.push({ row, token: next + token });
        row++;
      }
      const whole = wanted.length === count;
      const digests = whole ? rowDigests(rows, channels) : new Uint32Array(digestWords);
      for (const [at, { row, token }] of wanted.entries()) {
        const own = whole ? digests : rowDigests(rows.subarray(row * channels, (row + 1) * channels), channels);
        candidates.push(token, grid, number + row, own, whole ? at : 0);
      }
      number += count;
      next += tokens;
    },
    async finish(stored) {
      candidates.settle();
      const { count } = candidates;
      const grids = candidates.grids.slice(0, count);
      const numbers = candidates.numbers.slice(0, count);
      return {
        tokens: candidates.tokens.slice(0, count),
        digests: candidates.digests.slice(0, count * digestWords),
        chunks: (signal) => storedRows(stored, grids, numbers, signal),
      };
    },
    close: async () => undefined,
  };
}

/** Reads the rows of sampled tokens, grid by grid. */
async function* storedRows(
  stored: StoredTokens,
  grids: Uint32Array,
  numbers: Uint32Array,
  signal?: AbortSignal,
): AsyncGenerator<Float32Array> {
  for (let at = 0; at < grids.length;) {
    const grid = grids[at]!;
    let end = at;
    while (end < grids.length && grids[end] === grid) end++;
    yield* stored.pick(grid, numbers.subarray(at, end), signal);
    at = end;
  }
}

/** The sample of neighbours together. */
export function mergeSamples(parts: readonly Part<SampleContent>[], limits: SampleLimits): SampleContent {
  const contents = parts.map(({ content }) => content);
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  const tokens = Float64Array.from(contents.flatMap((content) => [...content.tokens]));
  const kept = chosen(tokens, sampledCount(total, limits), limits.seed);
  const digests = Uint32Array.from(contents.flatMap((content) => [...content.digests]));
  const channels = parts[0]!.channels;
  return {
    tokens: Float64Array.from(kept, (at) => tokens[at]!),
    digests: Uint32Array.from({ length: kept.length * digestWords }, (_, i) => {
      const at = kept[Math.floor(i / digestWords)]!;
      return digests[at * digestWords + (i % digestWords)]!;
    }),
    chunks: (signal) => keptRows(contents, kept, channels, signal),
  };
}

/** Of the rows of several contents, one after the other, those whose indices are kept. */
async function* keptRows(
  contents: readonly SampleContent[],
  kept: Uint32Array,
  channels: number,
  signal?: AbortSignal,
): AsyncGenerator<Float32Array> {
  let first = 0;
  let next = 0;
  for (const content of contents) {
    for await (const chunk of content.chunks(signal)) {
      signal?.throwIfAborted();
      const end = first + chunk.length / channels;
      const rows: number[] = [];
      for (; next < kept.length && kept[next]! < end; next++) rows.push(kept[next]! - first);
      const whole = rows.length === end - first;
      const out = whole ? chunk : new Float32Array(rows.length * channels);
      if (!whole)
        rows.forEach((row, to) => out.set(chunk.subarray(row * channels, (row + 1) * channels), to * channels));
      if (out.length > 0) yield out;
      first = end;
    }
  }
}

/** All rows of a sample in memory, `[tokens, channels]`. */
export async function gathered(
  { tokens, chunks }: SampleContent,
  channels: number,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const out = new Float32Array(tokens.length * channels);
  let at = 0;
  for await (const chunk of chunks(signal)) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** A sample as tensors, its rows among them. */
export async function packSample(content: SampleContent): Promise<Packed> {
  const { tokens, digests } = content;
  const pieces: Float32Array[] = [];
  let length = 0;
  for await (const chunk of content.chunks()) {
    pieces.push(chunk.slice());
    length += chunk.length;
  }
  const rows = new Float32Array(length);
  let at = 0;
  for (const piece of pieces) {
    rows.set(piece, at);
    at += piece.length;
  }
  const count = tokens.length;
  return {
    tensors: {
      rows: tensor('float32', [count, count === 0 ? 0 : length / count], rows),
      tokens: tensor('float64', [count], tokens as Float64Array<ArrayBuffer>),
      digests: tensor('uint32', [count, digestWords], digests as Uint32Array<ArrayBuffer>),
    },
    metadata: {},
  };
}

/** The other way round. Throws an `InputError` when something is missing. */
export function unpackSample({ tensors }: Packed, channels: number, subject: string): SampleContent {
  const rows = tensors['rows']?.data;
  const tokens = tensors['tokens']?.data;
  const digests = tensors['digests']?.data;
  const whole =
    rows instanceof Float32Array &&
    tokens instanceof Float64Array &&
    digests instanceof Uint32Array &&
    rows.length === tokens.length * channels &&
    digests.length === tokens.length * digestWords;
  if (!whole)
    throw new InputError(subject, 'is no whole sample: rows, tokens and digests have to be there.', {
      code: 'E_PART_FILE',
    });
  return {
    tokens,
    digests,
    async *chunks() {
      if (rows.length > 0) yield rows;
    },
  };
}
