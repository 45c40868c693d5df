// The bytes of a feature file in each of its formats.

import { tensor, type Content, type Embedding, type Projection, type Tensor, type TokenGrid } from '@deepearth/core';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { scaleName } from '@deepearth/formats/scale';
import type { OwnMetadata } from './python-layout.ts';
import { describeTokenFile, storedClip } from '@deepearth/formats/token-file';

export type FeatureFormat = 'safetensors' | 'pt' | 'npy';

type Item = TokenGrid | Embedding | Projection;
/** Numbers in the type that a file is to have, and the factor to multiply them by where they were divided by one. */
export interface FileNumbers {
  readonly values: Tensor<'float32' | 'float16'>;
  readonly scale?: Tensor<'float32'>;
}

/** The factor as an entry beside the tensor of a name. */
export const scaleBeside = (name: string, { scale }: FileNumbers): Record<string, Tensor> =>
  scale ? { [scaleName(name)]: scale } : {};

/** `numbers` are the item's, in the type the file is to have; a file of npy has no place for their factor. */
export async function featureContent(
  item: Item,
  numbers: FileNumbers,
  format: FeatureFormat,
  own: OwnMetadata = {},
): Promise<Content> {
  const { values } = numbers;
  if (format === 'npy') return (await import('@deepearth/formats/npy')).encodeNpy(values);
  if (format === 'pt') {
    const [{ writePt }, layout] = await Promise.all([
      import('@deepearth/formats/pt-writer'),
      import('./python-layout.ts'),
    ]);
    if (item.kind === 'projection')
      return writePt({ ...layout.projectionForPython(item, values, own), ...scaleBeside('projection', numbers) });
    const content =
      item.kind === 'tokens' ? layout.tokensForPython(item, values, own) : layout.embeddingForPython(item, values, own);
    return writePt({ ...content, ...scaleBeside('features', numbers) });
  }
  const { tensors, metadata } = safetensorsOf(item, numbers);
  const texts = Object.entries(own).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return encodeSafetensors(tensors, { ...(Object.fromEntries(texts) as Record<string, string>), ...metadata });
}

function safetensorsOf(
  item: Item,
  numbers: FileNumbers,
): { tensors: Record<string, Tensor>; metadata: Record<string, string> } {
  const { values } = numbers;
  if (item.kind === 'tokens') {
    const { tensors, metadata } = describeTokenFile({ ...item, values });
    return { tensors: { ...tensors, ...scaleBeside('features', numbers) }, metadata };
  }
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
      tensors: { embedding: values, ...scaleBeside('embedding', numbers) },
      metadata: { 'deepearth.embedding': '2', ...about, encoder: JSON.stringify(item.encoder) },
    };
  return {
    tensors: {
      projection: values,
      ...scaleBeside('projection', numbers),
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
