// What the parts of the encoder's graph share: options, weights, linear layers.

import { tensor, type DType, type Tensor } from '@deepearth/core/tensor';
import type { GraphBuilder } from '@deepearth/formats/onnx';
import type { AttentionForm } from '@deepearth/onnx/devices';
import type { Architecture } from './architecture.ts';

/** Where a weight's values lie; `file` is a name in the folder that the session is told. */
export interface PlacedWeight {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface GraphOptions {
  readonly architecture: Architecture;
  /**
   * By the project's names; matrices that were quantised stand under `NAME.quantised` (int8, or uint8 with a zero of
   * 128) and `NAME.scale`.
   */
  readonly weights: ReadonlyMap<string, PlacedWeight>;
  /** What is computed in between; weights of other kinds are converted. The inputs and outputs are float32 always. */
  readonly compute?: 'float32' | 'float16';
  readonly attention?: AttentionForm;
  /** `image`: one frame through the image embedding of V-JEPA 2.1. */
  readonly input?: 'video' | 'image';
  /**
   * `tokens`: the normalised output; `hidden` adds what enters and leaves every layer; `levels` adds the hierarchical
   * features.
   */
  readonly outputs?: 'tokens' | 'hidden' | 'levels';
  /** Only the first layers, for self-tests and measurements. */
  readonly layers?: number;
  /** Batch and tokens, where they are to be fixed; the decomposed form needs them. */
  readonly size?: { readonly batch: number; readonly tokens: number };
}

/** What the parts of the graph share. */
export interface GraphParts {
  readonly graph: GraphBuilder;
  readonly options: GraphOptions;
  /** float16 or float32. */
  readonly compute: 'float32' | 'float16';
  /**
   * Adds a weight once and returns its name, converted to `dtype` (what is computed in, unless told); right before the
   * product with `by`, when that is given.
   */
  weight(name: string, dtype?: DType, by?: string): string;
  shape(name: string, sizes: readonly number[]): string;
  /** `x · weightᵀ + bias` of `[rows, in]`; several layers may read the same `x`, which is then quantised once. */
  linear(x: string, name: string): string;
  reshape(x: string, shape: string): string;
  cast(x: string, to: DType): string;
}

/** Numbers of the element types, for Cast. */
export const onnxTypes = { float32: 1, float16: 10 } as const;
/** ONNX Runtime's own operators. */
export const microsoft = { domain: 'com.microsoft' } as const;

/** Starts the parts of one graph. */
export function graphParts(graph: GraphBuilder, options: GraphOptions): GraphParts {
  const compute = options.compute ?? 'float32';
  const placed = new Map<string, string>();
  const constants = new Map<string, string>();
  const quantised = new Map<string, readonly string[]>();
  const constant = (name: string, make: () => Tensor): string => {
    const made = constants.get(name) ?? graph.constant(name, make());
    constants.set(name, made);
    return made;
  };
  const cast = (x: string, to: DType): string => graph.op('Cast', [x], { to: onnxTypes[to as 'float32'] });
  // ONNX Runtime would convert constants when it loads and keep twice their bytes. A shape that only the product's
  // other operand tells hides that a matrix is constant, and puts its conversion right before the product, which takes
  // a hundred times as long.
  const unfolded = (matrix: string, shape: readonly number[], by: string): string => {
    const rows = () => graph.op('Shape', [by], { start: 0, end: 1 });
    const zero = graph.op('Sub', [rows(), rows()]);
    return graph.op('Reshape', [
      matrix,
      graph.op('Add', [
        graph.constant(`${matrix}:shape`, tensor('int64', [2], BigInt64Array.from(shape, BigInt))),
        zero,
      ]),
    ]);
  };
  const weight = (name: string, dtype: DType = compute, by?: string): string => {
    const key = `${name}:${dtype}`;
    const known = placed.get(key);
    if (known) return known;
    const found = options.weights.get(name);
    if (!found) throw new RangeError(`the weights hold no ${name}`);
    // Convolution kernels become matrices, embeddings become rows; same values in the same order.
    const shape =
      found.shape.length === 5 ? [found.shape[0]!, found.shape.slice(1).reduce((a, b) => a * b)] : found.shape;
    const stored = graph.external(dtype === found.dtype ? name : `${name}:stored`, found.dtype, shape, {
      location: found.file,
      offset: found.offset,
      length: found.bytes,
    });
    const made =
      dtype === found.dtype
        ? stored
        : cast(by === undefined || options.size ? stored : unfolded(stored, shape, by), dtype);
    placed.set(key, made);
    return made;
  };
  const linear = (x: string, name: string): string => {
    const bias = weight(`${name}.bias`);
    const matrix = options.weights.get(`${name}.weight.quantised`);
    if (!matrix)
      return graph.op('Gemm', [x, weight(`${name}.weight`, compute, x), bias], { transB: 1 }, { name: `${name}:gemm` });
    let rounded = quantised.get(x);
    if (!rounded)
      quantised.set(
        x,
        (rounded = graph.ops('DynamicQuantizeLinear', [x], {}, { outputs: 3, name: `${name}:quantise` })),
      );
    const [values, scale, zero] = rounded as [string, string, string];
    const matrixZero =
      matrix.dtype === 'uint8' ? constant('zero128', () => tensor('uint8', [], Uint8Array.of(128))) : '';
    return graph.op(
      'MatMulIntegerToFloat',
      [
        values,
        weight(`${name}.weight.quantised`, matrix.dtype),
        scale,
        weight(`${name}.weight.scale`, 'float32'),
        zero,
        matrixZero,
        bias,
      ],
      {},
      { ...microsoft, name: `${name}:int8` },
    );
  };
  return {
    graph,
    options,
    compute,
    weight,
    linear,
    cast,
    shape: (name, sizes) => constant(name, () => tensor('int64', [sizes.length], BigInt64Array.from(sizes, BigInt))),
    reshape: (x, shape) => graph.op('Reshape', [x, shape]),
  };
}
