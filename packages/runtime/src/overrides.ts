// Values from the command line: `--set frames.with.directory=DIR`.

import { isAlias, isMap, type Document, type Node } from 'yaml';
import { closest } from '@deepearth/core/errors';
import type { Mistakes } from '@deepearth/core/mistakes';
import { show, shortened, some } from '@deepearth/core/printable';
import { followed, meaningProblem, parseYaml } from './parse-yaml.ts';

export type Path = readonly (string | number)[];

export interface Override {
  /** Where it went in the document: ['stages', 0, 'with', 'directory']. */
  readonly path: Path;
  /** As it was given, for errors: "--set frames.with.directory". */
  readonly flag: string;
}

const stageKeys = ['id', 'type', 'with', 'from', 'onError'];
const topKeys = ['name', 'output', 'plugins'];

/** Names in the path of a value, one inside the other; no option is so deep. */
const longestPath = 16;

/**
 * Sets each `path=value` in the document (`plain` is its content before that); the value is read as YAML. Returns where
 * they went; what cannot be placed goes to `mistakes`.
 */
export function applyOverrides(
  document: Document,
  overrides: readonly string[],
  plain: unknown,
  mistakes: Mistakes,
): Override[] {
  const placed: Override[] = [];
  const stages = (plain as { stages?: unknown } | null)?.stages;
  const ids = Array.isArray(stages) ? stages.map(idOf) : [];
  for (const text of overrides) {
    const equals = text.indexOf('=');
    const [first = '', ...rest] = (equals < 0 ? text : text.slice(0, equals)).split('.');
    const flag = shortened(`--set ${[first, ...rest].join('.')}`);
    const refuse = (message: string, remedy?: string): void =>
      mistakes.add(() => ({ location: { file: flag }, path: '', message, remedy }));
    if (equals < 1) {
      refuse('has the form path=value, as in --set frames.with.directory=DIR.');
      continue;
    }
    if (rest.length >= longestPath) {
      refuse(`its path has ${rest.length + 1} names, and no option lies so deep.`);
      continue;
    }
    const stage = ids.indexOf(first);
    if (stage >= 0 && !stageKeys.includes(rest[0] ?? '')) {
      refuse(
        `a stage has ${stageKeys.join(', ')}, not ${show(rest[0] ?? '')}.`,
        `Did you mean ${shortened([first, 'with', ...rest].join('.'))}?`,
      );
      continue;
    }
    if (stage < 0 && !(topKeys.includes(first) && rest.length === 0)) {
      const near = closest(first, [...ids, ...topKeys]);
      refuse(`there is no stage ${show(first)}.`, near ? `Did you mean ${near}?` : `The stages are ${some(ids)}.`);
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
  return placed;
}

/** What the text means in YAML, or itself; an `Error` where it begins a list, a map or a quote that it does not end. */
function valueOf(text: string): { readonly is: unknown } | Error {
  const read = parseYaml(text, undefined, (documents) => [...documents]);
  const [document, second] = Array.isArray(read) ? read : [];
  const problem = Array.isArray(read)
    ? (document?.errors[0] ?? (second ? new Error('it holds two documents') : document && meaningProblem(document)))
    : read;
  if (!problem) return { is: document ? (document.toJS({ maxAliasCount: -1 }) as unknown) : null };
  return /^\s*[[{"']/.test(text) ? new Error(problem.message.replace(/\.$/, '')) : { is: text };
}

/** Puts a copy in the place of an alias, so that what is set there changes nothing elsewhere. */
function ownCopy(document: Document, place: Path): void {
  const node = document.getIn(place, true);
  if (!isAlias(node)) return;
  const copy = (followed(node, document) as Node | undefined)?.clone() as Node | undefined;
  if (copy && 'anchor' in copy) delete copy.anchor;
  document.setIn(place, copy);
}

function idOf(stage: unknown): string {
  const { id, type } = (stage ?? {}) as { id?: unknown; type?: unknown };
  return typeof id === 'string' ? id : typeof type === 'string' ? (type.split('/')[1] ?? '') : '';
}
