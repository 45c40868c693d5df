// Turns queries and keys by their positions inside the graph; fused or in standard operators.

import { tensor } from '@deepearth/core/tensor';
import type { AttentionForm } from '@deepearth/onnx/devices';
import { headsShape } from '@deepearth/onnx/graph-attention';
import { microsoft, type GraphParts } from '@deepearth/onnx/graph-parts';
import type { Architecture } from './architecture.ts';

interface Surroundings {
  readonly architecture: Architecture;
  /** Names of `cosEven`, `sinEven` and, in V-JEPA 2.0, `cosOdd`, `sinOdd`. */
  readonly tables: readonly string[];
  /** Name of the shape `[batch, tokens, hiddenSize]`. */
  readonly gridShape: string;
}

/** What `attention` of the shared parts takes as `rotate`. */
export const rotation = (
  parts: GraphParts,
  form: AttentionForm,
  around: Surroundings,
): ((x: string, name: string) => string) => (form === 'decomposed' ? decomposed(parts, around) : fused(parts, around));

function fused(
  { graph, compute, cast, reshape }: GraphParts,
  { architecture: { heads, headSize, family }, tables, gridShape }: Surroundings,
): (x: string, name: string) => string {
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
  return (x, name) => {
    const grid = reshape(x, gridShape);
    const first = turn(grid, cosEven!, sinEven!, `${name}:turn`);
    return family === '2.1'
      ? first
      : graph.op('Where', [even, first, turn(grid, cosOdd!, sinOdd!, `${name}:turnOdd`)], {}, { name: `${name}:pick` });
  };
}

function decomposed(
  parts: GraphParts,
  { architecture: { heads, headSize }, tables }: Surroundings,
): (x: string) => string {
  const { graph, reshape, shape, full } = parts;
  const byHeads = headsShape(parts, heads, headSize);
  const { batch, tokens } = parts.options.size!;
  const pairs = shape('pairsShape', [batch, tokens, heads, headSize / 2, 2]);
  const tableShape = shape('tableShape', [1, tokens, 1, headSize / 2, 1]);
  const [cosEven, sinEven, cosOdd = cosEven, sinOdd = sinEven] = tables.map((table) => reshape(table, tableShape)) as [
    string,
    string,
    string?,
    string?,
  ];
  const cos = graph.op('Concat', [cosEven, cosOdd!], { axis: -1 });
  const sin = graph.op('Concat', [graph.op('Neg', [sinEven]), sinOdd!], { axis: -1 });
  return (x) => {
    const grid = full(reshape(x, pairs));
    const [a, b] = graph.ops('Split', [grid], { axis: -1, num_outputs: 2 }, { outputs: 2 }) as [string, string];
    const turned = graph.op('Add', [
      graph.op('Mul', [grid, cos]),
      graph.op('Mul', [graph.op('Concat', [b, a], { axis: -1 }), sin]),
    ]);
    return reshape(turned, byHeads);
  };
}
