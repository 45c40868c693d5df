// Writes the encoder as an ONNX graph.

import { onnxModel, type Attributes } from '@deepearth/formats/onnx';
import type { GraphRequest } from '@deepearth/onnx/family';
import { attention } from '@deepearth/onnx/graph-attention';
import { graphParts } from '@deepearth/onnx/graph-parts';
import type { Architecture } from './architecture.ts';
import { rotation } from './graph-rotary.ts';

/** Counts up when the graph's arithmetic changes, so that what was made with another is told apart. */
export const graphVersion = 2;

/** The names of the graph's outputs. */
export const outputNames = {
  tokens: 'tokens',
  hidden: (layer: number) => `hidden.${layer}`,
  levels: 'levels',
} as const;

/**
 * The model file of an encoder. Inputs: `patches` `[batch, tokens, 3 * tubelet * patch²]` (`patches.ts`), and the
 * rotary tables (`rotary.ts`), each `[tokens, headSize / 2]`: `cosEven`, `sinEven` and, in V-JEPA 2.0, `cosOdd`,
 * `sinOdd`. Output: `tokens` `[batch, tokens, hiddenSize]`. `variant: 'image'` takes one frame through the image
 * embedding of V-JEPA 2.1. `outputs: 'hidden'` adds what enters and leaves every layer, `'levels'` the hierarchical
 * features.
 */
export function encoderGraph(request: GraphRequest<Architecture>): Uint8Array {
  const { architecture, variant: input = 'video', outputs = 'tokens', size, layers = architecture.layers } = request;
  const { attention: form = 'fused' } = request;
  const { hiddenSize, heads, headSize, patchSize, tubelet, family, levels } = architecture;
  const graph = onnxModel({ name: `vjepa-${family}-${input}`, opsets: { '': 20, 'com.microsoft': 1 } });
  const parts = graphParts(graph, request);
  const { weight, linear, reshape, shape, half, full, add } = parts;
  const batch = size?.batch ?? 'batch';
  const tokens = size?.tokens ?? 'tokens';
  const patchValues = 3 * (input === 'image' ? 1 : tubelet) * patchSize * patchSize;

  const patches = graph.input('patches', 'float32', [batch, tokens, patchValues]);
  const tables = (family === '2.0' ? ['cosEven', 'sinEven', 'cosOdd', 'sinOdd'] : ['cosEven', 'sinEven']).map((name) =>
    graph.input(name, 'float32', [tokens, headSize / 2]),
  );
  // [batch, tokens, hiddenSize], for the parts that do not work on rows.
  const gridShape = size
    ? shape('gridShape', [size.batch, size.tokens, hiddenSize])
    : graph.op(
        'Concat',
        [graph.op('Shape', [patches], { start: 0, end: 2 }), shape('hiddenShape', [hiddenSize])],
        { axis: 0 },
        { name: 'gridShape' },
      );

  const norm = (x: string, name: string): string => parts.norm(x, name, architecture.layerNormEpsilon);
  const result = (x: string, name: string, width = hiddenSize): void => {
    const whole =
      width === hiddenSize
        ? gridShape
        : graph.op('Concat', [graph.op('Shape', [patches], { start: 0, end: 2 }), shape(`${name}Shape`, [width])], {
            axis: 0,
          });
    graph.op('Reshape', [x, whole], {}, { as: name });
    graph.output(name, 'float32', [batch, tokens, width]);
  };

  const rows = reshape(patches, shape('patchShape', [-1, patchValues]));
  const embed = input === 'image' ? 'patchImage' : 'patch';
  let x = full(linear(half(rows), embed));
  if (family === '2.1')
    x = add(
      x,
      reshape(
        weight(input === 'image' ? 'imageEmbedding' : 'videoEmbedding', 'float32'),
        shape('rowShape', [1, hiddenSize]),
      ),
      'modality',
    );

  const rotate = rotation(parts, form, { architecture, tables, gridShape });
  const attend = attention(parts, { heads, headSize, form, gridShape, rotate });
  const between: string[] = [x];
  for (let layer = 0; layer < layers; layer++) {
    const name = `layers.${layer}`;
    x = add(x, full(attend(half(norm(x, `${name}.norm1`)), name)), `${name}.attended`);
    const inner = graph.op('Gelu', [linear(half(norm(x, `${name}.norm2`)), `${name}.fc1`)], gelu, {
      name: `${name}.gelu`,
    });
    x = add(x, full(linear(inner, `${name}.fc2`)), `${name}.mlp`);
    between.push(x);
  }
  const normed = levels.map((level, k) => (level < layers ? norm(between[level + 1]!, `norms.${k}`) : undefined));
  result(family === '2.0' ? norm(x, 'norm') : (normed.at(-1) ?? norm(x, `norms.${levels.length - 1}`)), 'tokens');
  if (outputs === 'hidden') between.forEach((value, layer) => result(value, outputNames.hidden(layer)));
  if (outputs === 'levels' && family === '2.1')
    result(graph.op('Concat', normed as string[], { axis: -1 }), 'levels', hiddenSize * levels.length);
  return graph.encode();
}

/** The exact one, by the error function. */
const gelu: Attributes = { approximate: 'none' };
