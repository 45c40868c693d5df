import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostTerms, ticksExpression } from './ticks-expression.ts';

/** What ffmpeg makes of an expression of these terms. */
const holds = (expression: string, pts: number): boolean =>
  expression.split('+').some((term) => {
    const numbers = term.match(/\d+/g)!.map(Number);
    if (term.startsWith('eq')) return pts === numbers[0];
    const [low, high, start = 0, step = 1] = numbers as [number, number, number?, number?];
    return pts >= low && pts <= high && (pts - start) % step === 0;
  });

test('an expression is true for the times it was made of, and for no others', () => {
  const ticks = fc
    .uniqueArray(fc.nat(400), { minLength: 1, maxLength: 80 })
    .map((found) => found.sort((a, b) => a - b));
  fc.assert(
    fc.property(ticks, (wanted) => {
      const { expression, count } = ticksExpression(wanted);
      expect(count).toBe(wanted.length);
      for (let pts = 0; pts <= 401; pts++) expect(holds(expression, pts), String(pts)).toBe(wanted.includes(pts));
    }),
  );
});

test('times that are equally far apart are one term, however many they are', () => {
  const { expression, count } = ticksExpression(Array.from({ length: 100_000 }, (_, i) => 7 + i * 512));
  expect(expression).toBe(`between(pts,7,${7 + 99_999 * 512})*not(mod(pts-7,512))`);
  expect(count).toBe(100_000);
  expect(ticksExpression([4, 5, 6, 9]).expression).toBe('between(pts,4,6)+eq(pts,9)');
});

test('an expression has an end, and says how many times it has room for', () => {
  const uneven = Array.from({ length: 9000 }, (_, i) => i * i * 3 + (i % 7));
  const { expression, count } = ticksExpression(uneven);
  expect(expression.split('+')).toHaveLength(mostTerms);
  expect(count).toBeLessThan(9000);
  // One argument of a program has at most 128 KiB on Linux.
  expect(expression.length).toBeLessThan(100_000);
});
