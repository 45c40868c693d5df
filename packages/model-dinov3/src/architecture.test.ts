// Every field of a config is honoured or refused by its name.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toFloat32 } from '@deepearth/core/half';
import { tensor, zeros, type Tensor } from '@deepearth/core/tensor';
import { bytesSource } from '@deepearth/formats/bytes';
import { encodePt } from '@deepearth/formats/pt-writer';
import { encodeSafetensors, openSafetensors } from '@deepearth/formats/safetensors';
import { openCheckpoint } from '@deepearth/onnx/checkpoint';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from './architecture.ts';
import { catalogue } from './catalogue.ts';
import { dinov3Family } from './family.ts';
import { expectedTensors, meaningOf, publishedName } from './tensor-names.ts';

const size = { hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4 };
const v3 = { model_type: 'dinov3_vit', ...size, intermediate_size: 128 };
const v2 = { model_type: 'dinov2', ...size };
const read = (json: object) => readConfig(json, 'config.json');
const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));

describe('a config', () => {
  it('has transformers’ defaults', () => {
    expect(read(v3)).toEqual({
      kind: 'dinov3',
      hiddenSize: 64,
      layers: 2,
      heads: 4,
      headSize: 16,
      mlpSize: 128,
      layerNormEpsilon: 1e-5,
      patchSize: 16,
      cropSize: 224,
      registers: 0,
      activation: 'gelu',
      gated: false,
      biases: { query: true, key: false, value: true, proj: true, mlp: true },
      ropeTheta: 100,
      positionGrid: null,
    });
    expect(read(v2)).toMatchObject({
      kind: 'dinov2',
      mlpSize: 256,
      layerNormEpsilon: 1e-6,
      patchSize: 14,
      registers: 0,
      biases: { query: true, key: true, value: true, proj: true, mlp: true },
      ropeTheta: null,
      positionGrid: 16,
    });
    expect(read({ ...v2, model_type: 'dinov2_with_registers' })).toMatchObject({ patchSize: 16, registers: 4 });
  });

  it('says what of the graph differs', () => {
    const biases = { query_bias: false, key_bias: true, value_bias: false, proj_bias: false, mlp_bias: false };
    expect(read({ ...v3, ...biases, use_gated_mlp: true, hidden_act: 'silu', rope_theta: 50 })).toMatchObject({
      biases: { query: false, key: true, value: false, proj: false, mlp: false },
      gated: true,
      activation: 'silu',
      ropeTheta: 50,
    });
    expect(read({ ...v3, rope_parameters: { rope_theta: 7, rope_type: 'default' } }).ropeTheta).toBe(7);
    expect(read({ ...v3, rope_parameters: null, patch_size: [8, 8] })).toMatchObject({ ropeTheta: 100, patchSize: 8 });
    expect(read({ ...v2, qkv_bias: false }).biases).toMatchObject({
      query: false,
      key: false,
      value: false,
      proj: true,
    });
    // Two thirds, truncated, rounded up to a multiple of 8; always SiLU.
    expect(read({ ...v2, use_swiglu_ffn: true, hidden_act: 'relu' })).toMatchObject({
      gated: true,
      activation: 'silu',
      mlpSize: 176,
    });
    expect(read({ ...v2, mlp_ratio: 2.5 }).mlpSize).toBe(160);
    for (const [name, activation] of [
      ['gelu_new', 'gelu-tanh'],
      ['gelu_pytorch_tanh', 'gelu-tanh'],
      ['swish', 'silu'],
      ['relu', 'relu'],
    ])
      expect(read({ ...v3, hidden_act: name }).activation).toBe(activation);
  });

  it('leaves alone what is for training or for backbones', () => {
    const besides = {
      drop_path_rate: 0.3,
      attention_dropout: 0.1,
      hidden_dropout_prob: 0.1,
      layerscale_value: 1e-5,
      initializer_range: 1,
      pos_embed_rescale: 2,
      pos_embed_jitter: 1.5,
      pos_embed_shift: 0.1,
      out_features: ['stage1'],
      apply_layernorm: false,
      reshape_hidden_states: false,
      use_mask_token: false,
    };
    expect(read({ ...v3, ...besides })).toEqual(read(v3));
    expect(read({ ...v2, ...besides })).toEqual(read(v2));
  });

  it.each([
    [{ ...v3, num_channels: 4 }, /num_channels.*3 channels/],
    [{ ...v3, hidden_act: 'quick_gelu' }, /hidden_act: only gelu/],
    [{ ...v3, hidden_act: 'constructor' }, /hidden_act: only gelu/],
    [{ ...v3, patch_size: [16, 8] }, /patch_size: only squares/],
    [{ ...v3, rope_parameters: { rope_type: 'linear' } }, /rope_parameters\.rope_type: only the "default"/],
    [{ ...v3, num_attention_heads: 5 }, /5 attention heads.*12\.8; they have to be multiples of 4/],
    [{ ...v3, num_attention_heads: 32 }, /heads of 2; they have to be multiples of 4/],
    [{ ...v3, quantization_config: { bits: 4 } }, /quantization_config: quantised/],
    [{ ...v2, image_size: [224, 112] }, /image_size: only squares/],
    [{ ...v2, head_dim: 8 }, /head_dim/],
    [{ model_type: 'dinov3_vit' }, /hidden_size.*num_hidden_layers.*num_attention_heads/s],
    [{ ...v3, model_type: 'dinov3_convnext' }, /a "dinov3_convnext" model, not of one of dinov3_vit, dinov2/],
    [{ ...v3, model_type: 'constructor' }, /a "constructor" model/],
    [{}, /a null model/],
  ])('that the graph cannot do is refused by its field: %j', (json, message) => {
    expect(() => read(json)).toThrow(message);
  });
});

