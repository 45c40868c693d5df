// Who multiplies: ONNX Runtime in a worker, or typed arrays in slices.

import { addRows, noMoments } from './moments.ts';
import { runSliced } from './pace.ts';
import { principalComponents, type Principal } from './principal.ts';

export const pcaEngines = ['auto', 'onnx', 'javascript', 'ml-pca'] as const;
export type PcaEngine = (typeof pcaEngines)[number];

export interface CovarianceEngine {
  /** Takes a block `[rows, channels]` over and answers an array of the same kind and full length to fill next. */
  add(block: Float32Array | Float64Array): Promise<Float32Array | Float64Array>;
  solve(): Promise<Principal>;
  close(): Promise<void>;
}

/** Products in float64, on the calling thread, in slices of some milliseconds. */
function javascriptEngine(channels: number, components: number, signal: AbortSignal | undefined): CovarianceEngine {
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

export async function covarianceEngine(_engine: PcaEngine, channels: number, components: number, signal: AbortSignal | undefined): Promise<CovarianceEngine> {
  return javascriptEngine(channels, components, signal);
}
