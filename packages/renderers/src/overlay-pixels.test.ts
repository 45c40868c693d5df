import type { Geometry } from '@deepearth/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overlayPixels } from './overlay-pixels.ts';

/** Which pixels of a black frame a single white cell of a grid covers, at full opacity. */
function coveredBy(
  geometry: Geometry,
  height: number,
  width: number,
  row: number,
  column: number,
  interpolation: 'nearest' | 'smooth' = 'nearest',
): Set<number> {
  const colors = new Uint8Array(height * width * 4);
  colors.set([255, 255, 255, 255], (row * width + column) * 4);
  const { frameHeight, frameWidth } = geometry;
  const out = new Uint8Array(frameHeight * frameWidth * 3);
  overlayPixels(new Uint8Array(out.length), geometry, { colors, height, width }, 1, interpolation, out);
  return new Set([...out.keys()].filter((i) => i % 3 === 0 && out[i]! > 0).map((i) => i / 3));
}

/** How encoders see a frame; each as they lay it out. */
const geometries: Readonly<Record<string, (w: number, h: number) => Geometry>> = {
  // The shortest edge becomes 438, the centre 384 x 384 are cut out.
  crop(w, h) {
    const short = Math.min(w, h);
    const [rw, rh] = [Math.trunc((w * 438) / short), Math.trunc((h * 438) / short)];
    const [x, y] = [Math.trunc((rw - 384) / 2), Math.trunc((rh - 384) / 2)];
    return {
      frameWidth: w,
      frameHeight: h,
      x: (x * w) / rw,
      y: (y * h) / rh,
      width: (384 * w) / rw,
      height: (384 * h) / rh,
    };
  },
  resize: (w, h) => ({ frameWidth: w, frameHeight: h, x: 0, y: 0, width: w, height: h }),
  pad(w, h) {
    const edge = Math.max(w, h);
    return { frameWidth: w, frameHeight: h, x: (w - edge) / 2, y: (h - edge) / 2, width: edge, height: edge };
  },
  tile: (w, h) => ({
    frameWidth: w,
    frameHeight: h,
    x: 0,
    y: 0,
    width: Math.ceil(w / 96) * 96,
    height: Math.ceil(h / 96) * 96,
  }),
};

