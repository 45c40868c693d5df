// Keys of dicts and members of sets: equal ones are one, as in Python, and lists are none.

import { PickleRefusal, refuse } from './pickle-context.ts';
import { isKind } from './python-values.ts';

/** Finds the representative of all equal keys. */
export interface KeyTable {
  /**
   * The key to use in `container`. Throws a `PickleRefusal` for what Python cannot hash, or what this reader does not
   * take for a key.
   */
  key(value: unknown, container: { has(key: unknown): boolean }): unknown;
}

/** How many parts a key may have; a tuple of shared tuples grows exponentially when it is spelled out. */
const mostParts = 1000;
/** How long the text of all composite keys may be, per byte of the pickle and at least. */
const textPerByte = 16;
const alwaysText = 1 << 20;

/** `pickleBytes` bounds the work: a reference to a long key takes two bytes. */
export function canonicalKeys(pickleBytes: number): KeyTable {
  const known = new Map<string, unknown>();
  let spelled = 0;
  return {
    key: (value, container) => {
      if (typeof value === 'string' || typeof value === 'bigint' || value === null) return value;
      // In Python True is 1 and False is 0; the key that came first stays.
      if (typeof value === 'boolean') return container.has(Number(value)) ? Number(value) : value;
      if (typeof value === 'number')
        return (value === 0 || value === 1) && container.has(value === 1) ? value === 1 : value;
      const text = spell(value, { parts: 0 });
      spelled += text.length;
      if (spelled > alwaysText + textPerByte * pickleBytes) refuse('its pickle uses long keys over and over');
      if (!known.has(text)) known.set(text, value);
      return known.get(text);
    },
  };
}

function spell(value: unknown, count: { parts: number }): string {
  if (++count.parts > mostParts) throw new PickleRefusal('its pickle has a dict key of more than 1,000 parts');
  if (value === null || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(Number.isInteger(Number(value)) ? BigInt(value) : value);
  if (isKind(value, 'float')) return spell(value.value, count);
  if (value instanceof Uint8Array && value.byteLength <= mostParts)
    return `b${Array.from(value, (byte) => byte.toString(16)).join('.')}`;
  if (isKind(value, 'tuple') || isKind(value, 'size'))
    return `(${value.items.map((item) => spell(item, count)).join(',')})`;
  if (isKind(value, 'torch')) return `t${value.name}`;
  if (isKind(value, 'complex')) return `c${value.real},${value.imaginary}`;
  return refuse(`its pickle has ${nameOf(value)} as a dict key or in a set`);
}

const nameOf = (value: unknown): string =>
  Array.isArray(value) ? 'a list' : value instanceof Map ? 'a dict' : value instanceof Set ? 'a set' : 'an object';
