// What a checkpoint's config.json (or, without one, its tensor shapes) says about the encoder.

import { InputError } from '@deepearth/core/errors';
import type { EncoderArchitecture, Grid } from '@deepearth/onnx/architecture';
import { z } from 'zod';

/** 2.0 and 2.1 differ in rotary tables, modality embeddings and the norms at the end. */
export type Family = '2.0' | '2.1';

/** Everything the graph needs to know; nothing of it depends on the weights' values. */
export interface Architecture extends EncoderArchitecture {
  readonly family: Family;
  readonly layerNormEpsilon: number;
  /** Frames a token spans. */
  readonly tubelet: number;
  /** Length of the clips it was trained on, frames; other lengths work. */
  readonly framesPerClip: number;
  /**
   * 2.1: rows and columns are scaled to a grid of this many tokens before they become angles; `null` where they are
   * taken as they are.
   */
  readonly rotaryGrid: number | null;
  /** 2.1: layers (from 0) whose outputs make the hierarchical features, the last one included; empty in 2.0. */
  readonly levels: readonly number[];
  /** Class names by number, of a fine-tuned classifier; empty otherwise. */
  readonly labels: readonly string[];
}

/** Far above any encoder; sizes beyond would only be found out when memory is gone. */
const positive = z.number().int().positive().max(65_536);
const layers = z.number().int().positive().max(1024);

/** The fields of config.json that are used; what else stands there is left alone. */
const configSchema = z.looseObject({
  model_type: z.string().optional(),
  hidden_size: positive,
  num_hidden_layers: layers,
  num_attention_heads: positive,
  mlp_ratio: z.number().positive().max(1024).default(4),
  layer_norm_eps: z.number().positive().default(1e-6),
  patch_size: positive.default(16),
  tubelet_size: positive.default(2),
  crop_size: positive.default(256),
  frames_per_clip: positive.default(64),
  in_chans: z.literal(3, 'only 3 channels are supported').default(3),
  hidden_act: z.literal('gelu', 'only the exact "gelu" is supported').default('gelu'),
  qkv_bias: z.literal(true, 'attention without biases is not supported').default(true),
  n_registers: z.literal(0, 'register tokens are not supported').default(0),
  has_cls_first: z.literal(false, 'a class token is not supported').default(false),
  modality_embedding: z.boolean().optional(),
  use_modality_embeddings: z.boolean().optional(),
  interpolate_rope: z.boolean().optional(),
  pretrained_grid_size: positive.optional(),
  hierarchical_layers: z.array(z.number().int().nonnegative()).max(1024).optional(),
  id2label: z.record(z.string(), z.string()).optional(),
});

/** Layers whose outputs the 2.1 models return as levels, by depth; other depths take them evenly. */
const knownLevels: Readonly<Record<number, readonly number[]>> = {
  12: [2, 5, 8, 11],
  24: [5, 11, 17, 23],
  40: [9, 19, 29, 39],
  48: [11, 23, 37, 47],
};
const levelsOf = (layers: number): readonly number[] =>
  knownLevels[layers] ?? [1, 2, 3, 4].map((quarter) => Math.max(Math.ceil((layers * quarter) / 4) - 1, 0));

