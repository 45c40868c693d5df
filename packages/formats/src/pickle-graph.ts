// Checks the value of a pickle before it is walked: no loops, not too deep, not more when spelled out than in
// memory.

import { isGlobal, refuse } from './pickle-context.ts';
import { isKind, type PyValue } from './python-values.ts';

/** Python's own recursion limit is 1,000; a walk that recurses is safe below this. */
const deepest = 256;
/** Values that come many times may be spelled out at most so often in all. */
const mostSpelled = 1_000_000;
/** Text and bytes that come many times may be, per byte of the pickle and at least, so long in all. */
const textPerByte = 16;
const alwaysText = 1 << 24;

const childrenOf = (value: unknown): Iterable<unknown> | undefined => {
  if (Array.isArray(value) || value instanceof Set) return value as Iterable<unknown>;
  if (value instanceof Map) return [...value].flat();
  if (isKind(value, 'tuple')) return value.items;
  return undefined;
};

interface Extent {
  /** Values, counted each time they come. */
  spelled: number;
  /** Characters and bytes, counted likewise. */
  text: number;
  depth: number;
}

interface Visit extends Extent {
  readonly value: object;
  readonly children: Iterator<unknown>;
}

const textOf = (value: unknown): number =>
  typeof value === 'string' ? value.length : value instanceof Uint8Array ? value.byteLength : 0;

/**
 * Refuses a value that contains itself, is nested more than 256 deep, would be spelled out as more than a million
 * values while it is less in memory, or holds what is no value (a class, an array without its state). Works without
 * recursion. `pickleBytes` is what it was made of.
 */
export function checkGraph(root: unknown, pickleBytes: number): PyValue {
  const done = new Map<object, Extent>();
  const open = new Set<object>();
  const path: Visit[] = [];
  let distinct = 0;
  const enter = (value: unknown): Extent | undefined => {
    if (isGlobal(value)) refuse(`it holds ${value.name} itself as a value`);
    if (typeof value === 'object' && value !== null && 'incomplete' in value && value.incomplete)
      refuse('it holds a NumPy value without its state');
    distinct++;
    const children = childrenOf(value);
    if (!children) return { spelled: 1, text: textOf(value), depth: 0 };
    const known = done.get(value as object);
    if (known) return known;
    if (open.has(value as object)) refuse('it holds a value that contains itself');
    if (path.length > deepest) refuse(`it holds values nested more than ${deepest} deep`);
    open.add(value as object);
    path.push({ value: value as object, children: children[Symbol.iterator](), spelled: 1, text: 0, depth: 0 });
    return undefined;
  };
  let result = enter(root);
  while (path.length) {
    const visit = path.at(-1)!;
    if (result) {
      visit.spelled += result.spelled;
      visit.text += result.text;
      visit.depth = Math.max(visit.depth, result.depth + 1);
    }
    const next = visit.children.next();
    if (!next.done) {
      result = enter(next.value);
      continue;
    }
    path.pop();
    open.delete(visit.value);
    result = { spelled: visit.spelled, text: visit.text, depth: visit.depth };
    if (result.depth + path.length > deepest) refuse(`it holds values nested more than ${deepest} deep`);
    if (result.spelled > mostSpelled && result.spelled > 4 * distinct)
      refuse('it holds few values that come so often that it cannot be spelled out');
    if (result.text > alwaysText + textPerByte * pickleBytes)
      refuse('it holds text that comes so often that it cannot be spelled out');
    done.set(visit.value, result);
  }
  return root as PyValue;
}
