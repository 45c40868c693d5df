// Finds the encoder's weights inside an original .pt file.

import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from '@deepearth/formats/bytes';
import type { LazyTensor } from '@deepearth/formats/lazy-tensor';
import { openPt, tensorsOf, valueAt } from '@deepearth/formats/pt';

/**
 * The averaged weights are the model; the published files hold those of the last training step beside them, as
 * `encoder`.
 */
const encoderKeys = ['target_encoder', 'ema_encoder', 'encoder'] as const;

/**
 * The tensors of the encoder, by the names under its key; of the whole file when it has none of the keys. Throws an
 * `InputError` for a file without tensors.
 */
export async function openPickled(source: ByteSource): Promise<ReadonlyMap<string, LazyTensor>> {
  const { value } = await openPt(source);
  const key = encoderKeys.find((name) => valueAt(value, name) !== undefined);
  const tensors = tensorsOf(key ? valueAt(value, key)! : value);
  if (tensors.size === 0)
    throw new InputError(source.name, `holds no tensors${key ? ` under ${JSON.stringify(key)}` : ''}.`, {
      code: 'E_MODEL_TENSORS',
    });
  return tensors;
}
