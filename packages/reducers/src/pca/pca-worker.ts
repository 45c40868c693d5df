// The thread in which blocks of tokens are multiplied and covariances solved.

import type { InferenceSession } from 'onnxruntime-node';
import { runSliced } from '../shared/pace.ts';
import { serve } from '@deepearth/core/worker-server';
import { blockProducts, type BlockProducts, type Moments } from './moments.ts';
import { principalComponents, type Precision } from './principal.ts';
import type { Rows } from './pieces.ts';
import { bandStarts, scatterGraph } from './scatter-graph.ts';

type Runtime = typeof import('onnxruntime-node');
type Multiplier = (block: Float32Array) => Promise<BlockProducts>;

export interface StartRequest {
  readonly channels: number;
  /** `onnx` fails where ONNX Runtime is not installed, `auto` goes on without. */
  readonly engine: 'auto' | 'onnx';
}

/** What `add` returns: the block, to be filled again, and its products. */
export interface AddAnswer {
  readonly block: Rows;
  readonly products: BlockProducts;
}

export interface SolveRequest {
  readonly moments: Moments;
  readonly components: number;
  readonly precision: Precision;
}

const multipliers = new Map<number, Multiplier>();
let channels = 0;
let multiply: Multiplier | undefined;

async function multiplierFor(width: number, signal: AbortSignal): Promise<Multiplier> {
  const known = multipliers.get(width);
  if (known) return known;
  const loaded = (await import('onnxruntime-node')) as Runtime & { default?: Runtime };
  const runtime = loaded.default ?? loaded;
  // The thread was closed meanwhile: it need not go on, and cannot be ended from outside.
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
  const session: InferenceSession = await runtime.InferenceSession.create(scatterGraph(width), {
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    // Threads that spin between two products would take the processor from those who prepare the next.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const starts = bandStarts(width);
  const made: Multiplier = async (block) => {
    const rows = block.length / width;
    const out = await session.run({ x: new runtime.Tensor('float32', block, [rows, width]) });
    const at = (name: string): Float32Array<ArrayBuffer> => out[`${name}:out`]!.data as Float32Array<ArrayBuffer>;
    return {
      rows,
      centre: at('mean'),
      sums: at('sum'),
      bands: starts.slice(0, -1).map((first, band) => ({ first, values: at(`band${band}`) })),
    };
  };
  multipliers.clear();
  multipliers.set(width, made);
  return made;
}

/**
 * Whether squares of a block's numbers fit float32: neither do those of a fill value of 1e20 among tokens, nor those of
 * tokens of 1e-20.
 */
function fits({ bands }: BlockProducts): boolean {
  let most = 0;
  for (const { first, values } of bands) {
    const width = channels - first;
    for (let at = 0; at < values.length; at += width + 1) {
      if (!Number.isFinite(values[at]!)) return false;
      most = Math.max(most, values[at]!);
    }
  }
  return most > 1e-30;
}

serve({
  async start({ channels: asked, engine }: StartRequest, _progress, signal) {
    channels = asked;
    try {
      multiply = await multiplierFor(channels, signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (engine === 'onnx')
        throw new Error(`engine: onnx needs the package onnxruntime-node: ${(cause as Error).message}`, { cause });
      multiply = undefined;
    }
    return {};
  },
  async add(block: Rows, _progress, signal) {
    const quick = multiply && block instanceof Float32Array ? await multiply(block) : undefined;
    const products = quick && fits(quick) ? quick : await runSliced(blockProducts(block, channels), signal);
    const { centre, sums, bands } = products;
    return {
      result: { block, products } satisfies AddAnswer,
      transfer: [block.buffer, centre.buffer, sums.buffer, ...bands.map(({ values }) => values.buffer)],
    };
  },
  async solve({ moments, components, precision }: SolveRequest, _progress, signal) {
    return { result: await runSliced(principalComponents(moments, components, precision), signal) };
  },
});
