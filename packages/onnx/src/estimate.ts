// What a clip costs: tokens, arithmetic, memory. Pure arithmetic on an architecture.

import type { Precision } from '@deepearth/onnx/precision';
import { tokenGrid, type Architecture } from './architecture.ts';

type Sized = Pick<Architecture, 'hiddenSize' | 'layers' | 'heads' | 'mlpSize' | 'family' | 'patchSize' | 'tubelet'>;

export interface EstimateOptions {
  readonly frames: number;
  /** Pixels. */
  readonly height: number;
  readonly width: number;
  readonly batchSize?: number;
  readonly precision?: Precision;
  /**
   * False where attention is written out (WebGPU's variant): the scores of a layer are then held, `heads x tokens x
   * tokens`.
   */
  readonly fused?: boolean;
}

export interface Estimate {
  readonly grid: { readonly time: number; readonly height: number; readonly width: number };
  /** Of one clip. */
  readonly tokens: number;
  /** Floating-point operations for one clip, a multiplication and an addition as two. */
  readonly flop: number;
  /** The values of the encoder as stored in this precision. */
  readonly weightBytes: number;
  /** Token grids that come out, fp32, of the whole batch. */
  readonly outputBytes: number;
  /** What one layer's scores would take if they were held, fp32, of the whole batch. */
  readonly scoreBytes: number;
  /** Input, tensors alive inside a layer, rotary tables, of the whole batch. */
  readonly activationBytes: number;
  /** All of it together: what a device has to have free. */
  readonly peakBytes: number;
}

/** Values of an encoder, counted from its shape; the catalogue's numbers come out. */
export function countParameters({ hiddenSize: d, layers, mlpSize: m, family, patchSize, tubelet }: Sized): number {
  const patch = 3 * patchSize ** 2 * d;
  const layer = 4 * (d * d + d) + 2 * d * m + m + d + 4 * d;
  const common = patch * tubelet + d + layers * layer;
  return family === '2.0' ? common + 2 * d : common + patch + d + 2 * d + 4 * 2 * d;
}

/** Tensors of an encoder under published (Hugging Face) names. */
export const countTensors = ({ layers, family }: Pick<Sized, 'layers' | 'family'>): number =>
  16 * layers + (family === '2.0' ? 4 : 14);

/** Linear layers' values; the rest (norms, biases, patch embedding) stays fp32 in int8. */
const linearParameters = ({ hiddenSize: d, layers, mlpSize: m }: Sized): number => layers * (4 * d * d + 2 * d * m);

/** Estimates one run of the encoder over a batch of clips. */
export function estimate(
  architecture: Sized & Pick<Architecture, 'headSize'>,
  { frames, height, width, batchSize = 1, precision = 'fp32', fused = true }: EstimateOptions,
): Estimate {
  const { hiddenSize: d, layers, heads, mlpSize: m, headSize, patchSize, tubelet } = architecture;
  const grid = tokenGrid(architecture as Architecture, frames, height, width);
  const tokens = grid.time * grid.height * grid.width;
  const flop =
    2 * tokens * (3 * patchSize ** 2 * tubelet * d + layers * (4 * d * d + 2 * d * m)) + 4 * tokens ** 2 * d * layers;
  const parameters = countParameters(architecture);
  const linear = linearParameters(architecture);
  const weightBytes = { fp32: 4 * parameters, fp16: 2 * parameters, int8: linear + 4 * (parameters - linear) }[
    precision
  ];
  const outputBytes = batchSize * tokens * d * 4;
  const scoreBytes = batchSize * heads * tokens ** 2 * 4;
  // Alive at once: the residual and its norm, and either query, key, value, their rotated forms and the result, or the
  // MLP's hidden values before and after GELU. Counted in fp32 whatever the weights are in: CPUs compute fp16 models
  // so. ONNX Runtime's own growth for ViT-L agrees: 0.46 GB for 64 frames at 256 px.
  const alive = batchSize * tokens * 4 * (2 * d + Math.max(6 * d, 2 * m + d));
  const activationBytes =
    batchSize * frames * 3 * height * width * 4 +
    alive +
    2 * tokens * headSize * 4 +
    outputBytes +
    (fused ? 0 : 2 * scoreBytes);
  return {
    grid,
    tokens,
    flop,
    weightBytes,
    outputBytes,
    scoreBytes,
    activationBytes,
    peakBytes: weightBytes + activationBytes,
  };
}
