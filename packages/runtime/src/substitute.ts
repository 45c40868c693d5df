// Fills `${VAR}`, `${VAR:-default}` and `${VAR:?message}` into the scalars of a YAML document, after it was parsed.

import { isScalar, parseDocument, visit, type Document, type Scalar } from 'yaml';
import { isSecretName } from '@deepearth/core/secrets';

export interface SubstitutionIssue {
  /** Where the scalar starts, as an offset into the text. */
  readonly offset: number;
  readonly message: string;
  readonly remedy?: string;
}

const pattern = /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\?)([^}]*))?\}/g;

/**
 * Substitutes in place and returns what is missing, and the values of variables that are called like secrets. Because it works on parsed scalars a value can never change the
 * structure of the document. A plain (unquoted) scalar is typed again afterwards, so `size: ${SIZE:-16}` is a number; a
 * quoted one stays a string. `$${` is a literal `${`.
 */
export function substitute(
  document: Document,
  env: Readonly<Record<string, string | undefined>>,
): { readonly issues: readonly SubstitutionIssue[]; readonly secrets: readonly string[] } {
  const issues: SubstitutionIssue[] = [];
  const secrets = new Set<string>();
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return;
      const offset = node.range?.[0] ?? 0;
      const filled = node.value.replace(
        pattern,
        (_, escaped: string | undefined, name: string, operator: string | undefined, rest: string | undefined) => {
          if (escaped) return escaped;
          const value = env[name];
          if (value !== undefined && value !== '') {
            if (isSecretName(name)) secrets.add(value);
            return value;
          }
          if (operator === ':-') return rest ?? '';
          issues.push({
            offset,
            message: operator === ':?' && rest ? `${name}: ${rest}` : `the environment variable ${name} is not set.`,
            remedy: `Set it, or write \${${name}:-default}.`,
          });
          return '';
        },
      );
      if (filled !== node.value) node.value = node.type === 'PLAIN' ? typed(filled) : filled;
    },
  });
  return { issues, secrets: [...secrets] };
}

const [brackets, stand] = ['{}[],', '\ue000\ue001\ue002\ue003\ue004'];
const swap = (text: string, from: string, to: string): string =>
  Array.from(text, (character) => to[from.indexOf(character)] ?? character).join('');

/**
 * The text with the brackets and commas of every `${VAR}` in private characters, so that YAML takes it for a word also
 * inside `{ }` and `[ ]`. Every character stays in its place. A text that uses these characters itself stays as it is.
 */
export const maskVariables = (text: string): string =>
  /[\ue000-\ue004]/.test(text)
    ? text
    : text.replace(pattern, (variable) => (variable.includes('\n') ? variable : swap(variable, brackets, stand)));

/** The way back from `maskVariables`, for what was parsed. */
export const unmaskVariables = (text: string): string => swap(text, stand, brackets);

/** What a plain YAML scalar of this text means; text that is no scalar stays text. */
function typed(text: string): unknown {
  const parsed = parseDocument(text, { logLevel: 'silent' });
  return parsed.errors.length === 0 && isScalar(parsed.contents) && !(parsed.contents as Scalar).tag
    ? (parsed.contents as Scalar).value
    : text;
}
