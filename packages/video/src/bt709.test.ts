import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bt709 } from './bt709.ts';

/** As the standard says it, of numbers from 0 to 1, unrounded. */
function standard(rgb: readonly number[]): number[] {
  const [r, g, b] = rgb.map((value) => value / 255) as [number, number, number];
  const luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return [16 + 219 * luma, 128 + (224 * (b - luma)) / 1.8556, 128 + (224 * (r - luma)) / 1.5748];
}

const byte = fc.integer({ min: 0, max: 255 });
const planesOf = (width: number, height: number) =>
  new Uint8Array(((width + (width % 2)) * (height + (height % 2)) * 3) / 2);

describe('RGB as BT.709 in limited range', () => {
  test('is what the standard says, to a rounding', () => {
    fc.assert(
      fc.property(fc.tuple(byte, byte, byte), (rgb) => {
        const pixels = Uint8Array.from({ length: 12 }, (_, i) => rgb[i % 3]!);
        const planes = bt709(pixels, { width: 2, height: 2, channels: 3 }, planesOf(2, 2));
        const [y, cb, cr] = standard(rgb) as [number, number, number];
        for (let i = 0; i < 4; i++) expect(Math.abs(planes[i]! - y)).toBeLessThan(0.51);
        expect(Math.abs(planes[4]! - cb)).toBeLessThan(0.51);
        expect(Math.abs(planes[5]! - cr)).toBeLessThan(0.51);
      }),
    );
  });

  test('repeats the last column and row of odd pictures, and puts what is see-through on black', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(byte),
        (width, height, values) => {
          const pixels = Uint8Array.from({ length: width * height * 4 }, () => values.next().value!);
          const [columns, rows] = [width + (width % 2), height + (height % 2)];
          // The same picture, made even and opaque by hand.
          const even = Uint8Array.from({ length: columns * rows * 3 }, (_, i) => {
            const [x, y] = [
              Math.min(Math.floor(i / 3) % columns, width - 1),
              Math.min(Math.floor(i / 3 / columns), height - 1),
            ];
            const from = (y * width + x) * 4;
            return Math.floor((pixels[from + (i % 3)]! * pixels[from + 3]! + 127) / 255);
          });
          expect(bt709(pixels, { width, height, channels: 4 }, planesOf(width, height))).toEqual(
            bt709(even, { width: columns, height: rows, channels: 3 }, planesOf(columns, rows)),
          );
        },
      ),
    );
  });
});
