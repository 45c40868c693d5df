// A checkpoint as wide as ViT-g with one layer, of seeded numbers, for tests that compare shapes with the published one.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { vjepa2Family } from '@deepearth/model-vjepa2/family';

/** Writes `config.json` and `model.safetensors` and returns the folder: tokens are [8, 24, 24, 1408] for 16 frames. */
export async function wideCheckpoint(folder: string): Promise<string> {
  const config = {
    model_type: 'vjepa2',
    hidden_size: 1408,
    num_attention_heads: 22,
    num_hidden_layers: 1,
    mlp_ratio: 0.5,
    crop_size: 384,
    image_size: 384,
    frames_per_clip: 64,
  };
  let state = 2463534242;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32 - 0.5;
  };
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of vjepa2Family.expectedTensors(vjepa2Family.readConfig(config, folder))) {
    const count = shape.reduce((product, size) => product * size, 1);
    const norm = name.includes('norm');
    const scale = norm ? 0 : 2 / Math.sqrt(count / shape[0]!);
    const values = Float32Array.from({ length: count }, () => (norm && name.endsWith('weight') ? 1 : scale * random()));
    tensors.set(vjepa2Family.publishedName(name), tensor('float32', shape, values));
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'model.safetensors'), await encodeSafetensors(tensors));
  return folder;
}
