// Says what is wrong with a value that a schema refused: what is expected, and what was seen.

import type { z } from 'zod';
import { closest, mostMistakes } from './errors.ts';
import { shortened } from './printable.ts';
import { isSecretName, mask } from './secrets.ts';

/** One mistake of a value. */
export interface OptionIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly remedy?: string;
}

type Issue = z.core.$ZodIssue;
type Path = readonly (string | number)[];

/**
 * The mistakes in `value` that a schema found, one more than are told where there are very many. `unknownKey` says what
 * is wrong with a key that the map at `path` does not have.
 */
export function optionIssues(
  issues: readonly Issue[],
  value: unknown,
  schema: unknown,
  unknownKey: (key: string, path: Path) => string,
): OptionIssue[] {
  const told: OptionIssue[] = [];
  const absent = misnamed(issues, value, schema);
  for (const issue of issues) {
    if (issue === absent?.missing) continue;
    if (issue === absent?.unknown) {
      told.push({
        path: absent.path,
        message: unknownKey(absent.key, absent.path.slice(0, -1)),
        remedy: absent.remedy,
      });
      continue;
    }
    for (const each of tell(issue, [], value, schema, unknownKey)) {
      // What else is wrong with a value that is wrong already says nothing new: -3 is no multiple of 16 either.
      if (told.some(({ path }) => samePath(path, each.path))) continue;
      told.push(each);
      if (told.length > mostMistakes) return told;
    }
  }
  return told;
}

const samePath = (a: Path, b: Path): boolean => a.length === b.length && a.every((part, i) => part === b[i]);

/** A key that is unknown beside the only one that is missing is that one under another name, and no second mistake. */
function misnamed(issues: readonly Issue[], value: unknown, schema: unknown) {
  const unknown = issues.filter((issue) => issue.code === 'unrecognized_keys');
  const missing = issues.filter((issue) => issue.path.length > 0 && at(value, issue.path) === undefined);
  const [keys, absent] = [unknown[0]!, missing[0]!];
  if (unknown.length !== 1 || missing.length !== 1 || keys.keys.length !== 1) return undefined;
  const path = keys.path.map(String);
  const name = String(absent.path.at(-1));
  if (path.join() !== absent.path.slice(0, -1).map(String).join()) return undefined;
  const wanted = expected(absent);
  const key = shortened(keys.keys[0]!);
  const near = closest(key, keysAt(schema, path));
  if (!wanted || (near !== undefined && near !== name)) return undefined;
  const remedy = near === name ? `Did you mean ${name}?` : `It needs ${name}, which is ${wanted}.`;
  return { missing: absent, unknown: keys, path: [...path, key], key, remedy };
}

const at = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | null)?.[part], root);

function* tell(
  issue: Issue,
  above: Path,
  root: unknown,
  schema: unknown,
  unknownKey: (key: string, path: Path) => string,
): Generator<OptionIssue> {
  const path = [...above, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  const seen = at(root, path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path);
    for (const key of issue.keys) {
      const near = closest(key, known);
      const remedy = near ? `Did you mean ${near}?` : known.length ? `It has: ${known.join(', ')}.` : 'It has none.';
      yield { path: [...path, shortened(key)], message: unknownKey(shortened(key), path), remedy };
    }
    return;
  }
  if (issue.code === 'invalid_union') {
    const inside = closestBranch(issue.errors);
    if (inside) {
      for (const each of inside) yield* tell(each, path, root, schema, unknownKey);
      return;
    }
  }
  const wanted = expected(issue);
  if (seen === undefined && wanted) {
    yield { path, message: `is missing; it is ${wanted}.` };
    return;
  }
  const near =
    typeof seen === 'string'
      ? closest(
          seen,
          choices(issue).flatMap((choice) => (typeof choice === 'string' ? [choice] : [])),
        )
      : undefined;
  const message = wanted ? `must be ${wanted}` : lowerFirst(issue.message);
  yield {
    path,
    message: `${message}, got ${typeof path.at(-1) === 'string' && isSecretName(String(path.at(-1))) ? mask : shown(seen)}.`,
    ...(near !== undefined
      ? { remedy: `Did you mean ${near}?` }
      : wanted?.startsWith('a list') &&
        typeof seen === 'string' &&
        /^[^[\]]{1,40},[^[\]]{1,40}$/.test(seen) && { remedy: `Write it as [${seen}].` }),
  };
}

