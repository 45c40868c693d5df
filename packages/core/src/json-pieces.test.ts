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
