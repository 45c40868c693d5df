// The bytes of a feature file in each of its formats.

import { tensor, type Content, type Embedding, type Projection, type Tensor, type TokenGrid } from '@deepearth/core';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import type { OwnMetadata } from './python-layout.ts';
import { describeTokenFile, storedClip } from '@deepearth/formats/token-file';

export type FeatureFormat = 'safetensors' | 'pt' | 'npy';

type Item = TokenGrid | Embedding | Projection;
type Values = Tensor<'float32' | 'float16'>;

/** `values` are the item's, in the type the file is to have. */
export async function featureContent(
  item: Item,
  values: Values,
  format: FeatureFormat,
  own: OwnMetadata = {},
): Promise<Content> {
  if (format === 'npy') return (await import('@deepearth/formats/npy')).encodeNpy(values);
  if (format === 'pt') {
    const [{ writePt }, layout] = await Promise.all([
      import('@deepearth/formats/pt-writer'),
      import('./python-layout.ts'),
    ]);
    if (item.kind === 'tokens') return writePt(layout.tokensForPython(item, values, own));
    return writePt(
      item.kind === 'embedding'
        ? layout.embeddingForPython(item, values, own)
        : layout.projectionForPython(item, values, own),
    );
  }
  const { tensors, metadata } = safetensorsOf(item, values);
  const texts = Object.entries(own).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return encodeSafetensors(tensors, { ...(Object.fromEntries(texts) as Record<string, string>), ...metadata });
}

function safetensorsOf(
  item: Item,
  values: Values,
): { tensors: Record<string, Tensor>; metadata: Record<string, string> } {
  if (item.kind === 'tokens') return describeTokenFile({ ...item, values });
  const { clip, key, id } = item;
  const about = {
    id,
    key,
    axes: JSON.stringify(item.axes),
    origin: JSON.stringify(item.origin),
    ...(clip && { clip: JSON.stringify(storedClip(clip)) }),
  };
  if (item.kind === 'embedding')
    return {
      tensors: { embedding: values },
      metadata: { 'deepearth.embedding': '2', ...about, encoder: JSON.stringify(item.encoder) },
    };
  return {
    tensors: {
      projection: values,
      ...(item.valid && { valid: tensor('uint8', values.shape.slice(0, -1), item.valid) }),
    },
    metadata: {
      'deepearth.projection': '2',
      ...about,
      limits: JSON.stringify(item.limits),
      meaning: item.meaning,
      reducer: item.reducer,
    },
  };
}