/**
 * Of the shapes that a value may have, the one it was meant to be: the only one whose own form it has, so that the
 * mistake lies inside.
 */
function closestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const inside = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || !['invalid_type', 'invalid_value'].includes(issue.code)),
  );
  return inside.length === 1 ? inside[0] : undefined;
}

/** What a value must be, in words; `undefined` where the schema's own message says it. */
function expected(issue: Issue): string | undefined {
  const all = [...new Set(alternatives(issue))];
  return all.length < 2 ? all[0] : `${all.slice(0, -1).join(', ')} or ${all.at(-1)!}`;
}

function alternatives(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(shown);
  if (issue.code === 'invalid_union') return issue.errors.flatMap((branch) => branch.flatMap(alternatives));
  const one = requirement(issue);
  return one === undefined ? [] : [one];
}

function requirement(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? `a ${issue.expected}`;
    case 'too_small':
      return bound(issue.origin, Number(issue.minimum), issue.inclusive === false ? 'more than' : 'at least');
    case 'too_big':
      return bound(issue.origin, Number(issue.maximum), issue.inclusive === false ? 'less than' : 'at most');
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return issue.message.startsWith('Invalid') && 'pattern' in issue && issue.pattern
        ? `of the form ${String(issue.pattern)}`
        : undefined;
    default:
      return undefined;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'null',
};

function bound(origin: string, limit: number, relation: string): string {
  if (Math.abs(limit) === Number.MAX_SAFE_INTEGER) return `a whole number ${relation} 2^53`;
  if (origin === 'string')
    return limit === 1 && relation === 'at least' ? 'a text that is not empty' : `${relation} ${limit} characters long`;
  if (origin === 'array' || origin === 'set')
    return `a list of ${relation} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  return `${relation} ${limit}`;
}

/** The values that an issue would have taken. */
const choices = (issue: Issue): readonly unknown[] =>
  issue.code === 'invalid_value'
    ? issue.values
    : issue.code === 'invalid_union'
      ? issue.errors.flatMap((branch) => branch.flatMap(choices))
      : [];

/** A value as a message shows it: whole where it is short. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const start = typeof value === 'string' ? value.slice(0, 61) : value;
  const text = JSON.stringify(start) ?? typeof value;
  return text.length <= 60
    ? text
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'a map'
        : `${text.slice(0, 57)}…"`;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');

interface Def {
  readonly type?: string;
  readonly innerType?: unknown;
  readonly in?: unknown;
  readonly options?: readonly unknown[];
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly items?: readonly unknown[];
}

/** The schemas that a value may have to satisfy: unions opened, wrappers taken off. */
function unwrapped(schema: unknown): unknown[] {
  const def = (schema as { def?: Def } | undefined)?.def;
  if (!def) return [];
  if (def.options) return def.options.flatMap(unwrapped);
  const inner = def.innerType ?? def.in;
  return inner === undefined ? [schema] : unwrapped(inner);
}

/** The keys that a map at this path of a value may have. */
export function keysAt(schema: unknown, path: Path): string[] {
  let at = unwrapped(schema);
  for (const part of path)
    at = at.flatMap((each) => {
      const { shape, def } = each as { shape?: Record<string, unknown>; def?: Def };
      const tuple = def?.items?.[Number(part)];
      return unwrapped(shape?.[part] ?? def?.element ?? def?.valueType ?? tuple);
    });
  return [...new Set(at.flatMap((each) => Object.keys((each as { shape?: object }).shape ?? {})))];
}
