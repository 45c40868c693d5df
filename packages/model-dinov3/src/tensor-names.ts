// One name for each weight of an encoder, whichever way transformers spells it.

import { meaningBy, type Spellings } from '@deepearth/onnx/tensor-spellings';
import type { Architecture } from './architecture.ts';

/**
 * What masked patches become in training; the rotary frequencies, which follow from the config; the mask that takes the
 * keys' share out of a bias; and norms of the class token that only training and classifiers use.
 */
const besides =
  /^(?:(?:embeddings\.)?mask_token|rope_embed(?:dings)?\..*|blocks\.\d+\.attn\.qkv\.bias_mask|(?:local_)?cls_norm\.(?:weight|bias))$/;
/** The linear classifier of `Dinov2ForImageClassification`. */
const head = /^classifier\./;

const attentionNames: Readonly<Record<string, string>> = {
  'attention.query': 'query',
  'attention.key': 'key',
  'attention.value': 'value',
  'output.dense': 'proj',
  q_proj: 'query',
  k_proj: 'key',
  v_proj: 'value',
  o_proj: 'proj',
};
const mlpNames: Readonly<Record<string, readonly string[]>> = {
  fc1: ['up'],
  fc2: ['down'],
  // Gate and values in one matrix, the gate first.
  weights_in: ['gate', 'up'],
  weights_out: ['down'],
  gate_proj: ['gate'],
  up_proj: ['up'],
  down_proj: ['down'],
};

/** The originals' names of MLPs: DINOv2's has gate and values in one matrix, the gate first, DINOv3's has two. */
const originalMlpNames: Readonly<Record<string, readonly string[]>> = {
  fc1: ['up'],
  fc2: ['down'],
  w12: ['gate', 'up'],
  w1: ['gate'],
  w2: ['up'],
  w3: ['down'],
};

/** transformers' spelling, and those of the repositories of DINOv2 and DINOv3. */
const spellings: Spellings['encoder'] = [
  [/^embeddings\.patch_embeddings\.(?:projection\.)?(weight|bias)$/, ([, part]) => `patch.${part}`],
  [/^embeddings\.cls_token$/, () => 'classToken'],
  [/^embeddings\.register_tokens$/, () => 'registers'],
  [/^embeddings\.position_embeddings$/, () => 'positions'],
  [
    /^(?:encoder\.)?layer\.(\d+)\.(norm[12])\.(weight|bias)$/,
    ([, layer, norm, part]) => `layers.${layer}.${norm}.${part}`,
  ],
  [/^(?:encoder\.)?layer\.(\d+)\.layer_scale([12])\.lambda1$/, ([, layer, which]) => `layers.${layer}.scale${which}`],
  [
    /^(?:encoder\.)?layer\.(\d+)\.attention\.(attention\.(?:query|key|value)|output\.dense|[qkvo]_proj)\.(weight|bias)$/,
    ([, layer, name, part]) => `layers.${layer}.${attentionNames[name!]}.${part}`,
  ],
  [
    /^(?:encoder\.)?layer\.(\d+)\.mlp\.(fc[12]|weights_in|weights_out|(?:gate|up|down)_proj)\.(weight|bias)$/,
    ([, layer, name, part]) => mlpNames[name!]!.map((known) => `layers.${layer}.${known}.${part}`),
  ],
  [/^patch_embed\.proj\.(weight|bias)$/, ([, part]) => `patch.${part}`],
  [/^cls_token$/, () => 'classToken'],
  [/^(?:register|storage)_tokens$/, () => 'registers'],
  [/^pos_embed$/, () => 'positions'],
  [/^blocks\.(\d+)\.(norm[12])\.(weight|bias)$/, ([, layer, norm, part]) => `layers.${layer}.${norm}.${part}`],
  [/^blocks\.(\d+)\.ls([12])\.gamma$/, ([, layer, which]) => `layers.${layer}.scale${which}`],
  [
    /^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/,
    ([, layer, part]) => ['query', 'key', 'value'].map((which) => `layers.${layer}.${which}.${part}`),
  ],
  [/^blocks\.(\d+)\.attn\.proj\.(weight|bias)$/, ([, layer, part]) => `layers.${layer}.proj.${part}`],
  [
    /^blocks\.(\d+)\.mlp\.(fc[12]|w12|w[123])\.(weight|bias)$/,
    ([, layer, name, part]) => originalMlpNames[name!]!.map((known) => `layers.${layer}.${known}.${part}`),
  ],
  [/^(?:layernorm|norm)\.(weight|bias)$/, ([, part]) => `norm.${part}`],
];

