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
