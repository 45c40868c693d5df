// Reads the YAML of a pipeline file; of a text that is none it names the first mistake, at the place where it was made.

import { isCollection, isScalar, visit, type Document, type LineCounter } from 'yaml';
import { shortened } from '@deepearth/core/printable';
import { meaningProblem, parseYaml, type TextProblem } from './parse-yaml.ts';
import { maskVariables, unmaskVariables } from './substitute.ts';

/** The document that a text holds, or why it holds none; `lines` learns where lines begin. */
export function readYaml(text: string, lines: LineCounter): Document | TextProblem {
  const control = text.search(notText);
  if (control >= 0) {
    // The parser, which otherwise says where lines begin, does not see this text.
    lines.addNewLine(0);
    for (const { index } of text.slice(0, control).matchAll(/\n/g)) lines.addNewLine(index + 1);
    return {
      offset: control,
      message: `is no text: it holds the character ${JSON.stringify(text[control])}.`,
      remedy: 'A pipeline file is YAML in UTF-8.',
    };
  }
  const masked = maskVariables(text);
  const restored = masked === text ? (value: string): string => value : unmaskVariables;
  const taken = parseYaml(masked, lines, (documents) => {
    const found: Document[] = [];
    // A second document with content is one too many.
    for (const document of documents)
      if (found.length === 0) found.push(document);
      else if (document.contents !== null) return [...found, document];
    return found;
  });
  if (!Array.isArray(taken)) return { ...taken, message: restored(taken.message) };
  const [document, second] = taken;
  if (!document) return nothingThere;
  const problem = syntaxProblem(document, masked);
  if (problem) return { ...problem, message: restored(problem.message) };
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

/**
 * What no text file holds: control characters other than tab and line ends, and what bytes become that are no UTF-8.
 */
const notText = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/;

/**
 * One mistake makes the parser stumble several times; the first is told, at the bracket or quote that was left open.
 */
function syntaxProblem(document: Document, text: string): TextProblem | undefined {
  const first = document.errors.reduce<Document['errors'][number] | undefined>(
    (before, error) => (before && before.pos[0] <= error.pos[0] ? before : error),
    undefined,
  );
  const [tag] = document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED');
  if (!first) {
    if (!tag) return undefined;
    const name = shortened(text.slice(tag.pos[0], tag.pos[1]), 100);
    return {
      offset: tag.pos[0],
      message: `the tag ${name} means nothing here.`,
      remedy: 'Write the value without it.',
    };
  }
  const open = leftOpen(document, text);
  if (open && open.offset <= first.pos[0]) return open;
  const shifted = shiftedLine(first, document.errors, text);
  if (shifted !== undefined) return { offset: shifted, ...indentation };
  const known = told[first.code];
  return {
    offset: first.pos[0],
    ...(known ?? { message: `${lowerFirst(first.message)}.` }),
  };
}

const indentation = {
  message: 'this line is not indented like those that it belongs to.',
  remedy: 'Entries of one list or map begin in one column, and what belongs to an entry further to the right.',
};

/** Where a line begins that is indented in a way that makes no sense; `undefined` where the mistake is another one. */
function shiftedLine(first: Document['errors'][number], errors: Document['errors'], text: string): number | undefined {
  const contentOf = (offset: number): number => {
    const start = text.lastIndexOf('\n', offset - 1) + 1;
    return start + /^ */.exec(text.slice(start, start + 1000))![0].length;
  };
  // A value that goes on in a line that is indented like an entry is taken for a key of several lines.
  const overLines = errors.find(({ code }) => code === 'MULTILINE_IMPLICIT_KEY');
  if (first.code === 'BLOCK_AS_IMPLICIT_KEY')
    return overLines && contentOf(Math.max(overLines.pos[0], overLines.pos[1] - 1));
  const begins = contentOf(first.pos[0]) >= first.pos[0];
  return begins && ['BAD_INDENT', 'MISSING_CHAR', 'UNEXPECTED_TOKEN'].includes(first.code)
    ? contentOf(first.pos[0])
    : undefined;
}

const told: Readonly<Record<string, Pick<TextProblem, 'message' | 'remedy'>>> = {
  MULTILINE_IMPLICIT_KEY: {
    message: 'no ":" stands behind this.',
    remedy: 'Entries of a map are written "key: value".',
  },
  UNEXPECTED_TOKEN: {
    message: 'something stands here behind a value that has ended.',
    remedy: 'Remove it, or put all of the value into quotes.',
  },
  BAD_SCALAR_START: { message: 'no value begins with this character.', remedy: 'Put the value into quotes.' },
  BAD_DQ_ESCAPE: {
    message: 'in double quotes a backslash stands for something else.',
    remedy: "Write \\\\ for one, or put the value into single quotes ('…').",
  },
  TAB_AS_INDENT: { message: 'this line is indented with a tab.', remedy: 'YAML takes spaces alone.' },
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

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