describe('tensors', () => {
  it('of every published model are as many values as transformers counts, and found under their published names', () => {
    const counts = JSON.parse(readFileSync(fixture('counts.json'), 'utf8')) as Record<string, number>;
    for (const entry of catalogue) {
      const architecture = entry.architecture();
      const counted = counts[entry.name.replace('facebook/', '').replace('sat493m', 'lvd1689m')];
      expect(entry.parameters, entry.name).toBe(counted);
      for (const name of expectedTensors(architecture).keys()) {
        const meaning = meaningOf(publishedName(name, architecture));
        expect((meaning as { encoder: string[] }).encoder, name).toContain(name);
      }
    }
    expect(catalogue).toHaveLength(Object.keys(counts).length + 2);
  });

  it('are told by their names', () => {
    expect(meaningOf('layer.3.attention.q_proj.bias')).toEqual({ encoder: ['layers.3.query.bias'] });
    expect(meaningOf('encoder.layer.0.mlp.weights_in.weight')).toEqual({
      encoder: ['layers.0.gate.weight', 'layers.0.up.weight'],
    });
    expect(meaningOf('embeddings.mask_token')).toBe('besides');
    expect(meaningOf('rope_embeddings.inv_freq')).toBe('besides');
    expect(meaningOf('classifier.weight')).toEqual({ head: 'classifier.weight' });
    expect(meaningOf('decoder.weight')).toBeUndefined();
  });
});

