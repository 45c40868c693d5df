// Fills `${VAR}`, `${VAR:-default}` and `${VAR:?message}` into the scalars of a YAML document, after it was parsed.

import { isScalar, visit, type Document, type Scalar } from 'yaml';
import { shortened } from '@deepearth/core/printable';
import { isSecretName } from '@deepearth/core/secrets';
import { parseYaml } from './parse-yaml.ts';

export interface SubstitutionIssue {
  /** Where the scalar starts, as an offset into the text. */
  readonly offset: number;
  readonly message: string;
  readonly remedy?: string;
}

/** Characters of all texts with variables in a file after they were filled in. */
const mostFilled = 1 << 20;

/**
 * Substitutes in place, passes what is missing to `report`, and returns the values of variables that are called like
 * secrets. Because it works on parsed scalars a value can never change the structure of the document. A plain
 * (unquoted) scalar is typed again afterwards, so `size: ${SIZE:-16}` is a number; a quoted one stays a string. `$${`
 * is a literal `${`.
 */
export function substitute(
  document: Document,
  env: Readonly<Record<string, string | undefined>>,
  report: (tell: () => SubstitutionIssue) => void,
): readonly string[] {
  const secrets = new Set<string>();
  let room = mostFilled;
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return undefined;
      const offset = node.range?.[0] ?? 0;
      const pieces: string[] = [];
      for (const piece of piecesOf(node.value)) {
        const text = typeof piece === 'string' ? piece : filled(piece);
        room -= text.length;
        if (room < 0) {
          const name = typeof piece === 'string' ? '' : ` with ${shortened(piece.name, 100)}`;
          report(() => ({
            offset,
            message: `here${name} the values of variables come to more than ${mostFilled} characters.`,
            remedy: 'Take long values from a file.',
          }));
          return visit.BREAK;
        }
        pieces.push(text);
      }
      const text = pieces.join('');
      if (text !== node.value) node.value = node.type === 'PLAIN' ? typed(text) : text;
      return undefined;

      function filled({ name, operator, rest }: Variable): string {
        if (!name) return '${';
        const value = env[name];
        if (value !== undefined && value !== '') {
          if (isSecretName(name)) secrets.add(value);
          return value;
        }
        if (operator === ':-') return rest;
        report(() => ({
          offset,
          message:
            operator === ':?' && rest
              ? `${shortened(name, 100)}: ${shortened(rest, 1000)}`
              : `the environment variable ${shortened(name, 100)} is not set.`,
          remedy: `Set it, or write \${${shortened(name, 100)}:-default}.`,
        }));
        return '';
      }
    },
  });
  return [...secrets];
}

interface Variable {
  /** As it is written, with braces. */
  readonly whole: string;
  /** Empty for `$${`, which is no variable. */
  readonly name: string;
  readonly operator: string;
  /** What stands behind the operator. */
  readonly rest: string;
}

const opening = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-|:\?)?/g;

/** A text cut at its variables. Each character is looked at once or twice, whatever it says. */
function* piecesOf(text: string): Generator<string | Variable> {
  let done = 0;
  // Behind the last brace nothing ends a variable.
  const last = text.lastIndexOf('}');
  for (const { index, 0: head, 1: name = '', 2: operator = '' } of text.matchAll(opening)) {
    if (index < done) continue;
    const behind = index + head.length;
    let end = behind;
    if (name) {
      if (behind > last || (!operator && text[behind] !== '}')) continue;
      end = text.indexOf('}', behind) + 1;
    }
    yield text.slice(done, index);
    yield { whole: text.slice(index, end), name, operator, rest: name && text.slice(behind, end - 1) };
    done = end;
  }
  yield text.slice(done);
}

const [brackets, stand] = ['{}[],', '\ue000\ue001\ue002\ue003\ue004'];
const swap = (text: string, from: string, to: string, characters: RegExp): string =>
  text.replace(characters, (character) => to[from.indexOf(character)]!);

/**
 * The text with the brackets and commas of every `${VAR}` in private characters, so that YAML takes it for a word also
 * inside `{ }` and `[ ]`. Every character stays in its place. A text that uses these characters itself stays as it is.
 */
export function maskVariables(text: string): string {
  if (/[\ue000-\ue004]/.test(text)) return text;
  const masked: string[] = [];
  for (const piece of piecesOf(text))
    if (typeof piece === 'string') masked.push(piece);
    else masked.push(piece.whole.includes('\n') ? piece.whole : swap(piece.whole, brackets, stand, /[{}[\],]/g));
  return masked.join('');
}

/** The way back from `maskVariables`, for what was parsed. */
export const unmaskVariables = (text: string): string => swap(text, stand, brackets, /[\ue000-\ue004]/g);

/** No number, and nothing else that is not text, is so long. */
const longestTyped = 500;

/** What a plain YAML scalar of this text means; text that is no scalar stays text. */
function typed(text: string): unknown {
  if (text.length > longestTyped) return text;
  const parsed = parseYaml(text, undefined, (documents) => documents.next().value as Document | undefined);
  return parsed &&
    'contents' in parsed &&
    parsed.errors.length === 0 &&
    isScalar(parsed.contents) &&
    !(parsed.contents as Scalar).tag
    ? (parsed.contents as Scalar).value
    : text;
}
