import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolations } from './picture-processing.ts';
import { resize, resizeWindow, resizeWindowFloat } from './resize.ts';

const noise = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i + 1, 2654435761 + seed * 40503) >>> 24);

/** One axis, plainly: a triangle as wide as the scale, weights in the finest 16-bit fixed point, rounded to 8 bits. */
function plainAxis(line: number[], output: number): number[] {
  if (line.length === output) return line;
  const scale = line.length / output;
  const support = Math.max(scale, 1);
  const filters = Array.from({ length: output }, (_, i) => {
    const centre = scale * (i + 0.5);
    const from = Math.max(Math.trunc(centre - support + 0.5), 0);
    const to = Math.min(Math.trunc(centre + support + 0.5), line.length);
    const raw = Array.from({ length: to - from }, (__, j) =>
      Math.max(0, 1 - Math.abs((j + from - centre + 0.5) * (1 / support))),
    );
    const total = raw.reduce((a, b) => a + b, 0);
    return { from, weights: raw.map((weight) => weight / total) };
  });
  const largest = Math.max(...filters.flatMap(({ weights }) => weights));
  let precision = 0;
  while (precision < 22 && Math.trunc(0.5 + largest * 2 ** (precision + 1)) < 32768) precision++;
  return filters.map(({ from, weights }) => {
    const sum = weights.reduce(
      (all, weight, j) => all + line[from + j]! * Math.trunc(0.5 + weight * 2 ** precision),
      2 ** (precision - 1),
    );
    return Math.min(255, Math.floor(sum / 2 ** precision));
  });
}

function plain(data: Uint8Array, height: number, width: number, toHeight: number, toWidth: number): Uint8Array {
  const out = new Uint8Array(toHeight * toWidth * 3);
  for (let c = 0; c < 3; c++) {
    const rows = Array.from({ length: height }, (_, y) =>
      plainAxis(
        Array.from({ length: width }, (__, x) => data[(y * width + x) * 3 + c]!),
        toWidth,
      ),
    );
    for (let x = 0; x < toWidth; x++)
      plainAxis(
        rows.map((row) => row[x]!),
        toHeight,
      ).forEach((value, y) => (out[(y * toWidth + x) * 3 + c] = value));
  }
  return out;
}

const edge = fc.integer({ min: 1, max: 40 });
const same = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0);

describe('resizing', () => {
  it('returns the bytes of the plain definition, growing and shrinking', () => {
    fc.assert(
      fc.property(edge, edge, edge, edge, fc.nat(), (height, width, toHeight, toWidth, seed) => {
        const data = noise(height * width * 3, seed);
        same(resize({ data, height, width }, toHeight, toWidth), plain(data, height, width, toHeight, toWidth));
      }),
      { numRuns: 150 },
    );
  });

  it('returns the same pixels for a window as for the whole, with every filter, in bytes and in floats', () => {
    fc.assert(
      fc.property(edge, edge, edge, edge, fc.nat(), (height, width, toHeight, toWidth, seed) => {
        const source = { data: noise(height * width * 3, seed), height, width };
        const x = seed % toWidth;
        const y = (seed >> 5) % toHeight;
        const window = {
          x,
          y,
          width: toWidth - x - ((seed >> 9) % (toWidth - x)),
          height: toHeight - y - ((seed >> 13) % (toHeight - y)),
        };
        const all = { x: 0, y: 0, width: toWidth, height: toHeight };
        for (const interpolation of interpolations)
          for (const cut of [resizeWindow, resizeWindowFloat]) {
            const whole = cut(source, toHeight, toWidth, all, interpolation);
            const part = cut(source, toHeight, toWidth, window, interpolation);
            for (let line = 0; line < window.height; line++)
              expect(part.subarray(line * window.width * 3, (line + 1) * window.width * 3)).toEqual(
                whole.subarray(((y + line) * toWidth + x) * 3, ((y + line) * toWidth + x + window.width) * 3),
              );
          }
      }),
    );
  });

  it('leaves a picture of the same size as it is', () => {
    fc.assert(
      fc.property(edge, edge, fc.nat(), (height, width, seed) => {
        const source = { data: noise(height * width * 3, seed), height, width };
        for (const interpolation of interpolations) {
          same(resize(source, height, width, interpolation), source.data);
          const all = { x: 0, y: 0, width, height };
          expect(resizeWindowFloat(source, height, width, all, interpolation)).toEqual(Float32Array.from(source.data));
        }
      }),
    );
  });

  it('takes pictures larger than what it hands to the kernel at a time', () => {
    const [height, width] = [260, 9000];
    const column = noise(height * 3, 5);
    // Every column the same: the result is that of one column, wherever one band ends and the next begins.
    const data = Uint8Array.from(
      { length: height * width * 3 },
      (_, i) => column[Math.floor(i / 3 / width) * 3 + (i % 3)]!,
    );
    const wide = resize({ data, height, width }, 90, 6);
    const narrow = plain(column, height, 1, 90, 1);
    for (let y = 0; y < 90; y++)
      for (let x = 0; x < 6; x++)
        for (let c = 0; c < 3; c++)
          expect(Math.abs(wide[(y * 6 + x) * 3 + c]! - narrow[y * 3 + c]!)).toBeLessThanOrEqual(1);
  });

  it('refuses a window that leaves the picture', () => {
    expect(() =>
      resizeWindow({ data: new Uint8Array(12), height: 2, width: 2 }, 4, 4, { x: 1, y: 0, width: 4, height: 4 }),
    ).toThrow(RangeError);
  });
});