describe('a checkpoint', () => {
  const root = mkdtempSync(join(tmpdir(), 'deepearth-dino-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** A copy of a fixture with other tensors. */
  async function altered(name: string, change: (tensors: Map<string, Tensor>) => void): Promise<string> {
    const folder = join(root, `${name}-${Math.floor(performance.now() * 1e3)}`);
    mkdirSync(folder);
    copyFileSync(fixture(`${name}/config.json`), join(folder, 'config.json'));
    const file = await openSafetensors(bytesSource(readFileSync(fixture(`${name}/model.safetensors`))));
    const tensors = new Map<string, Tensor>();
    for (const [key, lazy] of file.tensors) tensors.set(key, await lazy.read());
    change(tensors);
    writeFileSync(join(folder, 'model.safetensors'), await encodeSafetensors(tensors));
    return folder;
  }

  it('that lacks a tensor, or has one too many or of another shape, names them all as published', async () => {
    const v3 = await altered('v3', (tensors) => {
      tensors.delete('layer.1.mlp.gate_proj.bias');
      tensors.set('norm.weight', tensor('float32', [31], new Float32Array(31)));
      tensors.set('layer.0.attention.k_proj.bias', tensor('float32', [32], new Float32Array(32)));
    });
    const error = await openCheckpoint(dinov3Family, v3).catch((caught: unknown) => caught as Error);
    for (const part of [
      'missing layer.1.mlp.gate_proj.bias [48]',
      'norm.weight is [31], expected [32]',
      'unexpected layer.0.attention.k_proj.bias',
      'the DINOv3 encoder',
    ])
      expect((error as Error).message).toContain(part);
    const registers = await altered('v2-registers', (tensors) => {
      tensors.delete('encoder.layer.0.mlp.weights_in.weight');
      tensors.delete('embeddings.register_tokens');
    });
    await expect(openCheckpoint(dinov3Family, registers)).rejects.toThrow(
      /missing embeddings\.register_tokens \[1, 3, 32\].*missing encoder\.layer\.0\.mlp\.weights_in\.weight \[48, 32\]/s,
    );
  });

  it('without registers may hold an empty tensor of them, and one without a mask token is whole', async () => {
    const plain = await altered('v2', (tensors) => {
      tensors.delete('embeddings.mask_token');
      tensors.set('embeddings.register_tokens', tensor('float32', [1, 0, 32], new Float32Array()));
    });
    const checkpoint = await openCheckpoint(dinov3Family, plain);
    expect(checkpoint.tensors.has('registers')).toBe(false);
    await checkpoint.close();
  });

  it.each([
    ['DINOv2', 'v2', { positions: 'pos_embed' }, { up: 'fc1', down: 'fc2' }],
    ['DINOv3', 'v3', { registers: 'storage_tokens' }, { gate: 'w1', up: 'w2', down: 'w3' }],
  ])('of %s’s repository is that of transformers, query, key and value in one', async (_, folder, others, mlp) => {
    const root = mkdtempSync(join(tmpdir(), 'deepearth-dino-original-'));
    try {
      const own = await openCheckpoint(dinov3Family, fixture(folder));
      const { hiddenSize, layers } = own.architecture;
      const original: Record<string, Tensor> = { 'backbone.mask_token': zeros('float32', [1, hiddenSize]) };
      if (folder === 'v3') {
        original['backbone.rope_embed.periods'] = zeros('float32', [2]);
        for (let i = 0; i < layers; i++)
          original[`backbone.blocks.${i}.attn.qkv.bias_mask`] = zeros('float32', [3 * hiddenSize]);
      }
      const read = async (name: string): Promise<Tensor<'float32'>> => toFloat32(await own.tensors.get(name)!.read());
      for (const name of own.tensors.keys()) {
        if (/\.(?:key|value)\./.test(name)) continue;
        const [, layer, what, part] = /^layers\.(\d+)\.(\w+)\.?(\w*)$/.exec(name) ?? [];
        const block = `blocks.${layer}.`;
        const top: Record<string, string> = { classToken: 'cls_token', ...others };
        const inner: Record<string, string> = {
          norm1: `norm1.${part}`,
          norm2: `norm2.${part}`,
          scale1: 'ls1.gamma',
          scale2: 'ls2.gamma',
          query: `attn.qkv.${part}`,
          proj: `attn.proj.${part}`,
          ...Object.fromEntries(Object.entries(mlp).map(([known, spelt]) => [known, `mlp.${spelt}.${part}`])),
        };
        const spelt =
          layer === undefined ? (top[name] ?? name.replace('patch.', 'patch_embed.proj.')) : block + inner[what!]!;
        const parts = what === 'query' ? ['query', 'key', 'value'] : [what];
        const tensors = await Promise.all(
          parts.map(async (one) => {
            const share = name.replace(`.${what}.`, `.${one}.`);
            // DINOv3's keys have no bias: what stands in their place is masked, whatever it is.
            return own.tensors.has(share)
              ? read(share)
              : tensor('float32', [hiddenSize], new Float32Array(hiddenSize).fill(7));
          }),
        );
        const data = Float32Array.from(tensors.flatMap((t) => [...t.data]));
        original[`backbone.${spelt}`] = tensor(
          'float32',
          [tensors[0]!.shape[0]! * parts.length, ...tensors[0]!.shape.slice(1)],
          data,
        );
      }
      copyFileSync(join(fixture(folder), 'config.json'), join(root, 'config.json'));
      writeFileSync(join(root, 'original.pth'), await encodePt({ model: original }));
      const other = await openCheckpoint(dinov3Family, root, { weights: 'original.pth' });
      expect(other.notes).toEqual([]);
      expect([...other.tensors.keys()].sort()).toEqual([...own.tensors.keys()].sort());
      for (const name of own.tensors.keys())
        expect((await other.tensors.get(name)!.read()).data, name).toEqual((await read(name)).data);
      await Promise.all([own.close(), other.close()]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
