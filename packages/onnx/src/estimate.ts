// What a clip costs: tokens, arithmetic, memory. Pure arithmetic on an architecture.

import { elementCount } from '@deepearth/core/tensor';
import type { EncoderArchitecture, Grid } from './architecture.ts';
import type { ModelFamily } from './family.ts';
import type { Precision } from './precision.ts';

/** The input whose cost is estimated. */
export interface EstimateOptions {
  readonly frames: number;
  /** Pixels. */
  readonly height: number;
  readonly width: number;
  /** Sequences in one call: clips, or frames where each is encoded by itself. */
  readonly batchSize?: number;
  readonly precision?: Precision;
  /**
   * False where attention is written out (WebGPU's variant): the scores of a layer are then held, `heads x tokens x
   * tokens`.
   */
  readonly fused?: boolean;
}

/** Cost of one clip (tokens, operations) and of one call (bytes). */
export interface Estimate {
  readonly grid: Grid;
  /** Tokens of one clip. */
  readonly tokens: number;
  /** Floating-point operations for one clip, a multiplication and an addition as two. */
  readonly flop: number;
  /** The values of the encoder as stored in this precision. */
  readonly weightBytes: number;
  /** Token grids that come out, fp32, of the whole batch, or of one clip where a clip is several batches. */
  readonly outputBytes: number;
  /** What one layer's scores would take if they were held, fp32, of the whole batch. */
  readonly scoreBytes: number;
  /** Input, tensors alive inside a layer, tables of positions, of the whole batch. */
  readonly activationBytes: number;
  /** All of it together: what a device has to have free. */
  readonly peakBytes: number;
}

/** Values and tensors of an encoder, under the project's names. */
export interface EncoderCounts {
  readonly parameters: number;
  readonly tensors: number;
  /** Values of the layers' matrices, which become int8; norms, biases and the patch embedding stay fp32. */
  readonly matrices: number;
}

/** Counts an encoder by the shapes of its tensors. */
export function countEncoder<A extends EncoderArchitecture>(family: ModelFamily<A>, architecture: A): EncoderCounts {
  const shapes = [...family.expectedTensors(architecture)];
  const sum = (some: typeof shapes): number => some.reduce((total, [, shape]) => total + elementCount(shape), 0);
  return {
    parameters: sum(shapes),
    tensors: shapes.length,
    matrices: sum(shapes.filter(([name, shape]) => shape.length === 2 && name.startsWith('layers.'))),
  };
}

/** Estimates one run of the encoder over a batch. */
export function estimate<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  architecture: A,
  { frames, height, width, batchSize = 1, precision = 'fp32', fused = true }: EstimateOptions,
): Estimate {
  const { hiddenSize: d, layers, heads, mlpSize: m, headSize } = architecture;
  const { grid, sequences, tokens: length } = family.workload(architecture, frames, height, width);
  const expected = family.expectedTensors(architecture);
  const { parameters, matrices } = countEncoder(family, architecture);
  const patch = elementCount(expected.get('patch.weight')!);
  const tokens = grid.time * grid.height * grid.width;
  const flop = sequences * (2 * length * (patch + matrices) + 4 * length ** 2 * d * layers);
  const weightBytes = { fp32: 4 * parameters, fp16: 2 * parameters, int8: matrices + 4 * (parameters - matrices) }[
    precision
  ];
  const outputBytes = Math.max(batchSize, sequences) * (tokens / sequences) * d * 4;
  const scoreBytes = batchSize * heads * length ** 2 * 4;
  // Alive at once: the residual and its norm, and either query, key, value, their rotated forms and the result, or the
  // MLP's hidden values before and after its activation (three where it is gated). Counted in fp32 whatever the weights
  // are in: CPUs compute fp16 models so. ONNX Runtime's own growth for ViT-L agrees: 0.46 GB for 64 frames at 256 px.
  const hidden = expected.has('layers.0.gate.weight') ? 3 * m : 2 * m;
  const alive = batchSize * length * 4 * (2 * d + Math.max(6 * d, hidden + d));
  const activationBytes =
    batchSize * (frames / sequences) * 3 * height * width * 4 +
    alive +
    2 * length * headSize * 4 +
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
