import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameSet } from './name-set.ts';

test('knows the names that were added, and no others, as a set does', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.string()), fc.constantFrom(2, 3), (...given) => {
      const [added, asked, words] = given;
      const [names, set] = [nameSet(words), new Set<string>()];
      for (const name of added) {
        expect(names.add(name)).toBe(!set.has(name));
        set.add(name);
      }
      for (const name of [...added, ...asked]) expect(names.has(name)).toBe(set.has(name));
    }),
  );
});

test('grows with its names', () => {
  const names = nameSet();
  for (let i = 0; i < 5000; i++) expect(names.add(`pictures/frame_${i}.png`)).toBe(true);
  for (let i = 0; i < 10_000; i++) expect(names.has(`pictures/frame_${i}.png`)).toBe(i < 5000);
});
