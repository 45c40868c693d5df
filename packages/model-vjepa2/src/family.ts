// V-JEPA 2 and 2.1 as one family of encoders: what the shared parts of `@deepearth/onnx` need to know of them.

import { lineage } from '@deepearth/core/lineage';
import { sha256 } from '@deepearth/core/sha256';
import { bytesOf, tensor, type Tensor } from '@deepearth/core/tensor';
import { openCheckpoint } from '@deepearth/onnx/checkpoint';
import type { ModelFamily } from '@deepearth/onnx/family';
import { inferArchitecture, readConfig, tokenGrid, type Architecture } from './architecture.ts';
import { builtinConfig, builtinName, builtinTitle } from './builtin.ts';
import { catalogue } from './catalogue.ts';
import { graphInput } from './graph-input.ts';
import { encoderGraph, graphVersion, outputNames } from './graph.ts';
import { expectedTensors, meaningOf, publishedName } from './tensor-names.ts';

/** V-JEPA 2 and 2.1, for the functions of `@deepearth/onnx`. */
export const vjepa2Family: ModelFamily<Architecture> = {
  title: 'V-JEPA 2',
  modelType: /^vjepa2/,
  repositories: /v-?jepa/i,
  catalogue,
  builtin: {
    name: builtinName,
    title: builtinTitle,
    summary: 'V-JEPA 2 architecture, constructed, not trained: colour, texture, motion and neighbourhood',
    listed: `${builtinTitle}, ${builtinConfig.crop_size} px, ${builtinConfig.frames_per_clip} frames`,
    config: builtinConfig,
    async digest() {
      const { builtinCheckpoint } = await import('./builtin.ts');
      const { config, tensors } = builtinCheckpoint();
      return lineage(config, ...[...tensors].map(([name, t]) => [name, sha256(bytesOf(t))]));
    },
    async write(folder) {
      const { writeBuiltin } = await import('./builtin-folder.ts');
      return writeBuiltin(folder);
    },
  },

  readConfig,
  inferArchitecture,
  /** The tensors know better than a config whether they are of 2.0 or 2.1. */
  settle(architecture, shapes, path) {
    const family = shapes.has('imageEmbedding') || shapes.has('norms.0.weight') ? '2.1' : '2.0';
    if (family === architecture.family) return architecture;
    const { rotaryGrid, levels } = inferArchitecture(shapes, path);
    return { ...architecture, family, rotaryGrid, levels };
  },
  summary: ({ family, cropSize, framesPerClip }) => `V-JEPA ${family}, ${cropSize} px, ${framesPerClip} frames`,
  trainedOn: ({ framesPerClip, cropSize }) => `clips of ${framesPerClip} frames at ${cropSize} px`,
  citation: () =>
    'Assran et al. 2025, "V-JEPA 2: Self-Supervised Video Models Enable Understanding, Prediction and Planning", arXiv:2506.09985',
  labels: ({ labels }) => labels,
  name: ({ family }) => `V-JEPA ${family}`,

  meaningOf,
  expectedTensors,
  publishedName,

  graphVersion,
  fingerprinted: ({ labels: _, ...architecture }) => architecture,
  graph: encoderGraph,
  prepare: graphInput,
  unpack: ({ hiddenSize }, { tokens }, { size, grid }) => ({
    tokens: tensor(
      'float32',
      [size.batch, grid.time, grid.height, grid.width, hiddenSize],
      (tokens as Tensor<'float32'>).data,
    ),
  }),
  globals: () => [],
  // 200 tokens.
  testShape: () => [1, 4, 3, 160, 160],
  workload(architecture, frames, height, width) {
    const grid = tokenGrid(architecture, frames, height, width);
    return { grid, sequences: 1, tokens: grid.time * grid.height * grid.width };
  },

  references: {
    outputs: (names) =>
      names.some((name) => name.startsWith('hidden_states.'))
        ? 'hidden'
        : names.some((name) => name.endsWith('.hierarchical'))
          ? 'levels'
          : 'tokens',
    output(name, input) {
      const hidden = /^hidden_states\.(\d+)$/.exec(name)?.[1];
      if (hidden !== undefined) return outputNames.hidden(Number(hidden));
      if (name === `${input}.hierarchical`) return outputNames.levels;
      return name === 'last_hidden_state' || name === input ? outputNames.tokens : undefined;
    },
    besides: { names: ['logits', 'pooled'], make: classify },
    names: "last_hidden_state, hidden_states.N, logits, pooled, an input's key, or KEY.hierarchical",
  },
};

type Classify = NonNullable<(typeof vjepa2Family)['references']['besides']>['make'];

/** The outputs of a fine-tuned checkpoint's classifier for tokens. */
async function classify(...[tokens, { folder, weights, threads, signal }]: Parameters<Classify>): ReturnType<Classify> {
  const { openProbe } = await import('./probe-model.ts');
  const checkpoint = await openCheckpoint(vjepa2Family, folder, { weights });
  try {
    const probe = await openProbe(checkpoint, { threads, signal });
    try {
      const [batch, time, height, width, channels] = tokens.shape as [number, number, number, number, number];
      return await probe.classify(tensor('float32', [batch, time * height * width, channels], tokens.data), signal);
    } finally {
      await probe.close();
    }
  } finally {
    await checkpoint.close();
  }
}
