// What the parts of an encoder's graph share: weights, linear layers, norms.

import { tensor, type DType, type Tensor } from '@deepearth/core/tensor';
import type { GraphBuilder } from '@deepearth/formats/onnx';
import type { GraphRequest } from './family.ts';

/** What of a request the parts depend on. */
export type PartsOptions = Pick<GraphRequest<unknown>, 'weights' | 'compute' | 'size'>;

/** What the parts of the graph share. */
export interface GraphParts {
  readonly graph: GraphBuilder;
  readonly options: PartsOptions;
  /** float16 or float32. */
  readonly compute: 'float32' | 'float16';
  /**
   * Adds a weight once and returns its name, converted to `dtype` (by default the type of the computation); right
   * before the product with `by`, when that is given.
   */
  weight(name: string, dtype?: DType, by?: string): string;
  shape(name: string, sizes: readonly number[]): string;
  /**
   * `x · weightᵀ + bias` of `[rows, in]`; several layers may read the same `x`, which is then quantised once. Without a
   * bias where the weights have none of the name.
   */
  linear(x: string, name: string): string;
  reshape(x: string, shape: string): string;
  cast(x: string, to: DType): string;
  /** From float32 to what is computed in. */
  half(x: string): string;
  /** From what is computed in to float32. */
  full(x: string): string;
  add(a: string, b: string, name: string): string;
  /**
   * Layer norm over the last axis, in float32, as what runs along the layers is: activations reach 40 and sum up over
   * all layers.
   */
  norm(x: string, name: string, epsilon: number): string;
}

/** Numbers of the element types, for Cast. */
export const onnxTypes = { float32: 1, float16: 10 } as const;
/** ONNX Runtime's own operators. */
export const microsoft = { domain: 'com.microsoft' } as const;

/** Starts the parts of one graph. */
export function graphParts(graph: GraphBuilder, options: PartsOptions): GraphParts {
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
      found.shape.length > 3 ? [found.shape[0]!, found.shape.slice(1).reduce((a, b) => a * b)] : found.shape;
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
    const bias = options.weights.has(`${name}.bias`) ? weight(`${name}.bias`) : '';
    const matrix = options.weights.get(`${name}.weight.quantised`);
    if (!matrix)
      return graph.op(
        'Gemm',
        [x, weight(`${name}.weight`, compute, x), ...(bias ? [bias] : [])],
        { transB: 1 },
        { name: `${name}:gemm` },
      );
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
    half: (x) => (compute === 'float32' ? x : cast(x, compute)),
    full: (x) => (compute === 'float32' ? x : cast(x, 'float32')),
    add: (a, b, name) => graph.op('Add', [a, b], {}, { name }),
    norm: (x, name, epsilon) =>
      graph.op(
        'LayerNormalization',
        [x, weight(`${name}.weight`, 'float32'), weight(`${name}.bias`, 'float32')],
        { axis: -1, epsilon: { float: epsilon } },
        { name },
      ),
  };
}
