// A tiny family of encoders for the tests: patches of 2 x 2 pixels, learned nothing, one global token per frame.

import { InputError } from '@deepearth/core/errors';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { onnxModel } from '@deepearth/formats/onnx';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import type { EncoderArchitecture } from '../architecture.ts';
import type { ModelFamily } from '../family.ts';
import { attention } from '../graph-attention.ts';
import { graphParts } from '../graph-parts.ts';
import { cutPatches } from '../patches.ts';

export const toy: EncoderArchitecture = {
  hiddenSize: 32,
  layers: 3,
  heads: 2,
  headSize: 16,
  mlpSize: 48,
  patchSize: 2,
  cropSize: 8,
};

const layerTensors = (layer: number): [string, number[]][] =>
  [
    ...['query', 'key', 'value', 'proj'].map((name) => [name, [32, 32]] as const),
    ['fc1', [48, 32]] as const,
    ['fc2', [32, 48]] as const,
    ['norm1', [32]] as const,
    ['norm2', [32]] as const,
  ].flatMap(([name, shape]) => [
    [`layers.${layer}.${name}.weight`, [...shape]],
    // Keys without a bias, as DINOv3 has them.
    ...(name === 'key' ? [] : [[`layers.${layer}.${name}.bias`, [shape[0]!]] as [string, number[]]]),
  ]);

export const toyFamily: ModelFamily<EncoderArchitecture> = {
  title: 'Toy',
  modelType: /^toy$/,
  repositories: /toy/,
  catalogue: [
    {
      name: 'someone/toy',
      mirrors: ['someone-else/toy'],
      summary: 'Toy, 8 px',
      parameters: 1000,
      fileParameters: undefined,
      labels: 0,
      gated: true,
      original: null,
      architecture: () => toy,
    },
  ],
  readConfig(json, path) {
    const { layers = toy.layers } = json as { layers?: number };
    if (!Number.isInteger(layers))
      throw new InputError(path, 'layers: expected a whole number', { code: 'E_MODEL_CONFIG' });
    return { ...toy, layers };
  },
  summary: ({ cropSize }) => `Toy, ${cropSize} px`,
  trainedOn: () => 'nothing',
  citation: () => 'no paper',
  labels: () => [],
  name: () => 'Toy',
  meaningOf: (name) =>
    name === 'besides'
      ? 'besides'
      : /^(?:patch|norm|layers\.\d+\.\w+)\.(?:weight|bias)$/.test(name)
        ? { encoder: [name] }
        : undefined,
  expectedTensors: ({ layers }) =>
    new Map([
      ['patch.weight', [32, 3, 2, 2]],
      ['patch.bias', [32]],
      ...Array.from({ length: layers }, (_, layer) => layerTensors(layer)).flat(),
      ['norm.weight', [32]],
      ['norm.bias', [32]],
    ] as [string, number[]][]),
  publishedName: (name) => name,
  graphVersion: 1,
  graph(request) {
    const { architecture, size, attention: form, layers = architecture.layers } = request;
    const { hiddenSize, heads, headSize } = architecture;
    const graph = onnxModel({ name: 'toy', opsets: { '': 20, 'com.microsoft': 1 } });
    const parts = graphParts(graph, request);
    const { linear, reshape, shape, half, full, add, norm } = parts;
    const [batch, tokens] = size ? [size.batch, size.tokens] : ['batch', 'tokens'];
    const patches = graph.input('patches', 'float32', [batch, tokens, 12]);
    const gridShape = graph.op(
      'Concat',
      [graph.op('Shape', [patches], { start: 0, end: 2 }), shape('hiddenShape', [hiddenSize])],
      { axis: 0 },
    );
    const attend = attention(parts, { heads, headSize, form, gridShape });
    let x = full(linear(half(reshape(patches, shape('rows', [-1, 12]))), 'patch'));
    for (let i = 0; i < layers; i++) {
      const layer = `layers.${i}`;
      x = add(x, full(attend(half(norm(x, `${layer}.norm1`, 1e-6)), layer)), `${layer}.attended`);
      const inner = graph.op('Gelu', [linear(half(norm(x, `${layer}.norm2`, 1e-6)), `${layer}.fc1`)], {
        approximate: 'none',
      });
      x = add(x, full(linear(inner, `${layer}.fc2`)), `${layer}.mlp`);
    }
    graph.op('Reshape', [norm(x, 'norm', 1e-6), gridShape], {}, { as: 'tokens' });
    graph.output('tokens', 'float32', [batch, tokens, hiddenSize]);
    return graph.encode();
  },
  prepare(_, pixels) {
    const [batch, frames, channels, height, width] = pixels.shape as [number, number, number, number, number];
    const patches = cutPatches({ ...pixels, shape: [batch * frames, 1, channels, height, width] }, 1, 2);
    return {
      variant: 'frame',
      feeds: { patches },
      size: { batch: batch * frames, tokens: patches.shape[1]! },
      grid: { time: frames, height: height / 2, width: width / 2 },
    };
  },
  unpack(_, { tokens }, { size, grid }) {
    const batch = size.batch / grid.time;
    const { data } = tokens as Tensor<'float32'>;
    // Its global is the first token over again.
    const globals = new Float32Array(size.batch * 32);
    for (let i = 0; i < size.batch; i++) {
      const from = i * size.tokens * 32;
      globals.set(data.subarray(from, from + 32), i * 32);
    }
    return {
      tokens: tensor('float32', [batch, grid.time, grid.height, grid.width, 32], data),
      globals: tensor('float32', [batch, grid.time, 1, 32], globals),
    };
  },
  globals: () => ['first'],
  testShape: () => [1, 2, 3, 20, 20],
  workload: (_, frames, height, width) => ({
    grid: { time: frames, height: height / 2, width: width / 2 },
    sequences: frames,
    tokens: (height * width) / 4,
  }),
  references: {
    outputs: () => 'tokens',
    output: (name, input) => (name === input ? 'tokens' : undefined),
    names: "an input's key",
  },
};

/** Values between -1 and 1 that look random and are not. */
export const waves = (length: number, step = 12.9898): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * step));

/** A model.safetensors of the toy. */
export const toyWeights = (): Promise<Uint8Array> =>
  encodeSafetensors(
    new Map(
      [...toyFamily.expectedTensors(toy)].map(([name, shape], i) => {
        const values = waves(
          shape.reduce((a, b) => a * b, 1),
          12.9898 + i,
        );
        return [
          name,
          tensor(
            'float32',
            shape,
            values.map((value) => value * 0.3 + (name.includes('norm') ? 1 : 0)),
          ),
        ];
      }),
    ),
  );