/** What a tensor is by its name alone; `undefined` for what does not belong to such a checkpoint. */
export const meaningOf = meaningBy({ besides, head, encoder: spellings });

/** Every tensor an encoder of this architecture has, with its shape. */
export function expectedTensors(architecture: Architecture): Map<string, readonly number[]> {
  const { hiddenSize: d, mlpSize: m, layers, patchSize: p, registers, gated, biases, positionGrid } = architecture;
  const expected = new Map<string, readonly number[]>();
  const affine = (name: string, shape: readonly number[], bias = true): void => {
    expected.set(`${name}.weight`, shape);
    if (bias) expected.set(`${name}.bias`, [shape[0]!]);
  };
  affine('patch', [d, 3, p, p]);
  expected.set('classToken', [1, 1, d]);
  if (registers) expected.set('registers', [1, registers, d]);
  if (positionGrid !== null) expected.set('positions', [1, positionGrid ** 2 + 1, d]);
  for (let i = 0; i < layers; i++) {
    const layer = `layers.${i}`;
    for (const name of ['norm1', 'norm2']) affine(`${layer}.${name}`, [d]);
    for (const name of ['query', 'key', 'value', 'proj'] as const) affine(`${layer}.${name}`, [d, d], biases[name]);
    for (const name of ['scale1', 'scale2']) expected.set(`${layer}.${name}`, [d]);
    if (gated) affine(`${layer}.gate`, [m, d], biases.mlp);
    affine(`${layer}.up`, [m, d], biases.mlp);
    affine(`${layer}.down`, [d, m], biases.mlp);
  }
  affine('norm', [d]);
  return expected;
}

/** The spelling on the Hub of one of the project's names, for messages. */
export function publishedName(name: string, { kind, gated }: Pick<Architecture, 'kind' | 'gated'>): string {
  const v3 = kind === 'dinov3';
  const layer = v3 ? 'layer.$1' : 'encoder.layer.$1';
  const swiglu = { gate: 'weights_in', up: 'weights_in', down: 'weights_out' } as const;
  const mlp = { gate: 'gate', up: 'fc1', down: 'fc2' } as const;
  return name
    .replace(/^patch\./, v3 ? 'embeddings.patch_embeddings.' : 'embeddings.patch_embeddings.projection.')
    .replace(/^classToken$/, 'embeddings.cls_token')
    .replace(/^registers$/, 'embeddings.register_tokens')
    .replace(/^positions$/, 'embeddings.position_embeddings')
    .replace(/^layers\.(\d+)\.(query|key|value)\./, (_, i, which: string) =>
      v3 ? `layer.${i}.attention.${which[0]}_proj.` : `encoder.layer.${i}.attention.attention.${which}.`,
    )
    .replace(/^layers\.(\d+)\.proj\./, v3 ? `${layer}.attention.o_proj.` : `${layer}.attention.output.dense.`)
    .replace(/^layers\.(\d+)\.scale([12])$/, `${layer}.layer_scale$2.lambda1`)
    .replace(/^layers\.(\d+)\.(gate|up|down)\./, (_, i, which: 'gate' | 'up' | 'down') =>
      v3 ? `layer.${i}.mlp.${which}_proj.` : `encoder.layer.${i}.mlp.${(gated ? swiglu : mlp)[which]}.`,
    )
    .replace(/^layers\.(\d+)\./, `${layer}.`)
    .replace(/^norm\./, v3 ? 'norm.' : 'layernorm.');
}
