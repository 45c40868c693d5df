// Values from the command line: `--set frames.with.directory=DIR`.

import { isAlias, isMap, parse, type Document, type Node } from 'yaml';
import { closest, type ConfigIssue } from '@deepearth/core/errors';

export type Path = readonly (string | number)[];

export interface Override {
  /** Where it went in the document: ['stages', 0, 'with', 'directory']. */
  readonly path: Path;
  /** As it was given, for errors: "--set frames.with.directory". */
  readonly flag: string;
}

const stageKeys = ['id', 'type', 'with', 'from', 'onError'];
const topKeys = ['name', 'output', 'plugins'];

/**
 * Sets each `path=value` in the document (`plain` is its content before that); the value is read as YAML. Returns where
 * they went, and what could not be placed.
 */
export function applyOverrides(
  document: Document,
  overrides: readonly string[],
  plain: unknown,
): { placed: Override[]; issues: ConfigIssue[] } {
  const placed: Override[] = [];
  const issues: ConfigIssue[] = [];
  const stages = (plain as { stages?: unknown } | null)?.stages;
  const ids = Array.isArray(stages) ? stages.map(idOf) : [];
  for (const text of overrides) {
    const equals = text.indexOf('=');
    const [first = '', ...rest] = (equals < 0 ? text : text.slice(0, equals)).split('.');
    const flag = `--set ${[first, ...rest].join('.')}`;
    const refuse = (message: string, remedy?: string): void =>
      void issues.push({ location: { file: flag }, path: '', message, remedy });
    if (equals < 1) {
      refuse('has the form path=value, as in --set frames.with.directory=DIR.');
      continue;
    }
    const stage = ids.indexOf(first);
    if (stage >= 0 && !stageKeys.includes(rest[0] ?? '')) {
      refuse(
        `a stage has ${stageKeys.join(', ')}, not ${JSON.stringify(rest[0] ?? '')}.`,
        `Did you mean ${[first, 'with', ...rest].join('.')}?`,
      );
      continue;
    }
    if (stage < 0 && !(topKeys.includes(first) && rest.length === 0)) {
      const near = closest(first, [...ids, ...topKeys]);
      refuse(
        `there is no stage ${JSON.stringify(first)}.`,
        near ? `Did you mean ${near}?` : `The stages are ${ids.join(', ')}.`,
      );
      continue;
    }
    const path =
      stage < 0 ? [first] : ['stages', stage, ...rest.map((part) => (/^\d+$/.test(part) ? Number(part) : part))];
    // An entry written as `with:` alone is null in YAML and must become a map before something is put into it.
    for (let depth = 1; depth < path.length; depth++) {
      const place = path.slice(0, depth);
      ownCopy(document, place);
      const node = document.getIn(place, true);
      if (node === undefined || (!isMap(node) && document.getIn(place) === null))
        document.setIn(place, document.createNode({}));
    }
    const value = valueOf(text.slice(equals + 1));
    if (value instanceof Error) {
      refuse(
        `has a value that begins like a list or a map of YAML and is none (${value.message}).`,
        'Close its brackets, or put it into quotes.',
      );
      continue;
    }
    try {
      document.setIn(path, document.createNode(value.is));
      placed.push({ path, flag });
    } catch {
      refuse('cannot be set: a part of its path is no map.');
    }
  }
  return { placed, issues };
}

/** What the text means in YAML, or itself; an `Error` where it begins a list, a map or a quote that it does not end. */
function valueOf(text: string): { readonly is: unknown } | Error {
  try {
    return { is: parse(text, { prettyErrors: false, logLevel: 'error' }) as unknown };
  } catch (error) {
    return /^\s*[[{"']/.test(text) ? (error as Error) : { is: text };
  }
}

/** Puts a copy in the place of an alias, so that what is set there changes nothing elsewhere. */
function ownCopy(document: Document, place: Path): void {
  const node = document.getIn(place, true);
  if (!isAlias(node)) return;
  const copy = node.resolve(document)?.clone() as Node | undefined;
  if (copy && 'anchor' in copy) delete copy.anchor;
  document.setIn(place, copy);
}

function idOf(stage: unknown): string {
  const { id, type } = (stage ?? {}) as { id?: unknown; type?: unknown };
  return typeof id === 'string' ? id : typeof type === 'string' ? (type.split('/')[1] ?? '') : '';
}
