// The probe stage: classifies each clip by the attentive classifier of a fine-tuned checkpoint.

import {
  axisSize,
  defineAggregator,
  InputError,
  isRefusal,
  oneStream,
  refuse,
  spec,
  tensor,
  toFloat32,
  type Embedding,
  type TokenGrid,
} from '@deepearth/core';
import { z } from 'zod';
import { weightsInput } from '@deepearth/onnx/weights-input';
import { openCheckpoint, type Checkpoint } from '@deepearth/onnx/checkpoint';
import { encoderFingerprint } from '@deepearth/onnx/encoder';
import { precisions } from '@deepearth/onnx/precision';
import { openProbe, type Probe } from './probe-model.ts';
import { resolveModel } from '@deepearth/onnx/resolve-model';
import { surveyModel, type ModelSurvey } from '@deepearth/onnx/survey-model';
import type { Architecture } from './architecture.ts';
import { vjepa2Family } from './family.ts';

/** Options of `aggregator/probe`. */
export const probeOptions = z.strictObject({
  model: z
    .string()
    .min(1)
    .default('facebook/vjepa2-vitl-fpc16-256-ssv2')
    .describe(
      'A fine-tuned checkpoint: a folder, or a name on the Hugging Face Hub. The encoder before it has to use the same.',
    ),
  output: z
    .enum(['probabilities', 'logits', 'pooled'])
    .default('probabilities')
    .describe(
      '`probabilities` of the classes (they sum to 1), `logits` before the softmax, or the `pooled` vector before the last layer.',
    ),
  heads: z
    .number()
    .int()
    .positive()
    .optional()
    .describe(
      'Heads of the classifier’s attention, which the weights do not say. Default: 16 for ViT-g, as the published probes were trained, else the encoder’s.',
    ),
  top: z.number().int().positive().default(5).describe('How many of the likeliest classes are named with each clip.'),
  threads: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('CPU threads; never more than there are cores. Default: all.'),
});

/** The classification of one clip. */
export interface Classification extends Embedding {
  /** Class names, in the order of the values along `labels`. */
  readonly labels: readonly string[];
  /** The likeliest classes, the likeliest first. */
  readonly top: readonly { readonly label: string; readonly probability: number }[];
}

/** What is open while `aggregator/probe` runs. */
export interface ProbeState {
  readonly checkpoint: Checkpoint<Architecture>;
  readonly probe: Probe;
  /** Fingerprints of the encoders whose tokens the classifier understands. */
  readonly encoders: ReadonlySet<string>;
}

/**
 * The stage `aggregator/probe`: the attentive classifier of a fine-tuned V-JEPA 2 on token grids, `[labels]` (or
 * `[channels]` with `output: pooled`) for each clip.
 */
export const probe = defineAggregator({
  type: 'probe',
  summary: 'Classifies clips with the attentive probe of a fine-tuned V-JEPA 2 checkpoint (SSv2, Diving48).',
  options: probeOptions,
  examples: [
    '- type: aggregator/probe',
    '- type: aggregator/probe\n  with: { model: facebook/vjepa2-vitl-fpc32-256-diving48, output: logits, top: 3 }',
  ],

  survey: ({ model }): Promise<ModelSurvey<Architecture>> => surveyModel(vjepa2Family, model),

  joins: 'parallel',

  describe(_, { options, survey, inputs }) {
    const input = oneStream(inputs);
    if (input && isRefusal(input)) return input;
    if (input?.kind !== 'tokens')
      return refuse(`aggregator/probe takes tokens, not ${input?.kind ?? 'nothing'}`, {
        remedy: 'Put it behind an encoder.',
      });
    const channels = axisSize(input, 'channels');
    const architecture = survey?.architecture;
    if (architecture && channels !== null && channels !== architecture.hiddenSize)
      return refuse(
        `the tokens have ${channels} channels, the classifier of ${survey.name} takes ${architecture.hiddenSize}`,
        { option: 'model', remedy: 'Use the same model in encoder/vjepa2.' },
      );
    if (options.output === 'pooled')
      return { output: spec('embedding', { channels: architecture?.hiddenSize ?? channels }, 'float32', input.count) };
    return { output: spec('embedding', { labels: architecture?.labels.length || null }, 'float32', input.count) };
  },

  async open({ options: { model, heads, threads }, signal, log, progress, recordInput }): Promise<ProbeState> {
    const { path, name } = await resolveModel([vjepa2Family], model, { signal, log: log.warn, progress });
    const checkpoint = await openCheckpoint(vjepa2Family, path, { name });
    try {
      for (const file of checkpoint.files) recordInput(await weightsInput(file, signal));
      const opened = await openProbe(checkpoint, { heads, threads, signal });
      const encoders = new Set<string>();
      for (const precision of precisions) encoders.add(await encoderFingerprint(checkpoint, precision, signal));
      return { checkpoint, probe: opened, encoders };
    } catch (error) {
      await checkpoint.close();
      throw error;
    }
  },

  async each(tokens: TokenGrid, { options, state, signal, key }): Promise<Classification> {
    const { probe: opened, encoders, checkpoint } = state;
    if (!encoders.has(tokens.encoder.fingerprint))
      throw new InputError(
        tokens.id,
        `its tokens come from ${tokens.encoder.name}, the classifier was trained on those of ${checkpoint.name}.`,
        { code: 'E_ENCODER', remedy: 'Use the same model in encoder/vjepa2 and aggregator/probe.' },
      );
    const values = toFloat32(tokens.values);
    const channels = values.shape.at(-1)!;
    const { logits, pooled } = await opened.classify(
      tensor('float32', [1, values.data.length / channels, channels], values.data),
      signal,
    );
    const probabilities = softmax(logits.data);
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]!).slice(0, options.top);
    const made = { probabilities, logits: logits.data, pooled: pooled.data }[options.output];
    return {
      kind: 'embedding',
      id: tokens.id,
      key: key(tokens.key, opened.fingerprint),
      values: tensor('float32', [made.length], made),
      axes: [options.output === 'pooled' ? 'channels' : 'labels'],
      origin: tokens.origin,
      ...(tokens.clip && { clip: tokens.clip }),
      encoder: tokens.encoder,
      labels: opened.labels,
      top: order.map((index) => ({ label: opened.labels[index]!, probability: probabilities[index]! })),
    };
  },

  async close({ probe: opened, checkpoint }) {
    await opened.close();
    await checkpoint.close();
  },
});

/** Values that sum to 1. */
function softmax(logits: Float32Array): Float32Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Array.from(logits, (value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return Float32Array.from(powers, (value) => value / sum);
}
