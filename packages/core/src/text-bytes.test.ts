import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textBytes } from './text-bytes.ts';

test('is UTF-8 of all pieces, however they are cut; no piece is large but where a text is', async () => {
  const pieces = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.constantFrom(1, 40, 9000)), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(pieces, async (given) => {
      const texts = given.map(([text, times]) => text.repeat(times));
      const seen: Uint8Array[] = [];
      let most = 0;
      for await (const bytes of textBytes(texts)) {
        seen.push(bytes.slice());
        most = Math.max(most, bytes.length);
      }
      expect(Buffer.concat(seen).equals(Buffer.from(texts.join('')))).toBe(true);
      const longest = Math.max(0, ...texts.map(({ length }) => length));
      expect(most).toBeLessThanOrEqual(3 * (longest + 32_768));
    }),
    { numRuns: 30 },
  );
});
