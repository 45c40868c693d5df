// Python values as plain data, so that their shape can be checked.

import { isKind, type PyValue } from '@deepearth/formats/python-values';

/**
 * Dicts as objects of what they have under names, lists and tuples as arrays, scalars of NumPy as numbers; None in a
 * dict is as good as no entry. Everything else (tensors, sets) stays as it is.
 */
export function plainOf(value: PyValue | undefined): unknown {
  if (value instanceof Map) {
    const named = [...value].filter(([name, inner]) => typeof name === 'string' && inner !== null);
    return Object.fromEntries(named.map(([name, inner]) => [name as string, plainOf(inner)]));
  }
  if (Array.isArray(value)) return value.map(plainOf);
  if (isKind(value, 'tuple')) return value.items.map(plainOf);
  if (isKind(value, 'size')) return [...value.items];
  if (isKind(value, 'float')) return value.value;
  if (isKind(value, 'numpy-scalar')) return numberOf(value.value);
  return value ?? undefined;
}

/** A bigint that a number can hold, as one. */
const numberOf = (value: unknown): unknown =>
  typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
