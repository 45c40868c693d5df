// Parses a literal of Python: strings, whole numbers, True, False, None, tuples, lists and dicts, as headers of .npy
// files are.

import { show } from './printable.ts';

export type PythonLiteral = string | number | boolean | null | PythonLiteral[] | Map<PythonLiteral, PythonLiteral>;

const token = /\s*(?:('(?:[^'\\\n]|\\['\\])*'|"(?:[^"\\\n]|\\["\\])*")|(-?\d+)L?|(True|False|None)|([()[\]{},:]))/y;
const deepest = 32;

/**
 * Parses a whole text; tuples and lists are both arrays. Throws a `SyntaxError` for anything else, and for a key that
 * comes twice.
 */
export function parsePythonLiteral(text: string): PythonLiteral {
  let at = 0;
  const next = (): string => {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match)
      throw new SyntaxError(
        text.slice(at).trim() ? `unexpected ${show(text.slice(at, at + 20))}` : 'it ends too early',
      );
    at = token.lastIndex;
    return (match[1] ?? match[2] ?? match[3] ?? match[4])!;
  };
  const peek = (expected: string): boolean => {
    const back = at;
    if (next() === expected) return true;
    at = back;
    return false;
  };
  const value = (depth: number): PythonLiteral => {
    if (depth > deepest) throw new SyntaxError('it is nested too deeply');
    const word = next();
    if (word === '(' || word === '[') return list(word === '(' ? ')' : ']', word === '(', depth + 1);
    if (word === '{') return dict(depth + 1);
    if (word === 'True') return true;
    if (word === 'False') return false;
    if (word === 'None') return null;
    if (word[0] === "'" || word[0] === '"') return word.slice(1, -1).replace(/\\(.)/g, '$1');
    if (/^-?\d/.test(word)) return Number(word);
    throw new SyntaxError(`unexpected "${word}"`);
  };
  const list = (end: string, tuple: boolean, depth: number): PythonLiteral => {
    const items: PythonLiteral[] = [];
    while (!peek(end)) {
      items.push(value(depth));
      if (peek(end)) return tuple && items.length === 1 ? items[0]! : items; // (1) is a number in brackets, (1,) is a tuple
      if (!peek(',')) throw new SyntaxError('a comma is missing');
    }
    return items;
  };
  const dict = (depth: number): PythonLiteral => {
    const entries = new Map<PythonLiteral, PythonLiteral>();
    while (!peek('}')) {
      const key = value(depth);
      if (entries.has(key)) throw new SyntaxError(`the key ${show(key)} comes twice`);
      if (!peek(':')) throw new SyntaxError('a colon is missing');
      entries.set(key, value(depth));
      if (!peek(',') && !peek('}')) throw new SyntaxError('a comma is missing');
      else if (text[at - 1] === '}') break;
    }
    return entries;
  };
  const result = value(0);
  if (text.slice(at).trim()) throw new SyntaxError(`unexpected ${show(text.slice(at, at + 20))}`);
  return result;
}
