// The tokens of all clips, in workers that share the chunks among themselves.

import type { Bundle } from '../bundle/bundle.ts';
import { wholeWeights, type CodedTokens } from '../bundle/vectors.ts';
import type { FoundSteps, Reply, Request } from './protocol.ts';

/** What a search found, by step over all clips; a step that is not there yet has a count of 0. */
export interface Found {
  readonly best: Float32Array;
  readonly token: Uint32Array;
  /** Mean score of the step; NaN where it has none. */
  readonly mean: Float32Array;
  readonly count: Uint32Array;
  /** Of all tokens that were looked at. */
  readonly overall: { readonly best: number; readonly mean: number; readonly tokens: number };
  /** How long it took, in milliseconds. */
  readonly milliseconds: number;
}

/** A sample of tokens with the step over all clips and the cell of each. */
export interface Sample {
  readonly tokens: CodedTokens;
  readonly steps: Uint32Array;
  readonly cells: Uint32Array;
}

export interface SearchPool {
  /** Tokens of a clip, loaded before all others where they are not there yet. */
  tokens(clip: number): Promise<CodedTokens>;
  /** Searches what is there for a vector, `[components]`. */
  search(vector: Float32Array): Promise<Found>;
  /** About so many tokens of what is there. */
  sample(count: number): Promise<Sample>;
  close(): void;
}

type Answer = Exclude<Reply, { type: 'loaded' | 'failed' }>;
type Asked = Exclude<Request, { type: 'open' }>;

/** Two cores are what a small machine has; memory is shared out, not copied. */
const mostWorkers = 4;

/** Starts to load; `progress` is told how many chunks are there, `failed` of one that could not be loaded. */
export function searchPool(
  bundle: Bundle,
  { progress, failed }: { progress: (chunks: number) => void; failed: (message: string) => void },
): SearchPool {
  const count = Math.max(1, Math.min(mostWorkers, navigator.hardwareConcurrency || 2, bundle.chunks.length));
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let chunksThere = 0;

  const workers = Array.from({ length: count }, (_, index) => {
    const worker = new Worker(new URL('./search-worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if (data.type === 'loaded') return progress(++chunksThere);
      if (data.type === 'failed' && data.id === undefined) return failed(data.message);
      const asker = waiting.get(data.id!);
      waiting.delete(data.id!);
      if (data.type === 'failed') asker?.reject(new Error(data.message));
      else asker?.resolve(data);
    };
    worker.onerror = ({ message }) => failed(message);
    worker.postMessage({
      type: 'open',
      url: bundle.url,
      code: { bytes: bundle.code.bytes },
      chunks: [...bundle.chunks.entries()].filter(([chunk]) => chunk % count === index),
      clips: bundle.clips.flatMap(({ grid, chunk, offset }, clip) =>
        chunk % count === index ? [{ index: clip, grid, chunk, offset, firstStep: bundle.stepsBefore[clip]! }] : [],
      ),
    } satisfies Request);
    return worker;
  });

  const ask = <T extends Answer['type']>(
    worker: Worker,
    request: Asked extends infer R ? (R extends Asked ? Omit<R, 'id'> : never) : never,
  ): Promise<Extract<Answer, { type: T }>> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve: resolve as (answer: Answer) => void, reject });
      worker.postMessage({ ...request, id });
    });

  return {
    async tokens(clip) {
      const worker = workers[bundle.clips[clip]!.chunk % count]!;
      return (await ask<'tokens'>(worker, { type: 'tokens', clip })).tokens;
    },
    async search(vector) {
      const started = performance.now();
      const { weights, factor } = wholeWeights(bundle.code, vector);
      const answers = await Promise.all(
        workers.map((worker) => ask<'found'>(worker, { type: 'search', weights, factor })),
      );
      return joined(
        bundle.steps,
        answers.map(({ steps }) => steps),
        performance.now() - started,
      );
    },
    async sample(wanted) {
      const stride = Math.max(1, Math.round(bundle.tokens / wanted));
      const answers = await Promise.all(workers.map((worker) => ask<'sampled'>(worker, { type: 'sample', stride })));
      const length = answers.reduce((sum, { tokens }) => sum + tokens.length, 0);
      const tokens = new Int8Array(length);
      const rows = length / bundle.code.bytes;
      const [steps, cells] = [new Uint32Array(rows), new Uint32Array(rows)];
      let row = 0;
      for (const { tokens: some, places } of answers) {
        tokens.set(some, row * bundle.code.bytes);
        for (let i = 0; i < places.length; i += 2, row++) {
          steps[row] = places[i]!;
          cells[row] = places[i + 1]!;
        }
      }
      return { tokens, steps, cells };
    },
    close() {
      for (const worker of workers) worker.terminate();
    },
  };
}

/** What all workers found, in one table. */
export function joined(steps: number, answers: readonly FoundSteps[], milliseconds: number): Found {
  const best = new Float32Array(steps).fill(-2);
  const mean = new Float32Array(steps).fill(NaN);
  const [token, count] = [new Uint32Array(steps), new Uint32Array(steps)];
  let [highest, sum, tokens] = [-2, 0, 0];
  for (const answer of answers)
    answer.step.forEach((step, row) => {
      best[step] = answer.best[row]!;
      token[step] = answer.token[row]!;
      count[step] = answer.count[row]!;
      if (answer.count[row]! > 0) mean[step] = answer.sum[row]! / answer.count[row]!;
      highest = Math.max(highest, answer.best[row]!);
      sum += answer.sum[row]!;
      tokens += answer.count[row]!;
    });
  return {
    best,
    token,
    mean,
    count,
    overall: { best: highest, mean: tokens > 0 ? sum / tokens : 0, tokens },
    milliseconds,
  };
}
