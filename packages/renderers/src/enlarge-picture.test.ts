import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cubicWeights } from './cubic-weights.ts';
import { enlargePicture } from './enlarge-picture.ts';

type Size = readonly [height: number, width: number];

const enlarge = (pixels: Uint8Array, from: Size, to: Size): Uint8Array => {
  const out = new Uint8Array(to[0] * to[1] * 3);
  enlargePicture(pixels, from, out, to);
  return out;
};

/** The same in float64, pixel by pixel. */
function exactly(pixels: Uint8Array, [height, width]: Size, [rows, columns]: Size): number[] {
  const taps = (from: number, to: number, i: number): [number, number][] => {
    const at = ((i + 0.5) * from) / to - 0.5;
    return cubicWeights(at - Math.floor(at)).map((weight, tap) => [
      Math.min(from - 1, Math.max(0, Math.floor(at) - 1 + tap)),
      weight,
    ]);
  };
  const out: number[] = [];
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (const [row, down] of taps(height, rows, y))
          for (const [column, across] of taps(width, columns, x))
            sum += down * across * pixels[(row * width + column) * 3 + c]!;
        out.push(Math.min(255, Math.max(0, sum)));
      }
  return out;
}

const size = fc.integer({ min: 1, max: 9 });
const larger = fc
  .tuple(size, size, fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 23 }))
  .map(([height, width, down, across]): readonly [Size, Size] => [
    [height, width],
    [height + down, width + across],
  ]);
const picture = larger.chain(([from, to]) =>
  fc.tuple(
    fc.uint8Array({ minLength: from[0] * from[1] * 3, maxLength: from[0] * from[1] * 3 }),
    fc.constant(from),
    fc.constant(to),
  ),
);

describe('a picture that is enlarged', () => {
  test('follows the curve through its pixels, to within one level', () => {
    fc.assert(
      fc.property(picture, ([pixels, from, to]) => {
        const made = enlarge(pixels, from, to);
        for (const [at, value] of exactly(pixels, from, to).entries())
          expect(Math.abs(made[at]! - value)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('stays as it is where no pixel is added, and plain where it is plain', () => {
    fc.assert(
      fc.property(picture, fc.integer({ min: 0, max: 255 }), ([pixels, from, to], level) => {
        expect(enlarge(pixels, from, from)).toEqual(pixels);
        expect(new Set(enlarge(pixels.fill(level), from, to))).toEqual(new Set([level]));
      }),
    );
  });

  test('turns with the picture', () => {
    const turned = (pixels: Uint8Array): Uint8Array =>
      Uint8Array.from(pixels, (_, at) => pixels[pixels.length - 3 * (Math.floor(at / 3) + 1) + (at % 3)]!);
    fc.assert(
      fc.property(picture, ([pixels, from, to]) => {
        const made = enlarge(turned(pixels), from, to);
        for (const [at, value] of turned(enlarge(pixels, from, to)).entries())
          expect(Math.abs(made[at]! - value)).toBeLessThanOrEqual(1);
      }),
    );
  });

  // More than a band of rows, and than a block of columns.
  test.each<readonly [Size, Size]>([
    [
      [30, 40],
      [341, 455],
    ],
    [
      [7, 1000],
      [40, 1001],
    ],
  ])('follows it in large ones too: %j to %j', (from, to) => {
    const pixels = Uint8Array.from(
      { length: from[0] * from[1] * 3 },
      (_, at) => 128 + 90 * Math.sin(at / 17) + 30 * Math.cos(at / 391),
    );
    const made = enlarge(pixels, from, to);
    const off = exactly(pixels, from, to).filter((value, at) => Math.abs(made[at]! - value) > 1);
    expect(off).toEqual([]);
  });
});
