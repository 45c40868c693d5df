// DINOv3's rotary positions: tables of angles for its patches, and the turning inside the graph.

import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { AttentionForm } from '@deepearth/onnx/devices';
import { headsShape } from '@deepearth/onnx/graph-attention';
import { microsoft, type GraphParts } from '@deepearth/onnx/graph-parts';

export interface RotaryTables {
  readonly cos: Tensor<'float32'>;
  readonly sin: Tensor<'float32'>;
}

/**
 * Tables `[prefix + rows * columns, headSize / 2]`: the first half of an entry turns with the row, the second with the
 * column. Positions are centres of patches on -1…1 whatever the size of the picture, as transformers'
 * `get_patches_center_coordinates` has them, and are computed step by step in 32-bit floats as there. Tokens before the
 * patches are not turned: cosine 1, sine 0.
 */
export function rotaryTables(
  headSize: number,
  theta: number,
  prefix: number,
  { height, width }: { readonly height: number; readonly width: number },
): RotaryTables {
  const f = Math.fround;
  const quarter = headSize / 4;
  const frequencies = Array.from({ length: quarter }, (_, k) => f(1 / f(theta ** f((k * 4) / headSize))));
  const centres = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => f(f(2 * f((i + 0.5) / count)) - 1));
  const half = headSize / 2;
  const tokens = prefix + height * width;
  const cos = new Float32Array(tokens * half).fill(1, 0, prefix * half);
  const sin = new Float32Array(tokens * half);
  const [rows, columns] = [centres(height), centres(width)];
  let at = prefix * half;
  for (const row of rows)
    for (const column of columns)
      for (const position of [row, column])
        for (const frequency of frequencies) {
          const angle = f(f(f(2 * Math.PI) * position) * frequency);
          cos[at] = Math.cos(angle);
          sin[at++] = Math.sin(angle);
        }
  return { cos: tensor('float32', [tokens, half], cos), sin: tensor('float32', [tokens, half], sin) };
}

/** Names of the graph's inputs for the tables, and of the shape `[batch, tokens, hiddenSize]`. */
interface Surroundings {
  readonly heads: number;
  readonly headSize: number;
  readonly cos: string;
  readonly sin: string;
  readonly gridShape: string;
}

/**
 * What `attention` of the shared parts takes as `rotate`: channel `i` of a head's first half and channel `i` of its
 * second are a pair that turns together.
 */
export function rotation(
  parts: GraphParts,
  form: AttentionForm,
  { heads, headSize, cos, sin, gridShape }: Surroundings,
): (x: string, name: string) => string {
  const { graph, compute, cast, reshape, shape, full } = parts;
  if (form === 'fused') {
    const start = graph.constant('firstPosition', tensor('int64', [1], BigInt64Array.of(0n)));
    const [cosines, sines] = [cos, sin].map((table) => (compute === 'float32' ? table : cast(table, compute)));
    return (x, name) =>
      graph.op(
        'RotaryEmbedding',
        [reshape(x, gridShape), start, cosines!, sines!],
        { interleaved: 0, num_heads: heads },
        { ...microsoft, name: `${name}:turn` },
      );
  }
  const byHeads = headsShape(parts, heads, headSize);
  const { batch, tokens } = parts.options.size!;
  const halves = shape('halvesShape', [batch, tokens, heads, 2, headSize / 2]);
  const tableShape = shape('tableShape', [1, tokens, 1, 1, headSize / 2]);
  const [cosines, sines] = [cos, sin].map((table) => reshape(table, tableShape)) as [string, string];
  return (x) => {
    const grid = full(reshape(x, halves));
    const [a, b] = graph.ops('Split', [grid], { axis: 3, num_outputs: 2 }, { outputs: 2 }) as [string, string];
    const turned = graph.op('Add', [
      graph.op('Mul', [grid, cosines]),
      graph.op('Mul', [graph.op('Concat', [graph.op('Neg', [b]), a], { axis: 3 }), sines]),
    ]);
    return reshape(turned, byHeads);
  };
}
