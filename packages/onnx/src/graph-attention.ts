// The attention part of a layer: linear layers, rotary turning of queries and keys, softmax; fused or in standard
// operators.

import { tensor } from '@deepearth/core/tensor';
import { microsoft, type GraphParts } from './graph-parts.ts';

interface Surroundings {
  /** Names of `cosEven`, `sinEven` and, in V-JEPA 2.0, `cosOdd`, `sinOdd`. */
  readonly tables: readonly string[];
  /** Name of the shape `[batch, tokens, hiddenSize]`. */
  readonly gridShape: string;
}

/** Turns what the norm returns, `[rows, hiddenSize]`, into what is added to the residual. */
type Attend = (x: string, layer: string) => string;

/** Adds what all layers share to the graph and returns how to add one layer's attention. */
export function attention(parts: GraphParts, around: Surroundings): Attend {
  const { graph, options, linear, reshape, shape } = parts;
  const { hiddenSize } = options.architecture;
  const core = options.attention === 'decomposed' ? decomposed(parts, around) : fused(parts, around);
  return (x, layer) => {
    const [query, key, value] = ['query', 'key', 'value'].map((name) => linear(x, `${layer}.${name}`)) as [
      string,
      string,
      string,
    ];
    const mixed = core(query, key, value, layer);
    return linear(reshape(mixed, shape('rowsShape', [-1, hiddenSize])), `${layer}.proj`);
  };

  function fused(
    { compute, cast }: GraphParts,
    { tables, gridShape }: Surroundings,
  ): (q: string, k: string, v: string, layer: string) => string {
    const { heads, headSize, family } = options.architecture;
    const start = graph.constant('firstPosition', tensor('int64', [1], BigInt64Array.of(0n)));
    const [cosEven, sinEven, cosOdd, sinOdd] = tables.map((table) =>
      compute === 'float32' ? table : cast(table, compute),
    );
    const turn = (x: string, cos: string, sin: string, name: string): string =>
      graph.op('RotaryEmbedding', [x, start, cos, sin], { interleaved: 1, num_heads: heads }, { ...microsoft, name });
    // 2.0 turns the even channel of a pair by one angle and the odd one by another: two true rotations, of which each
    // gives every other channel.
    const even =
      family === '2.0'
        ? graph.constant(
            'evenChannels',
            tensor(
              'bool',
              [headSize * heads],
              Uint8Array.from({ length: headSize * heads }, (_, i) => 1 - (i % 2)),
            ),
          )
        : '';
    const rotate = (x: string, name: string): string => {
      const grid = reshape(x, gridShape);
      const first = turn(grid, cosEven!, sinEven!, `${name}:turn`);
      return family === '2.1'
        ? first
        : graph.op(
            'Where',
            [even, first, turn(grid, cosOdd!, sinOdd!, `${name}:turnOdd`)],
            {},
            { name: `${name}:pick` },
          );
    };
    return (q, k, v, layer) =>
      graph.op(
        'MultiHeadAttention',
        [rotate(q, `${layer}.query`), rotate(k, `${layer}.key`), reshape(v, gridShape)],
        { num_heads: heads },
        { ...microsoft, name: `${layer}.attention` },
      );
  }

  function decomposed(
    { compute, cast }: GraphParts,
    { tables }: Surroundings,
  ): (q: string, k: string, v: string, layer: string) => string {
    const { heads, headSize } = options.architecture;
    const { size } = options;
    if (!size) throw new RangeError('the decomposed form needs the batch and the number of tokens');
    const pairs = shape('pairsShape', [size.batch, size.tokens, heads, headSize / 2, 2]);
    const headsShape = shape('headsShape', [size.batch, size.tokens, heads, headSize]);
    const tableShape = shape('tableShape', [1, size.tokens, 1, headSize / 2, 1]);
    const [cosEven, sinEven, cosOdd = cosEven, sinOdd = sinEven] = tables.map((table) =>
      reshape(table, tableShape),
    ) as [string, string, string?, string?];
    const cos = graph.op('Concat', [cosEven, cosOdd!], { axis: -1 });
    const sin = graph.op('Concat', [graph.op('Neg', [sinEven]), sinOdd!], { axis: -1 });
    const exact = (x: string): string => (compute === 'float32' ? x : cast(x, 'float32'));
    const rotate = (x: string): string => {
      const grid = exact(reshape(x, pairs));
      const [a, b] = graph.ops('Split', [grid], { axis: -1, num_outputs: 2 }, { outputs: 2 }) as [string, string];
      const turned = graph.op('Add', [
        graph.op('Mul', [grid, cos]),
        graph.op('Mul', [graph.op('Concat', [b, a], { axis: -1 }), sin]),
      ]);
      return reshape(turned, headsShape);
    };
    const scale = graph.constant('attentionScale', tensor('float32', [], Float32Array.of(headSize ** -0.5)));
    // Pieces of the queries, so that no matrix of scores passes 64 MiB.
    const step = Math.max(Math.floor(2 ** 26 / (4 * size.batch * heads * size.tokens)), 16);
    return (q, k, v, layer) => {
      const queries = graph.op('Mul', [graph.op('Transpose', [rotate(q)], { perm: [0, 2, 1, 3] }), scale]);
      const keys = graph.op('Transpose', [rotate(k)], { perm: [0, 2, 3, 1] });
      const values = exact(graph.op('Transpose', [reshape(v, headsShape)], { perm: [0, 2, 1, 3] }));
      const mixed: string[] = [];
      for (let from = 0; from < size.tokens; from += step) {
        const to = Math.min(from + step, size.tokens);
        const piece =
          step >= size.tokens
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
}
