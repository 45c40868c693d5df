// The attentive classifier of a fine-tuned checkpoint, in a process of its own.

import { basename, dirname } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { lineage } from '@deepearth/core/lineage';
import type { Tensor } from '@deepearth/core/tensor';
import type { Checkpoint } from '@deepearth/onnx/checkpoint';
import { rememberedDigest } from '@deepearth/onnx/cache';
import type { PlacedWeight } from '@deepearth/onnx/placed-weights';
import type { Architecture } from './architecture.ts';
import { expectedProbe, probeGraph } from './probe-graph.ts';
import { openSession } from '@deepearth/onnx/session';

/** How a classifier runs. */
export interface ProbeOptions {
  /** Heads of the classifier's attention. Default: 16 for ViT-g, else as many as the encoder has. */
  readonly heads?: number | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An open classifier. `close` ends its process. */
export interface Probe {
  /** Class names by number. */
  readonly labels: readonly string[];
  readonly heads: number;
  /** Hex digest of weights and heads. */
  readonly fingerprint: string;
  /**
   * Classifies tokens `[batch, tokens, hiddenSize]` of the checkpoint's own encoder. Returns `logits` `[batch, labels]`
   * and `pooled` `[batch, hiddenSize]`.
   */
  classify(
    tokens: Tensor<'float32'>,
    signal?: AbortSignal,
  ): Promise<{ readonly logits: Tensor<'float32'>; readonly pooled: Tensor<'float32'> }>;
  close(): Promise<void>;
}

/**
 * Heads the published probes were trained with. The weights do not say: every head count fits their shapes. The
 * original's recipes train all probes with 16 heads; only for ViT-g is that not the encoder's own number (22), which is
 * what Hugging Face's port assumes.
 */
export const probeHeads = (hiddenSize: number, encoderHeads: number): number =>
  hiddenSize === 1408 ? 16 : encoderHeads;

/**
 * Gets a checkpoint's classifier ready. Throws an `InputError` when it has none, or lists what is missing or misshapen.
 */
export async function openProbe(
  checkpoint: Checkpoint<Architecture>,
  { heads, threads, signal }: ProbeOptions = {},
): Promise<Probe> {
  const { architecture, head, files } = checkpoint;
  const { hiddenSize, layerNormEpsilon } = architecture;
  const file = files[0]!;
  const labels = head.get('classifier.weight')?.shape[0];
  if (labels === undefined)
    throw new InputError(file, 'has no classifier.', {
      code: 'E_NO_PROBE',
      remedy: 'Use a fine-tuned checkpoint, such as facebook/vjepa2-vitl-fpc16-256-ssv2.',
    });
  let blocks = 0;
  while (head.has(`pooler.self_attention_layers.${blocks}.layer_norm1.weight`)) blocks++;
  const expected = expectedProbe({ hiddenSize, blocks, labels });
  const text = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
  const faults = [...expected].flatMap(([name, shape]) => {
    const found = head.get(name);
    if (!found) return [`missing ${name} ${text(shape)}`];
    return text(found.shape) === text(shape)
      ? []
      : [`${found.storedName} is ${text(found.shape)}, expected ${text(shape)}`];
  });
  for (const [name, { storedName }] of head) if (!expected.has(name)) faults.push(`unexpected ${storedName}`);
  if (faults.length)
    throw new InputError(file, `its classifier is not what was expected:\n  ${faults.join('\n  ')}\n`, {
      code: 'E_MODEL_TENSORS',
    });
  const weights = new Map<string, PlacedWeight>();
  for (const name of expected.keys()) {
    const stored = head.get(name)!;
    const location = await stored.locate(signal);
    if (!location || dirname(stored.file) !== dirname(file))
      throw new InputError(
        stored.file,
        `${stored.storedName} is stored in a way that cannot be read in place; save the checkpoint as safetensors.`,
        { code: 'E_MODEL_TENSORS' },
      );
    weights.set(name, {
      file: basename(stored.file),
      offset: location.offset,
      bytes: location.bytes,
      dtype: stored.dtype,
      shape: stored.shape,
    });
  }
  const used = heads ?? probeHeads(hiddenSize, architecture.heads);
  if (hiddenSize % used)
    throw new InputError('heads', `${used} heads do not divide a hidden size of ${hiddenSize}.`, {
      code: 'E_PROBE_HEADS',
    });
  const session = await openSession({
    model: probeGraph({ hiddenSize, heads: used, blocks, labels, layerNormEpsilon }, weights),
    folder: dirname(file),
    threads,
    signal,
    entries: { 'session.disable_prepacking': '1' },
  });
  return {
    labels: Array.from({ length: labels }, (_, i) => architecture.labels[i] ?? `class ${i}`),
    heads: used,
    fingerprint: lineage('probe', used, (await rememberedDigest(file, signal)).sha256),
    classify: async (tokens, abort) =>
      (await session.run({ tokens }, abort)) as unknown as { logits: Tensor<'float32'>; pooled: Tensor<'float32'> },
    close: () => session.close(),
  };
}
