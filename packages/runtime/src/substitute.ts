// Fills `${VAR}`, `${VAR:-default}` and `${VAR:?message}` into the scalars of a YAML document, after it was parsed.

import { isScalar, parseDocument, visit, type Document, type Scalar } from 'yaml';

export interface SubstitutionIssue {
  /** Where the scalar starts, as an offset into the text. */
  readonly offset: number;
  readonly message: string;
  readonly remedy?: string;
}

const pattern = /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\?)([^}]*))?\}/g;

/**
 * Substitutes in place and returns what is missing. Because it works on parsed scalars a value can never change the
 * structure of the document. A plain (unquoted) scalar is typed again afterwards, so `size: ${SIZE:-16}` is a number; a
 * quoted one stays a string. `$${` is a literal `${`.
 */
export function substitute(document: Document, env: Readonly<Record<string, string | undefined>>): SubstitutionIssue[] {
  const issues: SubstitutionIssue[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return;
      const offset = node.range?.[0] ?? 0;
      const filled = node.value.replace(
        pattern,
        (_, escaped: string | undefined, name: string, operator: string | undefined, rest: string | undefined) => {
          if (escaped) return escaped;
          const value = env[name];
          if (value !== undefined && value !== '') return value;
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
  return issues;
}

/** What a plain YAML scalar of this text means; text that is no scalar stays text. */
function typed(text: string): unknown {
  const parsed = parseDocument(text, { logLevel: 'silent' });
  return parsed.errors.length === 0 && isScalar(parsed.contents) && !(parsed.contents as Scalar).tag
    ? (parsed.contents as Scalar).value
    : text;
}
