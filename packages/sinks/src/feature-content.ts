// The bytes of a feature file in each of its formats.

import { tensor, type Content, type Embedding, type Projection, type Tensor, type TokenGrid } from '@deepearth/core';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { scaleName } from '@deepearth/formats/scale';
import type { OwnMetadata } from './python-layout.ts';
import { describeTokenFile, storedClip } from '@deepearth/formats/token-file';

export type FeatureFormat = 'safetensors' | 'pt' | 'npz' | 'npy';

type Item = TokenGrid | Embedding | Projection;

/** Values in the type that the file is to have. */
export interface FileValues {
  readonly tensor: Tensor<'float32' | 'float16' | 'int8'>;
  /** What rows in eight bits are multiplied by, `[..., 1]`, or half precision that was divided by one factor, `[]`. */
  readonly scale?: Tensor<'float32'>;
}

/** `values` are the item's, in the type the file is to have. */
export async function featureContent(
  item: Item,
  values: FileValues,
  format: FeatureFormat,
  own: OwnMetadata = {},
): Promise<Content> {
  if (format === 'npy') return (await import('@deepearth/formats/npy')).encodeNpy(values.tensor);
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
  const { tensors, metadata } = describeItem(item, values);
  if (format === 'npz') return (await import('@deepearth/formats/npz')).writeNpz(tensors);
  const texts = Object.entries(own).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return encodeSafetensors(tensors, { ...(Object.fromEntries(texts) as Record<string, string>), ...metadata });
}

/** The tensors of an item by name, and the texts of a safetensors file. */
function describeItem(
  item: Item,
  { tensor: values, scale }: FileValues,
): { tensors: Record<string, Tensor>; metadata: Record<string, string> } {
  if (item.kind === 'tokens') {
    const { tensors, metadata } = describeTokenFile(item);
    return { tensors: { ...tensors, ...withScale('features', values, scale) }, metadata };
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
      tensors: withScale('embedding', values, scale),
      metadata: { 'deepearth.embedding': '2', ...about, encoder: JSON.stringify(item.encoder) },
    };
  return {
    tensors: {
      ...withScale('projection', values, scale),
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

const withScale = (name: string, values: Tensor, scale: Tensor | undefined): Record<string, Tensor> => ({
  [name]: values,
  ...(scale && { [scaleName(name)]: scale }),
});
