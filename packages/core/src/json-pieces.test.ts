import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonText } from './json-pieces.ts';

async function textOf(value: object): Promise<string> {
  let text = '';
  for await (const piece of jsonText(value)) text += piece;
  return text;
}

async function* given<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

test('is what JSON.stringify writes, also of lists that come over time', async () => {
  const objects = fc.dictionary(fc.string(), fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue(), { maxLength: 4 })));
  await fc.assert(
    fc.asyncProperty(objects, async (value) => {
      const over = Object.fromEntries(
        Object.entries(value).map(([name, part]) => [name, Array.isArray(part) ? given(part) : part]),
      );
      const text = `${JSON.stringify(value, null, 1)}\n`;
      fc.pre(Object.keys(value).length > 0 && !/-0(?![.\d])/.test(text));
      expect(await textOf(value)).toBe(text);
      expect(await textOf(over)).toBe(text);
    }),
  );
});

test('long lists at any depth come in pieces, and the value is the same', async () => {
  const numbers = fc.array(fc.integer(), { minLength: 90, maxLength: 400 });
  const nested = fc.letrec((tie) => ({
    part: fc.oneof(
      { maxDepth: 3 },
      fc.jsonValue({ maxDepth: 1 }),
      numbers,
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('part'), { maxKeys: 3 }),
    ),
  })).part;
  await fc.assert(
    fc.asyncProperty(fc.array(nested, { maxLength: 4 }), async (list) => {
      const value = JSON.parse(JSON.stringify({ list })) as object;
      expect(JSON.parse(await textOf(value))).toEqual(value);
    }),
  );
  const frames = Array.from({ length: 50_000 }, (_, i) => 100_000 + i);
  const sizes: number[] = [];
  for await (const piece of jsonText({ outputs: [{ path: 'a.gif', about: { deeper: { frames } } }] }))
    sizes.push(piece.length);
  expect(Math.max(...sizes)).toBeLessThan(1000);
});
