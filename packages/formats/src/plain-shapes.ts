// Says what is wrong with plain data that a file holds, by the path of its first fault.

import { printable, show } from './printable.ts';

/** Returns what is wrong with a value at a path, or `undefined`. */
export type Shape = (value: unknown, path: string) => string | undefined;

/** A value that passes a test; `expected` says in words which do. */
export const is =
  (expected: string, test: (value: unknown) => boolean): Shape =>
  (value, path) =>
    test(value) ? undefined : `${path} is ${said(value)}, expected ${expected}`;

/** A value in a few words; what lies in lists and objects is not looked at. */
export function said(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== 'object' || value === null) return show(value);
  return 'kind' in value && typeof value.kind === 'string' ? `a ${printable(value.kind)}` : 'an object';
}

export const text = is('text', (value) => typeof value === 'string');
export const finite = is('a number', (value) => Number.isFinite(value));
export const wholeNumber = is('a whole number', (value) => Number.isSafeInteger(value));
export const count = is(
  'a whole number of at least 0',
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);
export const positive = is(
  'a whole number of at least 1',
  (value) => Number.isSafeInteger(value) && (value as number) >= 1,
);

/** A list whose items have a shape; `length` is how many there have to be. */
export const listOf =
  (item: Shape, length?: number): Shape =>
  (value, path) => {
    if (!Array.isArray(value)) return `${path} is ${said(value)}, expected a list`;
    if (length !== undefined && value.length !== length)
      return `${path} has ${value.length} ${value.length === 1 ? 'item' : 'items'}, expected ${length}`;
    return firstOf(value, (one, index) => item(one, `${path}[${index}]`));
  };

/** An object with these fields; others are not looked at. */
export const record =
  (required: Readonly<Record<string, Shape>>, optional: Readonly<Record<string, Shape>> = {}): Shape =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return `${path} is ${said(value)}, expected an object`;
    const field = (name: string): unknown =>
      Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    return (
      firstOf(Object.entries(required), ([name, shape]) =>
        field(name) === undefined ? `${path}.${name} is missing` : shape(field(name), `${path}.${name}`),
      ) ??
      firstOf(Object.entries(optional), ([name, shape]) =>
        field(name) === undefined ? undefined : shape(field(name), `${path}.${name}`),
      )
    );
  };

function firstOf<T>(items: readonly T[], problem: (item: T, index: number) => string | undefined): string | undefined {
  for (const [index, item] of items.entries()) {
    const found = problem(item, index);
    if (found) return found;
  }
  return undefined;
}
