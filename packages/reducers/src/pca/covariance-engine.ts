// Who multiplies and solves: a worker thread with ONNX Runtime, or typed arrays in slices on the calling thread.

import { builtUrl } from '@deepearth/core/built-url';
import { pause, runSliced } from '../shared/pace.ts';
import { startWorker, type WorkerClient } from '@deepearth/core/worker-client';
import { blockProducts, type BlockProducts, type Moments } from './moments.ts';
import type { AddAnswer, SolveRequest, StartRequest } from './pca-worker.ts';
import { principalComponents, type Precision, type Principal } from './principal.ts';
import type { Rows } from './pieces.ts';

export const pcaEngines = ['auto', 'onnx', 'javascript', 'ml-pca'] as const;
export type PcaEngine = (typeof pcaEngines)[number];

export interface CovarianceEngine {
  /**
   * Takes a block `[rows, channels]` over; `take` gets its products later, in the order of the calls. Returns an array
   * to fill next, where one has come back. Blocks that wait are at most two.
   */
  add(block: Rows, take: (products: BlockProducts) => Promise<void>): Promise<Rows | undefined>;
  /** Waits until all products have been taken. */
  drain(): Promise<void>;
  /** The moments are used up. */
  solve(moments: Moments, components: number, precision: Precision): Promise<Principal>;
  /** Lets it rest, for the next one to use; whatever was asked has to have come. */
  release(): Promise<void>;
  /** Gives up. */
  close(): Promise<void>;
}

interface Work {
  readonly channels: number;
  readonly signal: AbortSignal | undefined;
  /** All rows there are, where they fit into one block. */
  readonly rows: number | undefined;
}

/** Multiplications that the calling thread does in about a quarter of a second; starting a thread takes as long. */
const littleWork = 2.5e8;
/** Up to this width a thread that is handed tokens is no quicker than one that multiplies them. */
const narrow = 24;

const inNode = typeof process !== 'undefined' && Boolean(process.versions?.node);

/** Products in float64 on the calling thread, in slices of some milliseconds. */
function slicedEngine({ channels, signal }: Work): CovarianceEngine {
  return {
    async add(block, take) {
      await take(await runSliced(blockProducts(block, channels), signal));
      return block;
    },
    drain: async () => undefined,
    solve: (moments, components, precision) => runSliced(principalComponents(moments, components, precision), signal),
    release: async () => undefined,
    close: async () => undefined,
  };
}

/** One thread that rests between fits: starting it and loading ONNX Runtime takes longer than many a fit. */
let resting: WorkerClient | undefined;

async function workerEngine({ channels, signal }: Work, engine: StartRequest['engine']): Promise<CovarianceEngine> {
  signal?.throwIfAborted();
  const worker = resting ?? (await startWorker(builtUrl('./pca-worker.js', import.meta.url), { native: true }));
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
    await worker.request('start', { channels, engine } satisfies StartRequest);
  } catch (error) {
    await close();
    throw error;
  }
  const under: Promise<Rows>[] = [];
  // Products are added up here, in their order, while the thread makes the next.
  let added: Promise<unknown> = Promise.resolve();
  return {
    async add(block, take) {
      const made = worker.request<AddAnswer>('add', block, [block.buffer]);
      const answer = Promise.all([made, added]).then(async ([{ block: emptied, products }]) => {
        await pause();
        await take(products);
        return emptied;
      });
      added = answer;
      answer.catch(() => undefined); // it rejects for those who wait for it; there may be none, when the fit is given up
      under.push(answer);
      return under.length < 2 ? undefined : under.shift();
    },
    drain: async () => void (await Promise.all(under.splice(0))),
    solve: (moments, components, precision) =>
      worker.request<Principal>('solve', { moments, components, precision } satisfies SolveRequest, [
        moments.scatter.buffer,
        moments.mean.buffer,
      ]),
    async release() {
      signal?.removeEventListener('abort', stop);
      if (done) return void (await stopping);
      done = true;
      if (resting) await worker.close();
      else resting = worker;
    },
    close,
  };
}

/** Picks who works. By the amount of work only, so that the same tokens always take the same way. */
export async function covarianceEngine(engine: Exclude<PcaEngine, 'ml-pca'>, work: Work): Promise<CovarianceEngine> {
  if (engine === 'javascript' || !inNode) return slicedEngine(work);
  const { channels, rows } = work;
  const little = channels <= narrow || (rows !== undefined && rows * channels * channels <= littleWork);
  return engine === 'auto' && little ? slicedEngine(work) : workerEngine(work, engine);
}
