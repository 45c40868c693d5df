// The tensors of a .pt file by the names of everything around them.

import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from '@deepearth/formats/bytes';
import type { LazyTensor } from '@deepearth/formats/lazy-tensor';
import { openPt, tensorsOf, unreadIn } from '@deepearth/formats/pt';
import type { UnreadTensor } from '@deepearth/formats/unread-tensor';

/**
 * All tensors of the file: `target_encoder.module.blocks.0.norm1.weight`. Throws an `InputError` where there is none.
 */
export async function openPickled(source: ByteSource): Promise<{
  readonly tensors: ReadonlyMap<string, LazyTensor>;
  readonly unread: ReadonlyMap<string, UnreadTensor>;
}> {
  const { value } = await openPt(source);
  const tensors = tensorsOf(value);
  if (tensors.size === 0) throw new InputError(source.name, 'holds no tensors.', { code: 'E_MODEL_TENSORS' });
  return { tensors, unread: unreadIn(value) };
}
