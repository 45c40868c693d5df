// Regular expressions of users over file names, in time proportional to the name: the engine of JavaScript goes back
// and forth, and `(a+)+$` keeps it busy for ever, with no way to stop it.

import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

/** A regular expression over names. A `RegExp` is one, too. */
export type NameExpression = Pick<RegExp, 'source' | 'test' | 'exec'>;

const longest = 1000;
/** Instructions of the engine; an expression that tells numbers in names apart has some dozens. */
const mostInstructions = 2000;

/**
 * An expression in the notation of JavaScript with the flag `u`. Throws a `SyntaxError` for what is none, for what the
 * engine cannot do (looking ahead, and referring back to a group), and for what is too long.
 */
export function nameExpression(source: string): NameExpression {
  if (source.length > longest) throw new SyntaxError(`it has ${source.length} characters; the most is ${longest}`);
  // JavaScript's own check: it names what is wrong, and its notation is what users write.
  new RegExp(source, 'u');
  // The engine would take `\\k` for the letter k.
  for (const [, escaped] of source.matchAll(/\\(.)/gsu))
    if (/[1-9k]/.test(escaped!))
      throw new SyntaxError('it refers back to a group, which cannot be done in bounded time');
  const engine = compiled(source);
  if (engine.programSize() > mostInstructions)
    throw new SyntaxError('with its repetitions written out it is too long; use smaller counts in { }');
  return {
    source,
    test: (text) => engine.exec(text) !== null,
    exec: (text) => engine.exec(text) as RegExpExecArray | null,
  };
}

/** Loaded when the first expression is given: most pipelines have none. It is one file of JavaScript. */
const load = (): typeof RE2JS => (createRequire(import.meta.url)('re2js') as { readonly RE2JS: typeof RE2JS }).RE2JS;

function compiled(source: string): RE2JS {
  const engine = load();
  try {
    const own = engine.translateRegExp(source).replaceAll(/(\\[pP]\{)(?:Script|sc|General_Category|gc)=/g, '$1');
    return engine.compile(own, engine.LOOKBEHINDS);
  } catch (cause) {
    throw new SyntaxError(reason(source, cause), { cause });
  }
}

function reason(source: string, cause: unknown): string {
  if (/\(\?[=!]/.test(source)) return 'it looks ahead with (?= or (?!, which cannot be done in bounded time';
  const said = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, '') : String(cause);
  return `it cannot be used here: ${said}`;
}
