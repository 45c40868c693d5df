// Looks over what a pickle made before anybody walks it: no loops, not too deep, not more when spelled out than in memory.

import { isGlobal, refuse } from './pickle-context.ts';
import { isKind, type PyValue } from './python-values.ts';

/** Python's own recursion limit is 1,000; a walk that recurses is safe below this. */
const deepest = 256;
/** Values that come many times may be spelled out at most so often in all. */
const mostSpelled = 1_000_000;

const childrenOf = (value: unknown): Iterable<unknown> | undefined => {
  if (Array.isArray(value) || value instanceof Set) return value as Iterable<unknown>;
  if (value instanceof Map) return [...value].flat();
  if (isKind(value, 'tuple')) return value.items;
  return undefined;
};

interface Visit {
  readonly value: object;
  readonly children: Iterator<unknown>;
  spelled: number;
  depth: number;
}

/**
 * Refuses a value that contains itself, is nested more than 256 deep, would be spelled out as more than a million values
 * while it is less in memory, or holds what is no value (a class, an array without its state). Works without recursion.
 */
export function checkGraph(root: unknown): PyValue {
  const done = new Map<object, { spelled: number; depth: number }>();
  const open = new Set<object>();
  const path: Visit[] = [];
  let distinct = 0;
  const enter = (value: unknown): { spelled: number; depth: number } | undefined => {
    if (isGlobal(value)) refuse(`it holds ${value.name} itself as a value`);
    if (typeof value === 'object' && value !== null && 'incomplete' in value && value.incomplete) refuse('it holds a NumPy value without its state');
    distinct++;
    const children = childrenOf(value);
    if (!children) return { spelled: 1, depth: 0 };
    const known = done.get(value as object);
    if (known) return known;
    if (open.has(value as object)) refuse('it holds a value that contains itself');
    if (path.length > deepest) refuse(`it holds values nested more than ${deepest} deep`);
    open.add(value as object);
    path.push({ value: value as object, children: children[Symbol.iterator](), spelled: 1, depth: 0 });
    return undefined;
  };
  let result = enter(root);
  while (path.length) {
    const visit = path.at(-1)!;
    if (result) {
      visit.spelled += result.spelled;
      visit.depth = Math.max(visit.depth, result.depth + 1);
    }
    const next = visit.children.next();
    if (!next.done) {
      result = enter(next.value);
      continue;
    }
    path.pop();
    open.delete(visit.value);
    result = { spelled: visit.spelled, depth: visit.depth };
    if (result.depth + path.length > deepest) refuse(`it holds values nested more than ${deepest} deep`);
    if (result.spelled > mostSpelled && result.spelled > 4 * distinct) refuse('it holds few values that come so often that it cannot be spelled out');
    done.set(visit.value, result);
  }
  return root as PyValue;
}
