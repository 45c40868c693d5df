// One name for each weight of an encoder, whichever way the checkpoint spells it.

import { meaningBy, type Spellings } from '@deepearth/onnx/tensor-spellings';
import type { Architecture } from './architecture.ts';

/**
 * Tensors that belong to a checkpoint but not to the encoder: the predictor, and position tables that rotary encoders
 * do not use.
 */
const besides = /^(predictor\.|encoder\.pos_embed$|pos_embed$)/;
/** The attentive classifier on top of the encoder. */
const head = /^(pooler\.|classifier\.)/;

/** Hugging Face's spelling and the original's, side by side. */
const spellings: Spellings['encoder'] = [
  [/^(?:encoder\.embeddings\.patch_embeddings|patch_embed)\.proj\.(weight|bias)$/, ([, part]) => `patch.${part}`],
  [
    /^(?:encoder\.embeddings\.patch_embeddings_img|patch_embed_img)\.proj\.(weight|bias)$/,
    ([, part]) => `patchImage.${part}`,
  ],
  [/^(?:encoder\.embeddings\.)?img_mod_embed$/, () => 'imageEmbedding'],
  [/^(?:encoder\.embeddings\.)?video_mod_embed$/, () => 'videoEmbedding'],
  [
    /^(?:encoder\.layer|blocks)\.(\d+)\.(norm[12])\.(weight|bias)$/,
    ([, layer, norm, part]) => `layers.${layer}.${norm}.${part}`,
  ],
  [
    /^encoder\.layer\.(\d+)\.attention\.(?:attention\.)?(query|key|value)\.(weight|bias)$/,
    ([, layer, which, part]) => `layers.${layer}.${which}.${part}`,
  ],
  [
    /^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/,
    ([, layer, part]) => ['query', 'key', 'value'].map((which) => `layers.${layer}.${which}.${part}`),
  ],
  [
    /^(?:encoder\.layer\.(\d+)\.attention|blocks\.(\d+)\.attn)\.proj\.(weight|bias)$/,
    ([, hf, original, part]) => `layers.${hf ?? original}.proj.${part}`,
  ],
  [
    /^(?:encoder\.layer|blocks)\.(\d+)\.mlp\.(fc[12])\.(weight|bias)$/,
    ([, layer, fc, part]) => `layers.${layer}.${fc}.${part}`,
  ],
  [/^(?:encoder\.layernorm|norm)\.(weight|bias)$/, ([, part]) => `norm.${part}`],
  [/^(?:encoder\.)?norms_block\.(\d+)\.(weight|bias)$/, ([, level, part]) => `norms.${level}.${part}`],
];

/** What a tensor is by its name alone; `undefined` for what does not belong to such a checkpoint. */
export const meaningOf = meaningBy({ besides, head, encoder: spellings });

/** Every tensor an encoder of this architecture has, with its shape. */
export function expectedTensors(architecture: Architecture): Map<string, readonly number[]> {
  const { hiddenSize: d, mlpSize: m, layers, tubelet, patchSize: p, levels } = architecture;
  const expected = new Map<string, readonly number[]>();
  const affine = (name: string, ...shape: number[]): void => {
    expected.set(`${name}.weight`, shape);
    expected.set(`${name}.bias`, [shape[0]!]);
  };
  affine('patch', d, 3, tubelet, p, p);
  if (architecture.family === '2.1') {
    affine('patchImage', d, 3, 1, p, p);
    for (const name of ['imageEmbedding', 'videoEmbedding']) expected.set(name, [1, 1, d]);
  }
  for (let layer = 0; layer < layers; layer++) {
    for (const name of ['norm1', 'norm2']) affine(`layers.${layer}.${name}`, d);
    for (const name of ['query', 'key', 'value', 'proj']) affine(`layers.${layer}.${name}`, d, d);
    affine(`layers.${layer}.fc1`, m, d);
    affine(`layers.${layer}.fc2`, d, m);
  }
  if (architecture.family === '2.0') affine('norm', d);
  else levels.forEach((_, level) => affine(`norms.${level}`, d));
  return expected;
}

/** Hugging Face's spelling of one of the project's names, for messages. */
export function publishedName(name: string): string {
  return name
    .replace(/^patch\./, 'encoder.embeddings.patch_embeddings.proj.')
    .replace(/^patchImage\./, 'encoder.embeddings.patch_embeddings_img.proj.')
    .replace(/^imageEmbedding$/, 'encoder.embeddings.img_mod_embed')
    .replace(/^videoEmbedding$/, 'encoder.embeddings.video_mod_embed')
    .replace(/^layers\.(\d+)\.(query|key|value|proj)\./, 'encoder.layer.$1.attention.$2.')
    .replace(/^layers\.(\d+)\.(fc[12])\./, 'encoder.layer.$1.mlp.$2.')
    .replace(/^layers\./, 'encoder.layer.')
    .replace(/^norm\./, 'encoder.layernorm.')
    .replace(/^norms\./, 'encoder.norms_block.');
}
