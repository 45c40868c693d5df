// What config.json says of a DINOv3 or DINOv2 encoder, as transformers 5.24 reads it.

import { InputError } from '@deepearth/core/errors';
import type { EncoderArchitecture } from '@deepearth/onnx/architecture';
import { z } from 'zod';

/** `dinov3_vit`, `dinov2` and `dinov2_with_registers` of transformers. */
export type Kind = 'dinov3' | 'dinov2' | 'dinov2-registers';

/** Functions between the two matrices of an MLP. */
export type Activation = 'gelu' | 'gelu-tanh' | 'silu' | 'relu';

/** Everything the graph needs to know; nothing of it depends on the weights' values. */
export interface Architecture extends EncoderArchitecture {
  readonly kind: Kind;
  readonly layerNormEpsilon: number;
  /** Tokens that see nothing of their own, beside the class token. */
  readonly registers: number;
  readonly activation: Activation;
  /** The MLP multiplies what it activates with a second projection (SwiGLU, where the activation is SiLU). */
  readonly gated: boolean;
  /** Which linear layers have a bias. */
  readonly biases: {
    readonly query: boolean;
    readonly key: boolean;
    readonly value: boolean;
    readonly proj: boolean;
    readonly mlp: boolean;
  };
  /** DINOv3: the base of its rotary frequencies; `null` where positions are learned. */
  readonly ropeTheta: number | null;
  /** DINOv2: rows and columns of its learned positions; `null` where positions are turned. */
  readonly positionGrid: number | null;
}

/** Far above any encoder; sizes beyond would only be found out when memory is gone. */
const positive = z.number().int().positive().max(65_536);
const layers = z.number().int().positive().max(1024);
/** A number, or the same one for height and width. */
const square = z
  .union([positive, z.tuple([positive, positive])])
  .refine((size) => typeof size === 'number' || size[0] === size[1], 'only squares are supported')
  .transform((size) => (typeof size === 'number' ? size : size[0]));

const activations: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  silu: 'silu',
  swish: 'silu',
  relu: 'relu',
};
const activation = z
  .string()
  .default('gelu')
  .refine((name) => Object.hasOwn(activations, name), `only ${Object.keys(activations).join(', ')} are supported`)
  .transform((name) => activations[name]!);

/**
 * Fields that all three have. What is for training (dropout, drop_path_rate, initializer_range, layerscale_value, which
 * is where LayerScale starts) or for backbones (out_features, apply_layernorm, reshape_hidden_states) is left alone.
 */
const common = {
  hidden_size: positive,
  num_hidden_layers: layers,
  num_attention_heads: positive,
  hidden_act: activation,
  num_channels: z.literal(3, 'only 3 channels are supported').default(3),
  quantization_config: z.undefined('quantised checkpoints are not supported; take the original').optional(),
};

const dinov3Schema = z.looseObject({
  ...common,
  intermediate_size: positive.default(1536),
  layer_norm_eps: z.number().positive().default(1e-5),
  patch_size: square.default(16),
  num_register_tokens: z.number().int().nonnegative().max(65_536).default(0),
  rope_theta: z.number().positive().optional(),
  // Newer configs of transformers gather what belongs to the rotation.
  rope_parameters: z
    .looseObject({
      rope_theta: z.number().positive().optional(),
      rope_type: z.literal('default', 'only the "default" rotation is supported').default('default'),
    })
    .nullish(),
  query_bias: z.boolean().default(true),
  key_bias: z.boolean().default(false),
  value_bias: z.boolean().default(true),
  proj_bias: z.boolean().default(true),
  mlp_bias: z.boolean().default(true),
  use_gated_mlp: z.boolean().default(false),
  // pos_embed_shift, pos_embed_jitter and pos_embed_rescale move positions in training only.
});

const dinov2Schema = z.looseObject({
  ...common,
  mlp_ratio: z.number().positive().max(1024).default(4),
  layer_norm_eps: z.number().positive().default(1e-6),
  image_size: square.default(224),
  patch_size: square.optional(),
  num_register_tokens: z.number().int().nonnegative().max(65_536).optional(),
  qkv_bias: z.boolean().default(true),
  use_swiglu_ffn: z.boolean().default(false),
  head_dim: z.undefined('heads of another size than hidden_size / num_attention_heads are not supported').optional(),
});

