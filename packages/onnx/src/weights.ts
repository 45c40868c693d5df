// Places a checkpoint's weights where ONNX Runtime can read them: where they are, when that will do, else converted
// into the cache.

import { basename, dirname } from 'node:path';
import type { Checkpoint } from './checkpoint.ts';
import { convertWeights } from './convert.ts';
import type { Precision } from './precision.ts';
import type { PlacedWeight, PlacedWeights, PlaceOptions } from './placed-weights.ts';

/**
 * fp32 points into the checkpoint's own files when their tensors lie there as they are in memory and in one folder;
 * anything else is converted once and kept in the cache folder.
 */
export async function placeWeights(
  checkpoint: Pick<Checkpoint, 'name' | 'tensors'>,
  precision: Precision,
  options: PlaceOptions = {},
): Promise<PlacedWeights> {
  const direct = precision === 'fp32' ? await placeDirectly(checkpoint, options.signal) : undefined;
  return direct ?? convertWeights(checkpoint, precision, options);
}

async function placeDirectly(
  { tensors }: Pick<Checkpoint, 'tensors'>,
  signal?: AbortSignal,
): Promise<PlacedWeights | undefined> {
  const folders = new Set([...tensors.values()].map(({ file }) => dirname(file)));
  if (folders.size !== 1) return undefined;
  const weights = new Map<string, PlacedWeight>();
  for (const [name, stored] of tensors) {
    const location = stored.dtype === 'float64' ? undefined : await stored.locate(signal);
    if (!location) return undefined;
    weights.set(name, {
      file: basename(stored.file),
      offset: location.offset,
      bytes: location.bytes,
      dtype: stored.dtype,
      shape: stored.shape,
    });
  }
  return { folder: [...folders][0]!, weights };
}
