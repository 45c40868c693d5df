// A value of Python as JSON for people and other programs: tuples are lists, and numbers of any size are written out.

import type { PtWritable } from './pt-pickle-writer.ts';
import { isKind, type PyValue } from './python-values.ts';

const digits = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const number = (value: number): string =>
  Number.isFinite(value) ? (Object.is(value, -0) ? '-0.0' : String(value)) : JSON.stringify(String(value));

/**
 * A value without tensors as JSON. Lists, tuples, sets and sizes are arrays, keys of dicts are texts, bytes are
 * hexadecimal digits, NaN and infinities texts; a whole float keeps its point.
 */
export function plainJson(value: PtWritable): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') return number(value);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return JSON.stringify(digits(value));
  if (Array.isArray(value) || value instanceof Set)
    return `[${[...(value as Iterable<PtWritable>)].map(plainJson).join(',')}]`;
  if (value instanceof Map) return object([...(value as ReadonlyMap<PtWritable, PtWritable>)]);
  const python = value as PyValue;
  if (isKind(python, 'tuple') || isKind(python, 'size'))
    return `[${python.items.map((item) => plainJson(item as PtWritable)).join(',')}]`;
  if (isKind(python, 'float')) return Number.isSafeInteger(python.value) ? `${python.value}.0` : number(python.value);
  if (isKind(python, 'complex')) return `[${number(python.real)},${number(python.imaginary)}]`;
  if (isKind(python, 'torch')) return JSON.stringify(python.name);
  return object(Object.entries(value).filter((entry): entry is [string, PtWritable] => entry[1] !== undefined));
}

const object = (entries: readonly (readonly [PtWritable, PtWritable])[]): string =>
  `{${entries.map(([key, item]) => `${JSON.stringify(typeof key === 'string' ? key : plainJson(key))}:${plainJson(item)}`).join(',')}}`;