describe.each(Object.entries(geometries))('with geometry "%s"', (_, geometryOf) => {
  test('the cell that saw a pixel is drawn over that pixel, and no other cell is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 40, max: 160 }),
        fc.integer({ min: 40, max: 160 }),
        fc.integer({ min: 2, max: 30 }),
        fc.integer({ min: 2, max: 30 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (w, h, rows, columns, u, v) => {
          const geometry = geometryOf(w, h);
          const [px, py] = [Math.floor(u * w), Math.floor(v * h)];
          const column = Math.floor(((px + 0.5 - geometry.x) / geometry.width) * columns);
          const row = Math.floor(((py + 0.5 - geometry.y) / geometry.height) * rows);
          const seen = column >= 0 && column < columns && row >= 0 && row < rows;
          if (seen) {
            const covered = coveredBy(geometry, rows, columns, row, column);
            expect(covered.has(py * w + px)).toBe(true);
            // Its neighbour is elsewhere.
            expect(coveredBy(geometry, rows, columns, (row + 1) % rows, column).has(py * w + px)).toBe(false);
          } else {
            for (let c = 0; c < columns; c++)
              expect(coveredBy(geometry, rows, columns, Math.min(rows - 1, Math.max(0, row)), c).has(py * w + px)).toBe(
                false,
              );
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

test('what a centre crop left out stays plain, by the pixel', () => {
  // 360 x 360 becomes 438 x 438; 27 of its pixels go on each side, 22.2 of the frame's.
  const geometry = geometries['crop']!(360, 360);
  expect(geometry.x).toBeCloseTo(22.19, 2);
  const left = [...coveredBy(geometry, 24, 24, 0, 0)];
  expect(Math.min(...left.map((pixel) => pixel % 360))).toBe(22);
  expect(Math.min(...left.map((pixel) => Math.floor(pixel / 360)))).toBe(22);
  const right = [...coveredBy(geometry, 24, 24, 23, 23)];
  expect(Math.max(...right.map((pixel) => pixel % 360))).toBe(337);
});

describe('smooth colours', () => {
  const geometry: Geometry = { frameWidth: 8, frameHeight: 1, x: 0, y: 0, width: 8, height: 1 };
  const line = (cells: readonly (readonly number[])[], opacity = 1): number[] => {
    const out = new Uint8Array(24);
    overlayPixels(
      new Uint8Array(24).fill(100),
      geometry,
      { colors: Uint8Array.from(cells.flat()), height: 1, width: cells.length },
      opacity,
      'smooth',
      out,
    );
    return [...out].filter((_, i) => i % 3 === 0);
  };

  test('stand in the centres of cells and go evenly from one to the next', () => {
    expect(
      line([
        [0, 0, 0, 255],
        [200, 0, 0, 255],
      ]),
    ).toEqual([0, 0, 25, 75, 125, 175, 200, 200]);
  });

  test('fade out towards a cell that is not known, without its colour', () => {
    const faded = line([
      [200, 200, 200, 255],
      [0, 0, 0, 0],
    ]);
    expect(faded[0]).toBe(200);
    expect(faded[7]).toBe(100);
    expect(Math.min(...faded), 'never darker than the frame or the colour').toBe(100);
  });

  test('are mixed with the frame by opacity', () => {
    expect(line([[200, 0, 0, 255]], 0.25)).toEqual(Array(8).fill(125));
    expect(line([[200, 0, 0, 255]], 0)).toEqual(Array(8).fill(100));
  });
});

describe('squares', () => {
  /** A value under a colour at an opacity of so many thousandths, in whole numbers: halves are rounded upwards. */
  const blended = (value: number, color: number, thousandths: number): number =>
    Math.floor((2 * (value * (1000 - thousandths) + color * thousandths) + 1000) / 2000);

  test('are mixed with the frame value by value, whatever the size, and leave alone what nothing is known of', () => {
    const geometry = fc.record({
      frameWidth: fc.integer({ min: 1, max: 70 }),
      frameHeight: fc.integer({ min: 1, max: 30 }),
      x: fc.double({ min: -20, max: 20, noNaN: true }),
      y: fc.double({ min: -20, max: 20, noNaN: true }),
      width: fc.double({ min: 1, max: 90, noNaN: true }),
      height: fc.double({ min: 1, max: 90, noNaN: true }),
    });
    fc.assert(
      fc.property(
        geometry,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.uint8Array({ minLength: 100, maxLength: 100 }),
        fc.uint8Array({ minLength: 71, maxLength: 71 }),
        (geometry, height, width, thousandths, some, values) => {
          const { frameWidth, frameHeight } = geometry;
          const colors = some.slice(0, height * width * 4).map((value, i) => (i % 4 < 3 ? value : value % 3 && 255));
          const rgb = Uint8Array.from({ length: frameWidth * frameHeight * 3 }, (_, i) => values[i % values.length]!);
          const out = new Uint8Array(rgb.length + frameWidth * 3);
          overlayPixels(rgb, geometry, { colors, height, width }, thousandths / 1000, 'nearest', out, 1);
          const cell = (pixel: number, origin: number, extent: number, cells: number): number => {
            const at = Math.floor(((pixel + 0.5 - origin) * cells) / extent);
            return at < cells ? at : -1;
          };
          const expected = rgb.map((value, i) => {
            const pixel = Math.floor(i / 3);
            const column = cell(pixel % frameWidth, geometry.x, geometry.width, width);
            const row = cell(Math.floor(pixel / frameWidth), geometry.y, geometry.height, height);
            const from = (row * width + column) * 4;
            return row < 0 || column < 0 || colors[from + 3] === 0
              ? value
              : blended(value, colors[from + (i % 3)]!, thousandths);
          });
          expect(out.subarray(frameWidth * 3)).toEqual(expected);
          expect(out.subarray(0, frameWidth * 3)).toEqual(new Uint8Array(frameWidth * 3));
        },
      ),
    );
  });

  test('are exact for every value under every colour at any opacity of three decimals', () => {
    const rgb = Uint8Array.from({ length: 256 * 256 * 3 }, (_, i) => Math.floor(i / 3) & 255);
    const colors = Uint8Array.from({ length: 256 * 4 }, (_, i) => (i % 4 < 3 ? i >> 2 : 255));
    const geometry = { frameWidth: 256, frameHeight: 256, x: 0, y: 0, width: 256, height: 256 };
    const out = new Uint8Array(rgb.length);
    for (const thousandths of [0, 1, 125, 250, 285, 500, 550, 700, 999, 1000]) {
      overlayPixels(rgb, geometry, { colors, height: 256, width: 1 }, thousandths / 1000, 'nearest', out);
      const expected = rgb.map((value, i) => blended(value, Math.floor(i / 768), thousandths));
      expect(Buffer.compare(out, expected), `at ${thousandths}`).toBe(0);
    }
  });

  test('are the same where a frame passes through the kernel in many blocks', () => {
    // 3 kB a row: 87 rows are a block.
    const geometry = { frameWidth: 1000, frameHeight: 400, x: 0, y: 30, width: 1000, height: 300 };
    const rgb = Uint8Array.from({ length: 1000 * 400 * 3 }, (_, i) => (i * 7) % 251);
    const colors = Uint8Array.from({ length: 12 }, (_, i) => (i % 4 < 3 ? i * 20 : 255));
    const out = new Uint8Array(rgb.length);
    overlayPixels(rgb, geometry, { colors, height: 3, width: 1 }, 0.5, 'nearest', out);
    const expected = rgb.map((value, i) => {
      const row = Math.floor((Math.floor(i / 3000) - 30) / 100);
      return row < 0 || row > 2 ? value : blended(value, colors[row * 4 + (i % 3)]!, 500);
    });
    expect(Buffer.compare(out, expected)).toBe(0);
  });
});

test('smooth colours are a mean of the four cells around a pixel, weighted by how near they are', () => {
  const geometry = { frameWidth: 37, frameHeight: 23, x: -3.5, y: 4.25, width: 35, height: 25 };
  const rgb = Uint8Array.from({ length: 37 * 23 * 3 }, (_, i) => (i * 37) % 256);
  const colors = Uint8Array.from({ length: 4 * 5 * 4 }, (_, i) => (i % 4 < 3 ? (i * 91) % 256 : i % 7 ? 255 : 0));
  const out = new Uint8Array(rgb.length);
  overlayPixels(rgb, geometry, { colors, height: 4, width: 5 }, 0.6, 'smooth', out);
  const around = (pixel: number, origin: number, extent: number, cells: number): (readonly [number, number])[] => {
    const at = ((pixel + 0.5 - origin) * cells) / extent;
    if (at < 0 || at >= cells) return [];
    const centred = Math.min(cells - 1, Math.max(0, at - 0.5));
    const low = Math.floor(centred);
    return [
      [low, 1 - (centred - low)],
      [Math.min(cells - 1, low + 1), centred - low],
    ];
  };
  for (let i = 0; i < rgb.length; i++) {
    const pixel = Math.floor(i / 3);
    let [plain, colour] = [1, 0];
    for (const [row, down] of around(Math.floor(pixel / 37), 4.25, 25, 4))
      for (const [column, across] of around(pixel % 37, -3.5, 35, 5)) {
        const from = (row * 5 + column) * 4;
        if (colors[from + 3] === 0) continue;
        plain -= down * across * 0.6;
        colour += down * across * 0.6 * colors[from + (i % 3)]!;
      }
    expect(Math.abs(out[i]! - (rgb[i]! * plain + colour))).toBeLessThan(0.501);
  }
});