/** Reads a config.json that is already parsed. Throws an `InputError` that names `path` and every field at fault. */
export function readConfig(json: unknown, path: string): Architecture {
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(
      ({ path: field, message }) => `${field.join('.') || 'the file'}: ${message}`,
    );
    throw new InputError(path, `is no config.json of a V-JEPA 2 encoder: ${issues.join('; ')}.`, {
      code: 'E_MODEL_CONFIG',
    });
  }
  const c = parsed.data;
  const family = c.model_type === 'vjepa21' || (c.modality_embedding ?? c.use_modality_embeddings) ? '2.1' : '2.0';
  if (c.model_type !== undefined && !/^vjepa2/.test(c.model_type))
    throw new InputError(
      path,
      `is the config of a ${JSON.stringify(c.model_type)} model, not of a V-JEPA 2 encoder ("vjepa2" or "vjepa21").`,
      { code: 'E_MODEL_CONFIG' },
    );
  const ids = Object.entries(c.id2label ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  return checked(
    {
      family,
      hiddenSize: c.hidden_size,
      layers: c.num_hidden_layers,
      heads: c.num_attention_heads,
      headSize: c.hidden_size / c.num_attention_heads,
      mlpSize: Math.trunc(c.hidden_size * c.mlp_ratio),
      layerNormEpsilon: c.layer_norm_eps,
      patchSize: c.patch_size,
      tubelet: c.tubelet_size,
      cropSize: c.crop_size,
      framesPerClip: c.frames_per_clip,
      rotaryGrid: family === '2.1' && (c.interpolate_rope ?? true) ? (c.pretrained_grid_size ?? 16) : null,
      levels: family === '2.1' ? (c.hierarchical_layers ?? levelsOf(c.num_hidden_layers)) : [],
      labels: ids.map(([, label]) => label),
    },
    path,
  );
}

/**
 * Shapes of stored tensors by the project's names (`tensor-names.ts`), for a checkpoint that comes without a config.
 */
export function inferArchitecture(shapes: ReadonlyMap<string, readonly number[]>, path: string): Architecture {
  const patch = shapes.get('patch.weight');
  const fc1 = shapes.get('layers.0.fc1.weight');
  if (patch?.length !== 5 || fc1?.length !== 2)
    throw new InputError(path, 'holds no V-JEPA 2 encoder: it has no patch embedding or no first layer.', {
      code: 'E_MODEL_TENSORS',
    });
  const [hiddenSize, , tubelet, patchSize] = patch as [number, number, number, number, number];
  const family = [...shapes.keys()].some((name) => name === 'imageEmbedding' || name.startsWith('norms.'))
    ? '2.1'
    : '2.0';
  let layers = 0;
  while (shapes.has(`layers.${layers}.norm1.weight`)) layers++;
  // Heads leave no trace in the shapes: every published encoder has heads of 64, but ViT-H, 16 of 80.
  const heads = hiddenSize === 1280 ? 16 : hiddenSize / 64;
  return checked(
    {
      family,
      hiddenSize,
      layers,
      heads,
      headSize: hiddenSize / heads,
      mlpSize: fc1[0]!,
      layerNormEpsilon: 1e-6,
      patchSize,
      tubelet,
      cropSize: family === '2.1' || /384/.test(path) ? 384 : 256,
      framesPerClip: 64,
      rotaryGrid: family === '2.1' ? 16 : null,
      levels: family === '2.1' ? levelsOf(layers) : [],
      labels: [],
    },
    path,
  );
}

function checked(architecture: Architecture, path: string): Architecture {
  const { hiddenSize, heads, headSize, levels, layers: depth } = architecture;
  if (levels.some((level) => level >= depth))
    throw new InputError(
      path,
      `says hierarchical_layers [${levels.slice(0, 8).join(', ')}] of ${depth} layers, counted from 0.`,
      {
        code: 'E_MODEL_CONFIG',
      },
    );
  if (!Number.isInteger(headSize) || headSize % 2)
    throw new InputError(
      path,
      `says ${heads} attention heads for a hidden size of ${hiddenSize}, which makes heads of ${headSize}; they have to be of an even size.`,
      { code: 'E_MODEL_CONFIG' },
    );
  return architecture;
}

/**
 * Tokens of a clip: time steps, rows, columns. An odd last frame is dropped, as in the original; one frame is one step.
 */
export function tokenGrid({ patchSize, tubelet }: Architecture, frames: number, height: number, width: number): Grid {
  return {
    time: Math.max(Math.floor(frames / tubelet), 1),
    height: Math.floor(height / patchSize),
    width: Math.floor(width / patchSize),
  };
}
