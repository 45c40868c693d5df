import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filePattern } from './file-pattern.ts';

const fits = (pattern: string, name: string): boolean => new RegExp(filePattern(pattern), 'u').test(name);

test.each([
  ['*.jpg', 'a.jpg', true],
  ['*.jpg', 'a.jpeg', false],
  ['**/*.jpg', 'a.jpg', true],
  ['NCAR_frame_*.tif', 'NCAR_frame_0616.tif', true],
  ['frame_?.png', 'frame_1.png', true],
  ['frame_?.png', 'frame_12.png', false],
  ['[ab]*.png', 'b1.png', true],
  ['[!ab]*.png', 'b1.png', false],
  ['a+b (1).png', 'a+b (1).png', true],
])('%s beside %s: %s', (pattern, name, expected) => {
  expect(fits(pattern, name)).toBe(expected);
});

test.each(['frame_{:04d}.tif', 'frame_%04d.tif', 'frame_{}.tif', 'frame_{number:d}.tif'])(
  '%s says where the number is',
  (pattern) => {
    expect(new RegExp(filePattern(pattern), 'u').exec('frame_0616.tif')!.groups).toEqual({ number: '0616' });
  },
);

test('a name without anything special fits itself alone', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\w .+()^$|-]{1,12}$/), fc.stringMatching(/^[\w .+()^$|-]{1,12}$/), (a, b) => {
      expect(fits(a, b)).toBe(a === b);
    }),
  );
});
