// The attention part of a layer: linear layers, turning of queries and keys, softmax; fused or in standard operators.

import { tensor } from '@deepearth/core/tensor';
import type { AttentionForm } from './devices.ts';
import { microsoft, type GraphParts } from './graph-parts.ts';

/** Sizes and form of the attention of an encoder's layers. */
export interface AttentionOptions {
  readonly heads: number;
  readonly headSize: number;
  /** `fused` by default. */
  readonly form?: AttentionForm | undefined;
  /** Name of the shape `[batch, tokens, hiddenSize]`. */
  readonly gridShape: string;
  /**
   * Turns queries or keys, `[batch * tokens, hiddenSize]`, by their positions. Returns `[batch, tokens, hiddenSize]` in
   * the fused form, `[batch, tokens, heads, headSize]` in float32 in the decomposed one. Absent where positions are
   * added to the tokens.
   */
  readonly rotate?: ((x: string, name: string) => string) | undefined;
}

/** Turns what the norm returns, `[rows, hiddenSize]`, into what is added to the residual. */
export type Attend = (x: string, layer: string) => string;

/** The shape `[batch, tokens, heads, headSize]` of the decomposed form. */
export function headsShape({ shape, options: { size } }: GraphParts, heads: number, headSize: number): string {
  if (!size) throw new RangeError('the decomposed form needs the batch and the number of tokens');
  return shape('headsShape', [size.batch, size.tokens, heads, headSize]);
}

/** Adds what all layers share to the graph and returns how to add one layer's attention. */
export function attention(parts: GraphParts, options: AttentionOptions): Attend {
  const { linear, reshape, shape } = parts;
  const core = options.form === 'decomposed' ? decomposed(parts, options) : fused(parts, options);
  return (x, layer) => {
    const [query, key, value] = ['query', 'key', 'value'].map((name) => linear(x, `${layer}.${name}`)) as [
      string,
      string,
      string,
    ];
    const mixed = core(query, key, value, layer);
    return linear(reshape(mixed, shape('rowsShape', [-1, options.heads * options.headSize])), `${layer}.proj`);
  };
}

type Core = (query: string, key: string, value: string, layer: string) => string;

function fused({ graph, reshape }: GraphParts, { heads, gridShape, rotate }: AttentionOptions): Core {
  const placed = rotate ?? ((x: string) => reshape(x, gridShape));
  return (q, k, v, layer) =>
    graph.op(
      'MultiHeadAttention',
      [placed(q, `${layer}.query`), placed(k, `${layer}.key`), reshape(v, gridShape)],
      { num_heads: heads },
      { ...microsoft, name: `${layer}.attention` },
    );
}

function decomposed(parts: GraphParts, { heads, headSize, rotate }: AttentionOptions): Core {
  const { graph, compute, cast, reshape, shape, full } = parts;
  const byHeads = headsShape(parts, heads, headSize);
  const { batch, tokens } = parts.options.size!;
  const placed = rotate ?? ((x: string) => full(reshape(x, byHeads)));
  const scale = graph.constant('attentionScale', tensor('float32', [], Float32Array.of(headSize ** -0.5)));
  // Pieces of the queries, so that no matrix of scores passes 64 MiB.
  const step = Math.max(Math.floor(2 ** 26 / (4 * batch * heads * tokens)), 16);
  return (q, k, v, layer) => {
    const queries = graph.op('Mul', [
      graph.op('Transpose', [placed(q, `${layer}.query`)], { perm: [0, 2, 1, 3] }),
      scale,
    ]);
    const keys = graph.op('Transpose', [placed(k, `${layer}.key`)], { perm: [0, 2, 3, 1] });
    const values = full(graph.op('Transpose', [reshape(v, byHeads)], { perm: [0, 2, 1, 3] }));
    const mixed: string[] = [];
    for (let from = 0; from < tokens; from += step) {
      const to = Math.min(from + step, tokens);
      const piece =
        step >= tokens
          ? queries
          : graph.op('Slice', [queries, shape(`at${from}`, [from]), shape(`at${to}`, [to]), shape('axis2', [2])]);
      const weights = graph.op('Softmax', [graph.op('MatMul', [piece, keys])], { axis: -1 });
      mixed.push(graph.op('MatMul', [weights, values]));
    }
    const whole = mixed.length === 1 ? mixed[0]! : graph.op('Concat', mixed, { axis: 2 });
    const back = graph.op('Transpose', [whole], { perm: [0, 2, 1, 3] }, { name: `${layer}.attention` });
    return compute === 'float32' ? back : cast(back, compute);
  };
}
