// Who sums and solves: a worker thread with ONNX Runtime, or typed arrays in slices on the calling thread.

import { builtUrl } from '@deepearth/core/built-url';
import { discard } from '../shared/discard.ts';
import { addProducts, addRows, noMoments } from './moments.ts';
import { pause, runSliced } from '../shared/pace.ts';
import type { AddAnswer, StartRequest } from './pca-worker.ts';
import { principalComponents, type Principal } from './principal.ts';
import { startWorker, type WorkerClient } from '../shared/worker-client.ts';

export const pcaEngines = ['auto', 'onnx', 'javascript', 'ml-pca'] as const;
export type PcaEngine = (typeof pcaEngines)[number];

export interface CovarianceEngine {
  /**
   * Takes a block `[rows, channels]` over; returns an array to fill next, where one has come back. Blocks that wait are
   * at most two.
   */
  add(block: Float32Array | Float64Array): Promise<Float32Array | Float64Array | undefined>;
  solve(): Promise<Principal>;
  close(): Promise<void>;
}

interface Work {
  readonly channels: number;
  readonly components: number;
  readonly signal: AbortSignal | undefined;
  /** Rows, where all of them are known to be in the first block. */
  readonly rows: number | undefined;
}

/** Multiplications that the calling thread does in about a quarter of a second; starting a thread takes as long. */
const littleWork = 2.5e8;
/** Up to this width a thread that is handed tokens is no quicker than one that multiplies them. */
const narrow = 24;

const inNode = typeof process !== 'undefined' && Boolean(process.versions?.node);

/** Products in float64 on the calling thread, in slices of some milliseconds. */
function slicedEngine({ channels, components, signal }: Work): CovarianceEngine {
  const moments = noMoments(channels);
  return {
    async add(block) {
      await runSliced(addRows(moments, block), signal);
      return block;
    },
    solve: () => runSliced(principalComponents(moments, components, 'float64'), signal),
    close: async () => undefined,
  };
}

/** One thread that rests between fits: starting it and loading ONNX Runtime takes longer than many a fit. */
let resting: WorkerClient | undefined;

async function workerEngine(
  { channels, components, signal }: Work,
  engine: StartRequest['engine'],
): Promise<CovarianceEngine> {
  signal?.throwIfAborted();
  // ml-pca calls nothing native and stops for nobody: a thread of its own can be ended at once.
  const native = engine !== 'ml-pca';
  const worker =
    (native ? resting : undefined) ?? (await startWorker(builtUrl('./pca-worker.js', import.meta.url), { native }));
  if (worker === resting) resting = undefined;
  let done = false;
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    done = true;
    stopping = worker.close(signal?.reason);
  };
  signal?.addEventListener('abort', stop, { once: true });
  const close = async (): Promise<void> => {
    signal?.removeEventListener('abort', stop);
    if (done && !stopping) return;
    done = true;
    await (stopping ?? worker.close());
  };
  try {
    await worker.request('start', { channels, components, engine } satisfies StartRequest);
  } catch (error) {
    await close();
    throw error;
  }
  const under: Promise<Float32Array | Float64Array>[] = [];
  // Products are added up here, in their order, while the thread makes the next.
  const moments = noMoments(channels);
  let added: Promise<unknown> = Promise.resolve();
  return {
    async add(block) {
      const made = worker.request<AddAnswer>('add', block, [block.buffer]);
      const answer = Promise.all([made, added]).then(async ([{ block: emptied, products }]) => {
        await pause();
        if (products) {
          await runSliced(addProducts(moments, products), signal);
          for (const { values } of products.bands) discard(values.buffer);
        }
        return emptied;
      });
      added = answer;
      answer.catch(() => undefined); // whoever waits for it hears of it; nobody may, when the fit is given up
      under.push(answer);
      return under.length < 2 ? undefined : under.shift();
    },
    async solve() {
      await Promise.all(under.splice(0));
      const solved = await worker.request<Principal>('solve', moments, [moments.scatter.buffer, moments.mean.buffer]);
      signal?.removeEventListener('abort', stop);
      if (!done && !resting && native) resting = worker;
      else if (!done) await worker.close();
      done = true;
      return solved;
    },
    close,
  };
}

/** Picks who works. By the amount of work only, so that the same tokens always take the same way. */
export async function covarianceEngine(engine: PcaEngine, work: Work): Promise<CovarianceEngine> {
  if (engine === 'javascript' || !inNode) return slicedEngine(work);
  const { channels, rows } = work;
  const little = channels <= narrow || (rows !== undefined && rows * channels * channels <= littleWork);
  return engine === 'auto' && little ? slicedEngine(work) : workerEngine(work, engine);
}
