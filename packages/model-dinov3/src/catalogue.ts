// Published DINOv3 and DINOv2 checkpoints: what they are called, and how large they are.

import { elementCount } from '@deepearth/core/tensor';
import type { Published } from '@deepearth/onnx/published';
import { readConfig, type Architecture } from './architecture.ts';
import { expectedTensors } from './tensor-names.ts';

interface Entry {
  readonly name: string;
  readonly summary: string;
  /** What its config.json says and is no default. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly gated: boolean;
}

function published({ name, summary, config, gated }: Entry): Published<Architecture> {
  const architecture = readConfig(config, name);
  const parameters = [...expectedTensors(architecture).values()].reduce((sum, shape) => sum + elementCount(shape), 0);
  return {
    name: `facebook/${name}`,
    mirrors: [],
    summary,
    parameters,
    // Beside the encoder there is what masked patches became in training.
    fileParameters: parameters + architecture.hiddenSize,
    labels: 0,
    gated,
    original: null,
    architecture: () => architecture,
  };
}

const gatedMlp = { use_gated_mlp: true, hidden_act: 'silu' };
const withoutBiases = { query_bias: false, value_bias: false };
const size = (hidden_size: number, num_hidden_layers: number, num_attention_heads: number) => ({
  hidden_size,
  num_hidden_layers,
  num_attention_heads,
});

const v3 = {
  S: { ...size(384, 12, 6), intermediate_size: 1536 },
  'S+': { ...size(384, 12, 6), intermediate_size: 1536, ...gatedMlp },
  B: { ...size(768, 12, 12), intermediate_size: 3072 },
  L: { ...size(1024, 24, 16), intermediate_size: 4096 },
  'H+': { ...size(1280, 32, 20), intermediate_size: 5120, ...gatedMlp },
  '7B': { ...size(4096, 40, 32), intermediate_size: 8192, ...gatedMlp, ...withoutBiases },
} as const;

const dinov3 = (letter: keyof typeof v3, name: string, pictures: string): Published<Architecture> =>
  published({
    name,
    summary: `DINOv3 ViT-${letter}, patches of 16, 224 px, ${pictures}`,
    config: { model_type: 'dinov3_vit', num_register_tokens: 4, ...v3[letter] },
    gated: true,
  });

const v2 = {
  S: ['small', size(384, 12, 6)],
  B: ['base', size(768, 12, 12)],
  L: ['large', size(1024, 24, 16)],
  g: ['giant', { ...size(1536, 40, 24), use_swiglu_ffn: true }],
} as const;

const dinov2 = (letter: keyof typeof v2, registers: boolean): Published<Architecture> => {
  const [word, numbers] = v2[letter];
  return published({
    name: `dinov2-${registers ? 'with-registers-' : ''}${word}`,
    summary: `DINOv2 ViT-${letter}${registers ? ' with registers' : ''}, patches of 14, 224 px`,
    config: {
      model_type: registers ? 'dinov2_with_registers' : 'dinov2',
      image_size: 518,
      patch_size: 14,
      ...numbers,
    },
    gated: false,
  });
};

const web = 'web pictures';
const satellite = 'satellite pictures';
const letters = ['S', 'B', 'L', 'g'] as const;

/** Small before large. The weights have licences of their own; DINOv3's are given to accounts that accepted it. */
export const catalogue: readonly Published<Architecture>[] = [
  dinov3('S', 'dinov3-vits16-pretrain-lvd1689m', web),
  dinov3('S+', 'dinov3-vits16plus-pretrain-lvd1689m', web),
  dinov3('B', 'dinov3-vitb16-pretrain-lvd1689m', web),
  dinov3('L', 'dinov3-vitl16-pretrain-lvd1689m', web),
  dinov3('H+', 'dinov3-vith16plus-pretrain-lvd1689m', web),
  dinov3('7B', 'dinov3-vit7b16-pretrain-lvd1689m', web),
  dinov3('L', 'dinov3-vitl16-pretrain-sat493m', satellite),
  dinov3('7B', 'dinov3-vit7b16-pretrain-sat493m', satellite),
  ...letters.map((letter) => dinov2(letter, false)),
  ...letters.map((letter) => dinov2(letter, true)),
];
