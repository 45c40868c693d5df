// DINOv3 and DINOv2 as one family of encoders: what the shared parts of `@deepearth/onnx` need to know of them.

import { InputError } from '@deepearth/core/errors';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { GraphInput, ModelFamily, Unpacked } from '@deepearth/onnx/family';
import { cutPatches } from '@deepearth/onnx/patches';
import type { Tensors } from '@deepearth/onnx/session';
import { prefixTokens, readConfig, type Architecture } from './architecture.ts';
import { catalogue } from './catalogue.ts';
import { encoderGraph, graphVersion } from './graph.ts';
import { positionWeights } from './positions.ts';
import { rotaryTables } from './rotary.ts';
import { expectedTensors, meaningOf, publishedName } from './tensor-names.ts';

const titles: Readonly<Record<Architecture['kind'], string>> = {
  dinov3: 'DINOv3',
  dinov2: 'DINOv2',
  'dinov2-registers': 'DINOv2 with registers',
};

const papers: Readonly<Record<Architecture['kind'], string>> = {
  dinov3: 'Siméoni et al. 2025, "DINOv3", arXiv:2508.10104',
  dinov2: 'Oquab et al. 2023, "DINOv2: Learning Robust Visual Features without Supervision", arXiv:2304.07193',
  'dinov2-registers': 'Darcet et al. 2023, "Vision Transformers Need Registers", arXiv:2309.16588',
};

/**
 * DINOv3 and DINOv2 (with and without registers) as published for transformers, for the functions of `@deepearth/onnx`.
 */
export const dinov3Family: ModelFamily<Architecture> = {
  title: 'DINOv3 and DINOv2',
  modelType: /^(?:dinov3_vit|dinov2|dinov2_with_registers)$/,
  repositories: /dino-?v[23]/i,
  catalogue,
  readConfig,
  summary: ({ kind, patchSize, cropSize }) => `${titles[kind]}, patches of ${patchSize}, ${cropSize} px`,
  trainedOn: () => 'single pictures; clips are encoded frame by frame',
  citation: ({ kind }) => papers[kind],
  labels: () => [],
  name: ({ kind }) => titles[kind],

  meaningOf,
  expectedTensors,
  publishedName,

  graphVersion,
  graph: encoderGraph,
  prepare: graphInput,
  unpack,
  globals: ({ registers }) => ['class', ...Array.from({ length: registers }, (_, i) => `register-${i}`)],
  // At least 100 patches in each of two frames.
  testShape: ({ patchSize }) => [1, 2, 3, 10 * patchSize, 10 * patchSize],
  workload(architecture, frames, height, width) {
    const grid = { time: frames, ...patchGrid(architecture, height, width) };
    return { grid, sequences: frames, tokens: prefixTokens(architecture) + grid.height * grid.width };
  },

  references: {
    outputs: () => 'tokens',
    output: (name, input) => (name === 'last_hidden_state' || name === input ? 'tokens' : undefined),
    names: "last_hidden_state of a single input, or an input's key",
  },
};

/** Rows and columns that fill no patch are left out, as in the original. */
const patchGrid = ({ patchSize }: Architecture, height: number, width: number) => ({
  height: Math.floor(height / patchSize),
  width: Math.floor(width / patchSize),
});

/**
 * Inputs of the graph for normalised pixels, `[batch, frames, 3, height, width]` or, of single pictures, `[batch, 3,
 * height, width]`: every frame is a sequence of its own.
 */
function graphInput(architecture: Architecture, pixels: Tensor<'float32'>): GraphInput {
  const { patchSize, kind, headSize, ropeTheta, positionGrid } = architecture;
  const shape = pixels.shape.length === 4 ? [pixels.shape[0]!, 1, ...pixels.shape.slice(1)] : pixels.shape;
  const [batch, frames, channels, height, width] = shape as [number, number, number, number, number];
  if (shape.length !== 5 || channels !== 3 || batch < 1 || frames < 1 || height < patchSize || width < patchSize)
    throw new InputError(
      'pictures',
      `pixels are [batch, 3, height, width] or [batch, frames, 3, height, width], at least ${patchSize} pixels high and wide; these are [${pixels.shape.join(', ')}].`,
    );
  const grid = { time: frames, ...patchGrid(architecture, height, width) };
  const single = { ...pixels, shape: [batch * frames, 1, 3, height, width] };
  const prefix = prefixTokens(architecture);
  const positions: Tensors =
    positionGrid === null
      ? { ...rotaryTables(headSize, ropeTheta!, prefix, grid) }
      : {
          rows: positionWeights(kind, positionGrid, grid.height),
          columns: positionWeights(kind, positionGrid, grid.width),
        };
  return {
    variant: 'picture',
    feeds: { patches: cutPatches(single, 1, patchSize), ...positions },
    size: { batch: batch * frames, tokens: prefix + grid.height * grid.width },
    grid,
  };
}

/** Tokens of patches in their places; the class token and the registers by themselves. */
function unpack(architecture: Architecture, { tokens }: Tensors, { size, grid }: GraphInput): Unpacked {
  const { hiddenSize } = architecture;
  const { data } = tokens as Tensor<'float32'>;
  const prefix = prefixTokens(architecture) * hiddenSize;
  const whole = size.tokens * hiddenSize;
  const patches = new Float32Array(size.batch * (whole - prefix));
  const globals = new Float32Array(size.batch * prefix);
  for (let i = 0; i < size.batch; i++) {
    globals.set(data.subarray(i * whole, i * whole + prefix), i * prefix);
    patches.set(data.subarray(i * whole + prefix, (i + 1) * whole), i * (whole - prefix));
  }
  const batch = size.batch / grid.time;
  return {
    tokens: tensor('float32', [batch, grid.time, grid.height, grid.width, hiddenSize], patches),
    globals: tensor('float32', [batch, grid.time, prefix / hiddenSize, hiddenSize], globals),
  };
}
