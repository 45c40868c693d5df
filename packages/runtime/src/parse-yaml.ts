// Parses YAML within bounds: a small text can stand for very much, and the parser gives each mark an object of its own.

import {
  Composer,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  Parser,
  type Alias,
  type Document,
  type LineCounter,
  type Node,
  type Pair,
} from 'yaml';
import { closest } from '@deepearth/core/errors';
import { show, shortened } from '@deepearth/core/printable';

/** A mistake in a text, at an offset. */
export interface TextProblem {
  readonly offset: number;
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** Words, marks, blanks and line ends of a text, and as many values in what its aliases stand for. */
export const mostMarks = 150_000;
/** Maps and lists within one another. */
export const mostLevels = 64;
/** Uses of anchors. */
export const mostAliases = 1000;

class Excess extends Error {
  constructor(readonly problem: TextProblem) {
    super(problem.message);
  }
}

/** The documents of a text, one by one; what is wrong in them is in their `errors`. Throws an `Excess`. */
function* documentsOf(text: string, lines: LineCounter | undefined): Generator<Document> {
  const parser = new Parser(lines?.addNewLine);
  // Keys that are there twice are found below: the parser compares each key with all others.
  const composer = new Composer({ prettyErrors: false, merge: true, uniqueKeys: false, logLevel: 'silent' });
  const stack = (parser as unknown as { readonly stack: readonly unknown[] }).stack;
  const refuse = (message: string, remedy: string): never => {
    throw new Excess({ offset: parser.offset, message, remedy });
  };
  lines?.addNewLine(0);
  function* tokens(): ReturnType<Parser['parse']> {
    let marks = 0;
    for (const mark of new Lexer().lex(text)) {
      if (++marks > mostMarks)
        refuse(
          `up to here there are ${mostMarks} words and marks, more than any pipeline has.`,
          'Keep what is no part of the pipeline in a file of its own.',
        );
      yield* parser.next(mark);
      if (stack.length > mostLevels)
        refuse(`a map or list inside ${mostLevels - 1} others begins here.`, 'No part of a pipeline is so deep.');
    }
    yield* parser.end();
  }
  yield* composer.compose(tokens());
}

/** What a text holds: its documents as far as they are taken, or why it is refused. */
export function parseYaml<T>(
  text: string,
  lines: LineCounter | undefined,
  take: (documents: Generator<Document>) => T,
): T | TextProblem {
  try {
    return take(documentsOf(text, lines));
  } catch (error) {
    if (error instanceof Excess) return error.problem;
    throw error;
  }
}

/** What aliases stand for, found once. */
const targets = new WeakMap<Alias, Node>();

/** What an alias stands for; any other node is itself. */
export const followed = (node: unknown, document: Document): unknown =>
  isAlias(node) ? (targets.get(node) ?? node.resolve(document)) : node;

/** Whether a pair is `<<: *defaults`. */
export const isMergeKey = ({ key }: Pair): boolean =>
  isScalar(key) && (typeof key.value === 'symbol' ? key.value.description : key.value) === '<<' && key.type === 'PLAIN';

/** The maps that a merge key brings, the strongest first; `undefined` where it brings something else. */
export function mergedMaps(pair: Pair, document: Document): Node[] | undefined {
  const value = followed(pair.value, document);
  const maps = isSeq(value) ? value.items.map((item) => followed(item, document)) : [value];
  return maps.every((map) => isMap(map)) ? (maps as Node[]) : undefined;
}

/**
 * What is wrong with the meaning of a document, where its syntax is right: keys that are there twice, aliases of
 * anchors that are not there, that stand for what they lie in, or for too much, and merge keys that merge no map.
 */
export function meaningProblem(document: Document): TextProblem | undefined {
  const anchors = new Map<string, Node>();
  /** Values in what has an anchor, with those that aliases in it stand for; absent until its end has come. */
  const sizes = new Map<Node, number>();
  let aliases = 0;
  const refuse = (node: unknown, message: string, remedy: string): never => {
    throw new Excess({ offset: (node as Node).range?.[0] ?? 0, message, remedy });
  };

  const size = (node: unknown): number => {
    if (isAlias(node)) return sizeOfAlias(node);
    if (isPair(node)) return size(node.key) + size(node.value);
    if (!(node instanceof Object)) return 1;
    const anchor = (node as { readonly anchor?: string }).anchor;
    if (anchor !== undefined) anchors.set(anchor, node as Node);
    let sum = 1;
    if (isMap(node)) checkKeys(node.items);
    if (isMap(node) || isSeq(node))
      for (const item of node.items as unknown[]) {
        sum += size(item);
        if (sum > mostMarks)
          refuse(
            isPair(item) ? item.key : item,
            `with all that its aliases stand for, this holds more than ${mostMarks} values.`,
            'No part of a pipeline is so large.',
          );
      }
    if (isMap(node))
      for (const pair of node.items)
        if (isMergeKey(pair) && !mergedMaps(pair, document))
          refuse(
            pair.key,
            '`<<` merges a map, or a list of maps, and this is neither.',
            'Name an anchor: `<<: *defaults`.',
          );
    if (anchor !== undefined) sizes.set(node as Node, sum);
    return sum;
  };

  const sizeOfAlias = (alias: Alias): number => {
    const target = anchors.get(alias.source);
    if (!target) {
      const near = closest(alias.source, anchors.keys());
      return refuse(
        alias,
        `no anchor &${shortened(alias.source, 100)} stands before this.`,
        near ? `Did you mean *${near}?` : 'Set one before it, or put the value into quotes.',
      );
    }
    const found = sizes.get(target);
    if (found === undefined)
      return refuse(
        alias,
        `*${shortened(alias.source, 100)} stands for a value that this lies in, so it would never end.`,
        'Name an anchor that ends before it.',
      );
    if (++aliases > mostAliases)
      refuse(alias, `up to here there are ${mostAliases} aliases.`, 'Write the values out, or into fewer places.');
    targets.set(alias, target);
    return found;
  };

  const checkKeys = (pairs: readonly Pair[]): void => {
    const seen = new Set<unknown>();
    for (const { key } of pairs) {
      if (!isScalar(key)) continue;
      if (seen.has(key.value))
        refuse(key, `the key ${show(keyText(key.value))} is there twice in one map.`, 'Remove one of them.');
      seen.add(key.value);
    }
  };

  try {
    size(document.contents);
    return undefined;
  } catch (error) {
    if (error instanceof Excess) return error.problem;
    throw error;
  }
}

const keyText = (value: unknown): unknown => (typeof value === 'symbol' ? value.description : value);
