import { expect, test } from 'vitest';
import { glyphHeight, glyphOf, glyphWidth } from './glyphs.ts';

const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const drawn = [...printable, ...'°µ–×…→↑'];

test('every printable ASCII letter and a few more are drawn, each another one, inside its cell', () => {
  const seen = new Map(drawn.map((character) => [glyphOf(character).join(), character]));
  expect(seen.size).toBe(drawn.length);
  expect(seen.has(glyphOf('ß').join())).toBe(false);
  for (const character of drawn) {
    const rows = glyphOf(character);
    expect(rows, character).toHaveLength(glyphHeight);
    for (const row of rows) expect(row, character).toBeLessThan(2 ** glyphWidth);
    expect(
      rows.some((row) => row > 0),
      character,
    ).toBe(character !== ' ');
  }
});

test('letters and figures that look alike differ in three dots at least', () => {
  const differing = (a: string, b: string): number =>
    glyphOf(a).reduce((sum, row, i) => {
      let bits = row ^ glyphOf(b)[i]!;
      let count = 0;
      for (; bits; bits &= bits - 1) count++;
      return sum + count;
    }, 0);
  for (const [a, b] of ['0O', '1l', '1I', 'lI', 'l|', '5S', '2Z', '8B', '6b', '9g', 'uv', 'rn', ';:'])
    expect(differing(a!, b!), `${a} ${b}`).toBeGreaterThanOrEqual(3);
});

test('anything else is one box', () => {
  for (const character of ['é', '東', '🌍', '\n', '\u0000', '\ud800']) expect(glyphOf(character)).toEqual(glyphOf('□'));
});

test('the letters are those that they were', () => {
  const rows = Array.from({ length: glyphHeight }, (_, row) =>
    Array.from('Ag0°')
      .map((character) =>
        Array.from({ length: glyphWidth }, (__, column) => (glyphOf(character)[row]! & (1 << column) ? '#' : '.')).join(
          '',
        ),
      )
      .join(' '),
  );
  expect(`\n${rows.join('\n')}\n`).toBe(`
..#.. ..... .###. .##..
.#.#. ..... #...# #..#.
#...# .#### #..## #..#.
#...# #...# #.#.# .##..
##### #...# ##..# .....
#...# #...# #...# .....
#...# .#### .###. .....
..... ....# ..... .....
..... .###. ..... .....
`);
});
