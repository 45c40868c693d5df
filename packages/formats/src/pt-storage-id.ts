// Persistent ids of .pt files: ('storage', type, key, device, count).

import { elementBytes, type DType } from '@deepearth/core/tensor';
import { refuse } from './pickle-context.ts';
import { show } from './printable.ts';
import type { Storage } from './pt-tensor.ts';
import { isKind } from './python-values.ts';
import { isStorageType } from './torch-globals.ts';

/** What an id says about a storage. */
export interface StorageId {
  readonly key: string;
  readonly dtype?: DType;
  /** The element type where it is one that is not read. */
  readonly unread?: string;
  readonly elementBytes: number;
  readonly bytes: number;
}

/**
 * The storage that an id stands for: the same for the same key. Refuses ids that are no storage, or that contradict an
 * earlier one.
 */
export function readStorageId(id: unknown, known: Map<string, Storage>, make: (id: StorageId) => Storage): Storage {
  const [what, type, key, , count, view = null] = isKind(id, 'tuple') ? (id.items as readonly unknown[]) : [];
  if (what !== 'storage') return refuse('its pickle has a persistent id that is no storage');
  if (!isStorageType(type)) return refuse('its pickle has a storage of no known type');
  if (typeof key !== 'string' && !Number.isSafeInteger(key)) return refuse('its pickle has a storage without a key');
  if (!Number.isSafeInteger(count) || (count as number) < 0)
    return refuse(`its pickle has a storage of ${String(count)} elements`);
  if (view !== null)
    return refuse(
      'its pickle has a storage that is a view of another, as PyTorch before 0.4 wrote them, which is not read',
    );
  const { dtype, unread } = type;
  const width = dtype ? elementBytes(dtype) : (unread?.bytes ?? 1);
  const bytes = (count as number) * width;
  if (!Number.isSafeInteger(bytes)) return refuse(`its pickle has a storage of ${String(count)} elements`);
  const name = String(key);
  const former = known.get(name);
  if (former)
    return former.bytes === bytes && former.dtype === dtype && former.unread === unread?.name
      ? former
      : refuse(`its pickle names storage ${show(name)} twice, with different types or sizes`);
  const storage = make({
    key: name,
    ...(dtype && { dtype }),
    ...(unread && { unread: unread.name }),
    elementBytes: width,
    bytes,
  });
  known.set(name, storage);
  return storage;
}
