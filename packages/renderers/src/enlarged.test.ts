import fc from 'fast-check';
import { expect, test } from 'vitest';
import { enlarged } from './enlarged.ts';

const blends = ['linear', 'bicubic'] as const;

test('keeps a single colour, and every colour at a factor of 1', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...blends),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
      (blend, height, width, factor, numbers) => {
        const colors = Uint8Array.from({ length: height * width * 4 }, (_, i) =>
          i % 4 === 3 ? 255 : numbers.next().value!,
        );
        expect(enlarged(colors, height, width, 1, blend)).toEqual(colors);
        const one = colors.map((_, i) => colors[i % 4]!);
        expect(enlarged(one, height, width, factor, blend)).toEqual(
          Uint8Array.from({ length: height * width * factor ** 2 * 4 }, (_, i) => one[i % 4]!),
        );
      },
    ),
  );
});

test('goes in a straight line, or in a curve through the same colours', () => {
  const colors = Uint8Array.from([0, 0, 100, 100].flatMap((value) => [value, value, value, 255]));
  const reds = (blend: (typeof blends)[number]): number[] =>
    [...enlarged(colors, 1, 4, 5, blend)].filter((_, i) => i % 4 === 0).slice(0, 20);
  expect(reds('linear')).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 20, 40, 60, 80, 100, 100, 100, 100, 100, 100, 100, 100]);
  const curve = reds('bicubic');
  expect([curve[7], curve[12]]).toEqual([0, 100]);
  expect(curve[8]).toBeLessThan(20);
  expect(curve[13]).toBeGreaterThan(100);
});

test('gets transparent towards cells that saw nothing, in the colour of those that did', () => {
  const colors = Uint8Array.from([200, 100, 50, 255, 0, 0, 0, 0]);
  const found = enlarged(colors, 1, 2, 4, 'linear').subarray(0, 32);
  for (let x = 0; x < 8; x++) {
    if (found[x * 4 + 3]! > 0) expect([...found.subarray(x * 4, x * 4 + 3)]).toEqual([200, 100, 50]);
    if (x > 0) expect(found[x * 4 + 3]).toBeLessThanOrEqual(found[x * 4 - 1]!);
  }
  expect([found[3], found[31]]).toEqual([255, 0]);
});
