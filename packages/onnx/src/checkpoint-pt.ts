// Finds the encoder's weights inside an original .pt file.

import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from '@deepearth/formats/bytes';
import type { LazyTensor } from '@deepearth/formats/lazy-tensor';
import { openPt, tensorsOf, valueAt } from '@deepearth/formats/pt';

/**
 * The tensors of the encoder, by the names under the first of `keys` that is there; of the whole file when it has none
 * of them. Throws an `InputError` for a file without tensors.
 */
export async function openPickled(
  source: ByteSource,
  keys: readonly string[],
): Promise<ReadonlyMap<string, LazyTensor>> {
  const { value } = await openPt(source);
  const key = keys.find((name) => valueAt(value, name) !== undefined);
  const tensors = tensorsOf(key ? valueAt(value, key)! : value);
  if (tensors.size === 0)
    throw new InputError(source.name, `holds no tensors${key ? ` under ${JSON.stringify(key)}` : ''}.`, {
      code: 'E_MODEL_TENSORS',
    });
  return tensors;
}
