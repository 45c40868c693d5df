// Reads the YAML of a pipeline file; of a text that is none it names the first mistake, at the place where it was made.

import {
  isCollection,
  isMap,
  isScalar,
  parseAllDocuments,
  visit,
  type Alias,
  type Document,
  type LineCounter,
  type Node,
  type Pair,
} from 'yaml';
import { closest } from '@deepearth/core/errors';
import { maskVariables, unmaskVariables } from './substitute.ts';

/** A mistake in a text, at an offset. */
export interface TextProblem {
  readonly offset: number;
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** The document that a text holds, or why it holds none; `lines` learns where lines begin. */
export function readYaml(text: string, lines: LineCounter): Document | TextProblem {
  const control = text.search(notText);
  if (control >= 0)
    return {
      offset: control,
      message: `is no text: it holds the character ${JSON.stringify(text[control])}.`,
      remedy: 'A pipeline file is YAML in UTF-8.',
    };
  const masked = maskVariables(text);
  const restored = masked === text ? (value: string): string => value : unmaskVariables;
  const documents = parseAllDocuments(masked, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'silent',
    merge: true,
  });
  if (!Array.isArray(documents) || !documents[0]) return nothingThere;
  const [document, ...more] = documents as [Document, ...Document[]];
  const problem = syntaxProblem(document, masked);
  if (problem) return { ...problem, message: restored(problem.message) };
  const second = more.find(({ contents }) => contents !== null);
  if (second)
    return {
      offset: second.contents?.range?.[0] ?? 0,
      message: 'a second YAML document begins here, and a pipeline file holds one.',
      remedy: 'Remove the line `---` before it, or move it into a file of its own.',
    };
  if (document.contents === null) return nothingThere;
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string') node.value = restored(node.value);
    },
  });
  return meaningProblem(document) ?? document;
}

const nothingThere: TextProblem = {
  offset: 0,
  message: 'is empty.',
  remedy: '`deepearth init` writes one to start from.',
};

/** What no text file holds: control characters other than tab and line ends, and what bytes become that are no UTF-8. */
const notText = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/;

/** One mistake makes the parser stumble several times; the first is told, at the bracket or quote that was left open. */
function syntaxProblem(document: Document, text: string): TextProblem | undefined {
  const [first] = [...document.errors].sort((a, b) => a.pos[0] - b.pos[0]);
  const [tag] = document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED');
  if (!first) {
    if (!tag) return undefined;
    const name = text.slice(tag.pos[0], tag.pos[1]);
    return {
      offset: tag.pos[0],
      message: `the tag ${name} means nothing here.`,
      remedy: 'Write the value without it.',
    };
  }
  const open = leftOpen(document, text);
  if (open && open.offset <= first.pos[0]) return open;
  const known = told[first.code];
  return {
    offset: first.pos[0],
    ...(known ?? { message: `${lowerFirst(first.message)}.` }),
  };
}

const told: Readonly<Record<string, Pick<TextProblem, 'message' | 'remedy'>>> = {
  TAB_AS_INDENT: { message: 'this line is indented with a tab.', remedy: 'YAML takes spaces alone.' },
  DUPLICATE_KEY: { message: 'this key is there twice in one map.', remedy: 'Remove one of them.' },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'a second ": " in one line.',
    remedy: 'Put the value into quotes, or the inner entry on a line of its own.',
  },
};

/** The innermost bracket, or the quote, that nothing closes. */
function leftOpen(document: Document, text: string): TextProblem | undefined {
  let found: TextProblem | undefined;
  const note = (offset: number, opening: string): void => {
    if (!found || offset >= found.offset)
      found = {
        offset,
        message: `nothing closes this ${opening}.`,
        remedy: `Put a ${closing[opening]} behind its content.`,
      };
  };
  visit(document, {
    Node(_, node) {
      const [start, end] = node.range ?? [0, 0];
      const opening = text[start] ?? '';
      const last = text[end - 1];
      if (isCollection(node) && node.flow && last !== closing[opening]) note(start, opening);
      else if (isScalar(node) && /^QUOTE/.test(node.type ?? '') && (last !== opening || end - start < 2))
        note(start, opening);
    },
  });
  return found;
}

const closing: Readonly<Record<string, string>> = { '{': '}', '[': ']', '"': '"', "'": "'" };

/** Aliases of anchors that are not there, and merge keys that merge no map. */
function meaningProblem(document: Document): TextProblem | undefined {
  let problem: TextProblem | undefined;
  const anchors = new Set<string>();
  visit(document, {
    Node(_, node) {
      if ('anchor' in node && typeof node.anchor === 'string') anchors.add(node.anchor);
    },
    Alias(_, node: Alias) {
      if (anchors.has(node.source)) return;
      const near = closest(node.source, anchors);
      problem ??= {
        offset: node.range?.[0] ?? 0,
        message: `no anchor &${node.source} stands before this.`,
        remedy: near ? `Did you mean *${near}?` : 'Set one before it, or put the value into quotes.',
      };
    },
    Pair(_, pair) {
      if (isMergeKey(pair) && !mergedMaps(pair, document))
        problem ??= {
          offset: (pair.key as Node).range?.[0] ?? 0,
          message: '`<<` merges a map, or a list of maps, and this is neither.',
          remedy: 'Name an anchor: `<<: *defaults`.',
        };
    },
  });
  return problem;
}

/** Whether a pair is `<<: *defaults`. */
export const isMergeKey = ({ key }: Pair): boolean =>
  isScalar(key) && (typeof key.value === 'symbol' ? key.value.description : key.value) === '<<' && key.type === 'PLAIN';

/** The maps that a merge key brings, the strongest first; `undefined` where it brings something else. */
export function mergedMaps(pair: Pair, document: Document): Node[] | undefined {
  const value = followed(pair.value, document);
  const maps = isCollection(value) && !isMap(value) ? value.items.map((item) => followed(item, document)) : [value];
  return maps.every((map) => isMap(map)) ? (maps as Node[]) : undefined;
}

/** What an alias stands for; any other node is itself. */
export const followed = (node: unknown, document: Document): unknown =>
  node instanceof Object && 'resolve' in node && typeof node.resolve === 'function'
    ? (node as Alias).resolve(document)
    : node;

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