const kinds: Readonly<Record<string, Kind>> = {
  dinov3_vit: 'dinov3',
  dinov2: 'dinov2',
  dinov2_with_registers: 'dinov2-registers',
};
/** The `model_type`s of `config.json` that are read. */
export const modelTypes = Object.keys(kinds);

/** Edge of the crop of every published processor, pixels; larger ones work. */
const publishedCrop = 224;

/** Reads a config.json that is already parsed. Throws an `InputError` that names `path` and every field at fault. */
export function readConfig(json: unknown, path: string): Architecture {
  const type = (json as { model_type?: unknown } | null)?.model_type;
  const kind = typeof type === 'string' && Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (!kind)
    throw new InputError(
      path,
      `is the config of a ${JSON.stringify(type ?? null)} model, not of one of ${modelTypes.join(', ')}.`,
      { code: 'E_MODEL_CONFIG' },
    );
  const architecture =
    kind === 'dinov3'
      ? readDinov3(parsed(dinov3Schema, json, path))
      : readDinov2(kind, parsed(dinov2Schema, json, path));
  const { hiddenSize, heads, headSize } = architecture;
  const step = kind === 'dinov3' ? 4 : 1;
  if (!Number.isInteger(headSize / step))
    throw new InputError(
      path,
      `says ${heads} attention heads for a hidden size of ${hiddenSize}, which makes heads of ${headSize}; they have to be ${step === 1 ? 'whole' : `multiples of ${step}`}.`,
      { code: 'E_MODEL_CONFIG' },
    );
  return architecture;
}

function parsed<Schema extends z.ZodType>(schema: Schema, json: unknown, path: string): z.output<Schema> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path: field, message }) => `${field.join('.') || 'the file'}: ${message}`);
  throw new InputError(path, `is no config.json of a DINO encoder: ${issues.join('; ')}.`, { code: 'E_MODEL_CONFIG' });
}

const sizes = (c: { hidden_size: number; num_hidden_layers: number; num_attention_heads: number }) => ({
  hiddenSize: c.hidden_size,
  layers: c.num_hidden_layers,
  heads: c.num_attention_heads,
  headSize: c.hidden_size / c.num_attention_heads,
});

const readDinov3 = (c: z.output<typeof dinov3Schema>): Architecture => ({
  kind: 'dinov3',
  ...sizes(c),
  mlpSize: c.intermediate_size,
  layerNormEpsilon: c.layer_norm_eps,
  patchSize: c.patch_size,
  cropSize: publishedCrop,
  registers: c.num_register_tokens,
  activation: c.hidden_act,
  gated: c.use_gated_mlp,
  biases: { query: c.query_bias, key: c.key_bias, value: c.value_bias, proj: c.proj_bias, mlp: c.mlp_bias },
  ropeTheta: c.rope_parameters?.rope_theta ?? c.rope_theta ?? 100,
  positionGrid: null,
});

function readDinov2(kind: Kind, c: z.output<typeof dinov2Schema>): Architecture {
  const wide = Math.trunc(c.hidden_size * c.mlp_ratio);
  const patchSize = c.patch_size ?? (kind === 'dinov2' ? 14 : 16);
  return {
    kind,
    ...sizes(c),
    // SwiGLU keeps two thirds, rounded up to a multiple of 8, and always uses SiLU.
    mlpSize: c.use_swiglu_ffn ? Math.ceil(Math.trunc((wide * 2) / 3) / 8) * 8 : wide,
    layerNormEpsilon: c.layer_norm_eps,
    patchSize,
    cropSize: publishedCrop,
    registers: kind === 'dinov2' ? 0 : (c.num_register_tokens ?? 4),
    activation: c.use_swiglu_ffn ? 'silu' : c.hidden_act,
    gated: c.use_swiglu_ffn,
    biases: { query: c.qkv_bias, key: c.qkv_bias, value: c.qkv_bias, proj: true, mlp: true },
    ropeTheta: null,
    positionGrid: Math.floor(c.image_size / patchSize),
  };
}

/** Tokens before the patches: the class token and the registers. */
export const prefixTokens = ({ registers }: Pick<Architecture, 'registers'>): number => 1 + registers;
