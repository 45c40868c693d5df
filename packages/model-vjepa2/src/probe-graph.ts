// The attentive classifier as an ONNX graph: a few self-attention blocks, one query that attends to all tokens, a
// linear layer.

import { tensor } from '@deepearth/core/tensor';
import { onnxModel } from '@deepearth/formats/onnx';
import { microsoft } from '@deepearth/onnx/graph-parts';
import type { PlacedWeight } from '@deepearth/onnx/placed-weights';

export interface ProbeShape {
  readonly hiddenSize: number;
  /** Heads of the classifier's attention, which need not be the encoder's. */
  readonly heads: number;
  /** Self-attention blocks. */
  readonly blocks: number;
  readonly labels: number;
  readonly layerNormEpsilon: number;
}

/** Every tensor of a classifier, by its published name without wrappers, with its shape. */
export function expectedProbe({
  hiddenSize: d,
  blocks,
  labels,
}: Omit<ProbeShape, 'heads' | 'layerNormEpsilon'>): Map<string, readonly number[]> {
  const expected = new Map<string, readonly number[]>([['pooler.query_tokens', [1, 1, d]]]);
  const affine = (name: string, ...shape: number[]): void => {
    expected.set(`${name}.weight`, shape);
    expected.set(`${name}.bias`, [shape[0]!]);
  };
  const block = (name: string, attention: string, projections: readonly string[]): void => {
    for (const norm of ['layer_norm1', 'layer_norm2']) affine(`${name}.${norm}`, d);
    for (const projection of projections) affine(`${name}.${attention}.${projection}`, d, d);
    // Four times as wide whatever the encoder's ratio is: the original's default, which ViT-g's encoder departs from
    // and its probe does not.
    affine(`${name}.mlp.fc1`, 4 * d, d);
    affine(`${name}.mlp.fc2`, d, 4 * d);
  };
  for (let i = 0; i < blocks; i++)
    block(`pooler.self_attention_layers.${i}`, 'self_attn', ['q_proj', 'k_proj', 'v_proj', 'out_proj']);
  block('pooler.cross_attention_layer', 'cross_attn', ['q_proj', 'k_proj', 'v_proj']);
  affine('classifier', labels, d);
  return expected;
}

/**
 * The model file. Input: `tokens` `[batch, tokens, hiddenSize]`, the encoder's normalised output. Outputs: `pooled`
 * `[batch, hiddenSize]`, `logits` `[batch, labels]`.
 */
export function probeGraph(
  { hiddenSize, heads, blocks, labels, layerNormEpsilon }: ProbeShape,
  weights: ReadonlyMap<string, PlacedWeight>,
): Uint8Array {
  const graph = onnxModel({ name: 'attentive-classifier', opsets: { '': 20, 'com.microsoft': 1 } });
  const placed = new Map<string, string>();
  const weight = (name: string): string => {
    const known = placed.get(name);
    if (known) return known;
    const { file, offset, bytes, dtype, shape } = weights.get(name)!;
    const stored = graph.external(name, dtype, shape, { location: file, offset, length: bytes });
    const made = dtype === 'float32' ? stored : graph.op('Cast', [stored], { to: 1 });
    placed.set(name, made);
    return made;
  };
  const int64 = (name: string, sizes: readonly number[]): string =>
    graph.constant(name, tensor('int64', [sizes.length], BigInt64Array.from(sizes, BigInt)));
  const rowsShape = int64('rowsShape', [-1, hiddenSize]);
  const tokens = graph.input('tokens', 'float32', ['batch', 'tokens', hiddenSize]);
  const gridShape = graph.op('Shape', [tokens], {}, { name: 'gridShape' });
  const rows = (x: string): string => graph.op('Reshape', [x, rowsShape]);
  const linear = (x: string, name: string): string =>
    graph.op('Gemm', [x, weight(`${name}.weight`), weight(`${name}.bias`)], { transB: 1 }, { name });
  const norm = (x: string, name: string): string =>
    graph.op(
      'LayerNormalization',
      [x, weight(`${name}.weight`), weight(`${name}.bias`)],
      { axis: -1, epsilon: { float: layerNormEpsilon } },
      { name },
    );
  const mlp = (x: string, name: string): string =>
    linear(
      graph.op('Gelu', [linear(norm(x, `${name}.layer_norm2`), `${name}.mlp.fc1`)], { approximate: 'none' }),
      `${name}.mlp.fc2`,
    );
  const attend = (q: string, k: string, v: string, name: string): string =>
    rows(graph.op('MultiHeadAttention', [q, k, v], { num_heads: heads }, { ...microsoft, name }));

  let x = rows(tokens);
  const grid = (y: string): string => graph.op('Reshape', [y, gridShape]);
  for (let i = 0; i < blocks; i++) {
    const name = `pooler.self_attention_layers.${i}`;
    const normed = norm(x, `${name}.layer_norm1`);
    const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((part) =>
      grid(linear(normed, `${name}.self_attn.${part}`)),
    ) as [string, string, string];
    x = graph.op('Add', [x, linear(attend(q, k, v, `${name}.attention`), `${name}.self_attn.out_proj`)]);
    x = graph.op('Add', [x, mlp(x, name)]);
  }
  const name = 'pooler.cross_attention_layer';
  const normed = norm(x, `${name}.layer_norm1`);
  const batch = graph.op('Shape', [tokens], { start: 0, end: 1 });
  const wide = graph.op('Concat', [batch, int64('queryShape', [1, hiddenSize])], { axis: 0 });
  // The query itself is not normed, only what it attends to.
  const queries = graph.op('Expand', [weight('pooler.query_tokens'), wide]);
  const q = graph.op('Reshape', [linear(rows(queries), `${name}.cross_attn.q_proj`), wide]);
  const mixed = attend(
    q,
    grid(linear(normed, `${name}.cross_attn.k_proj`)),
    grid(linear(normed, `${name}.cross_attn.v_proj`)),
    `${name}.attention`,
  );
  const attended = graph.op('Add', [rows(queries), mixed]);
  graph.op('Add', [attended, mlp(attended, name)], {}, { as: 'pooled' });
  graph.output('pooled', 'float32', ['batch', hiddenSize]);
  graph.op('Gemm', ['pooled', weight('classifier.weight'), weight('classifier.bias')], { transB: 1 }, { as: 'logits' });
  graph.output('logits', 'float32', ['batch', labels]);
  return graph.encode();
}
