// Writes the encoder as an ONNX graph: one for DINOv3 and DINOv2, whose layers differ in positions and MLP only.

import { onnxModel } from '@deepearth/formats/onnx';
import type { GraphRequest } from '@deepearth/onnx/family';
import { attention } from '@deepearth/onnx/graph-attention';
import { graphParts, type GraphParts } from '@deepearth/onnx/graph-parts';
import { prefixTokens, type Activation, type Architecture } from './architecture.ts';
import { rotation } from './rotary.ts';

/** Counts up when the graph's arithmetic changes, so that what was made with another is told apart. */
export const graphVersion = 1;

/**
 * The model file of an encoder. Inputs: `patches` `[batch, patches, 3 * patch²]`, and the positions: for DINOv3 `cos`
 * and `sin` `[tokens, headSize / 2]` (`rotary.ts`), for DINOv2 `rows` `[rows, positionGrid]` and `columns` `[columns,
 * positionGrid]` (`positions.ts`). Output: `tokens` `[batch, tokens, hiddenSize]` after the last norm: the class token,
 * the registers, the patches row by row.
 */
export function encoderGraph(request: GraphRequest<Architecture>): Uint8Array {
  const { architecture, size, attention: form = 'fused', layers = architecture.layers } = request;
  const { kind, hiddenSize, heads, headSize, patchSize, layerNormEpsilon, positionGrid } = architecture;
  const prefix = prefixTokens(architecture);
  const graph = onnxModel({ name: kind, opsets: { '': 20, 'com.microsoft': 1 } });
  const parts = graphParts(graph, request);
  const { weight, linear, reshape, shape, half, full, add } = parts;
  const batch = size?.batch ?? 'batch';
  const tokens = size?.tokens ?? 'tokens';
  const patchValues = 3 * patchSize ** 2;

  const patches = graph.input('patches', 'float32', [batch, size ? size.tokens - prefix : 'patches', patchValues]);
  const rotary = kind === 'dinov3';
  const [first, second] = rotary
    ? ['cos', 'sin'].map((name) => graph.input(name, 'float32', [tokens, headSize / 2]))
    : ['rows', 'columns'].map((name) => graph.input(name, 'float32', [name, positionGrid!]));

  const hiddenShape = shape('hiddenShape', [hiddenSize]);
  const patchGrid = graph.op('Concat', [graph.op('Shape', [patches], { start: 0, end: 2 }), hiddenShape], { axis: 0 });
  const flat = reshape(patches, shape('patchShape', [-1, patchValues]));
  let seen = reshape(full(linear(half(flat), 'patch')), patchGrid);
  let classToken = weight('classToken', 'float32');
  if (positionGrid !== null) {
    const learned = learnedPositions(parts, hiddenSize, positionGrid, first!, second!);
    classToken = add(classToken, learned.classToken, 'positioned:class');
    seen = add(seen, learned.patches, 'positioned');
  }
  const beside = graph.op('Concat', [graph.op('Shape', [patches], { start: 0, end: 1 }), shape('ones', [1, 1])], {
    axis: 0,
  });
  const repeated = (token: string): string => graph.op('Expand', [token, beside]);
  const all = [
    repeated(classToken),
    ...(architecture.registers ? [repeated(weight('registers', 'float32'))] : []),
    seen,
  ];
  const embedded = graph.op('Concat', all, { axis: 1 }, { name: 'embedded' });
  const gridShape = size
    ? shape('gridShape', [size.batch, size.tokens, hiddenSize])
    : graph.op('Shape', [embedded], {}, { name: 'gridShape' });

  const norm = (x: string, name: string): string => parts.norm(x, name, layerNormEpsilon);
  const scaled = (x: string, name: string): string => graph.op('Mul', [full(x), weight(name, 'float32')], {}, { name });
  const rotate = rotary ? rotation(parts, form, { heads, headSize, cos: first!, sin: second!, gridShape }) : undefined;
  const attend = attention(parts, { heads, headSize, form, gridShape, rotate });
  let x = reshape(embedded, shape('rowsShape', [-1, hiddenSize]));
  for (let i = 0; i < layers; i++) {
    const layer = `layers.${i}`;
    x = add(x, scaled(attend(half(norm(x, `${layer}.norm1`)), layer), `${layer}.scale1`), `${layer}.attended`);
    x = add(x, scaled(mlp(half(norm(x, `${layer}.norm2`)), layer), `${layer}.scale2`), `${layer}.mlp`);
  }
  graph.op('Reshape', [norm(x, 'norm'), gridShape], {}, { as: 'tokens' });
  graph.output('tokens', 'float32', [batch, tokens, hiddenSize]);
  return graph.encode();

  function mlp(input: string, layer: string): string {
    const { gated, activation } = architecture;
    if (!gated) return linear(activate(parts, activation, linear(input, `${layer}.up`), layer), `${layer}.down`);
    const gate = activate(parts, activation, linear(input, `${layer}.gate`), layer);
    return linear(
      graph.op('Mul', [gate, linear(input, `${layer}.up`)], {}, { name: `${layer}.gated` }),
      `${layer}.down`,
    );
  }
}

function activate({ graph }: GraphParts, activation: Activation, x: string, layer: string): string {
  const name = `${layer}.activation`;
  switch (activation) {
    case 'gelu':
      return graph.op('Gelu', [x], { approximate: 'none' }, { name });
    case 'gelu-tanh':
      return graph.op('Gelu', [x], { approximate: 'tanh' }, { name });
    case 'silu':
      return graph.op('Mul', [x, graph.op('Sigmoid', [x])], {}, { name });
    case 'relu':
      return graph.op('Relu', [x], {}, { name });
  }
}

/** Positions of the class token, `[1, 1, hiddenSize]`, and of the patches, `[1, patches, hiddenSize]`. */
function learnedPositions(
  { graph, weight, reshape, shape }: GraphParts,
  hiddenSize: number,
  grid: number,
  rows: string,
  columns: string,
): { classToken: string; patches: string } {
  const stored = weight('positions', 'float32');
  const part = (from: number, to: number): string =>
    graph.op('Slice', [stored, shape(`at${from}`, [from]), shape(`at${to}`, [to]), shape('axis1', [1])]);
  // [rows, grid] x [grid, grid * hidden], then [columns, grid] x [rows, grid, hidden].
  const lines = graph.op('MatMul', [
    rows,
    reshape(part(1, grid ** 2 + 1), shape('lineShape', [grid, grid * hiddenSize])),
  ]);
  const cells = graph.op('MatMul', [columns, reshape(lines, shape('cellShape', [-1, grid, hiddenSize]))]);
  return { classToken: part(0, 1), patches: reshape(cells, shape('positionShape', [1, -1, hiddenSize])) };
}
