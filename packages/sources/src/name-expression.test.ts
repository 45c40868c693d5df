import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { framesOptions } from './frames-options.ts';
import { nameExpression } from './name-expression.ts';

const atoms = fc.constantFrom(
  'a',
  '_',
  '\\d',
  '\\w',
  '.',
  '\\.',
  '[0-9]',
  '[^_]',
  'ü',
  '\\u{1F30D}',
  '\\p{L}',
  '\\p{Script=Greek}',
  '(?<!\\d)',
  '^',
  '$',
  '\\b',
);
const expressions = fc
  .array(fc.tuple(atoms, fc.constantFrom('', '', '', '?', '+', '*', '{2}', '+?')), { minLength: 1, maxLength: 6 })
  .map((parts) =>
    parts
      .map(([atom, repeat], i) => {
        const whole = /^(\^|\$|\\b|\(\?<!)/.test(atom) ? atom : atom + repeat;
        return i % 3 === 1 ? `(?<n${i}>${whole})` : i % 3 === 2 ? `(?:${whole}|_)` : whole;
      })
      .join(''),
  );
const names = fc
  .array(fc.constantFrom('a', 'b', '_', '0', '1', '2024', '.', 'ü', 'α', '🌍', '-', 'png'), { maxLength: 12 })
  .map((parts) => parts.join(''));

describe('an expression over names', () => {
  test('finds what that of JavaScript finds, with the same groups', () => {
    fc.assert(
      fc.property(expressions, names, (source, name) => {
        const [mine, own] = [nameExpression(source).exec(name), new RegExp(source, 'u').exec(name)];
        expect(mine && [...mine]).toEqual(own && [...own]);
        expect(mine?.index).toBe(own?.index);
        expect({ ...mine?.groups }).toEqual({ ...own?.groups });
        expect(nameExpression(source).test(name)).toBe(own !== null);
      }),
      { numRuns: 500 },
    );
  });

  // With the engine of JavaScript each of these takes longer than the world is old.
  test.each(['(a+)+$', '(a|aa)+$', '^(a|a?)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(.*a){20}x'])(
    '%s ends, whatever the name',
    (source) => expect(nameExpression(source).test(`${'a'.repeat(250)}!`)).toBe(false),
  );

  test.each([
    ['(?=a)b', /looks ahead/],
    ['(?!a)b', /looks ahead/],
    ['(a)\\1', /refers back/],
    ['(?<n>a)\\k<n>', /refers back/],
    ['(a{900}){2}', /cannot be used here: invalid repeat count/],
    ['a{1000}b{1000}c{1000}', /too long/],
    ['a'.repeat(1001), /1001 characters/],
    ['(', /Unterminated group/],
    ['[z-a]', /out of order/],
  ])('%s is refused with words', (pattern, words) => {
    expect(() => nameExpression(pattern)).toThrow(words);
    const found = framesOptions.safeParse({ directory: 'x', pattern });
    expect(found.error?.issues[0]?.message).toMatch(words);
  });
});
