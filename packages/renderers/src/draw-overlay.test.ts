// Curves of colours over a frame are those of renderer/tokens, to a level.

import { tensor, type Projection } from '@deepearth/core';
import { makeProjections } from '@deepearth/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellColors } from './cell-colors.ts';
import { drawOverlay, type OverlayChoice } from './draw-overlay.ts';
import { enlarged } from './enlarged.ts';

const choice = {
  colorMap: 'gray',
  reverse: false,
  opacity: 1,
  interpolation: 'bicubic',
} as OverlayChoice;

/** A grid that sees all of a frame of `cell` pixels for each token. */
const seen = (numbers: readonly number[], height: number, width: number, cell: number): Projection => ({
  ...makeProjections({ time: 1, height, width, components: 1, count: 1 })[0]!,
  values: tensor('float32', [1, height, width, 1], Float32Array.from(numbers)),
  limits: [[0, 1]],
  meaning: 'scalar',
  origin: {
    kind: 'picture',
    geometry: {
      frameWidth: width * cell,
      frameHeight: height * cell,
      x: 0,
      y: 0,
      width: width * cell,
      height: height * cell,
    },
  },
});

const drawn = (projection: Projection, cell: number, options: Partial<OverlayChoice> = {}): Uint8Array => {
  const [, height, width] = projection.values.shape as [number, number, number];
  const shown = {
    rgb: new Uint8Array(height * width * cell * cell * 3).fill(7),
    width: width * cell,
    height: height * cell,
  };
  const out = new Uint8Array(shown.rgb.length);
  drawOverlay(projection, 0, shown, { ...choice, ...options }, out);
  return out;
};

// Straight lines between 16 places of a cell are up to 1.5 levels off along each axis, between black and white.
test('curves go through the same colours as those of the token grid enlarged', () => {
  const edge = fc.integer({ min: 1, max: 5 });
  const cells = fc.constantFrom(3, 5, 8, 16, 20);
  fc.assert(
    fc.property(
      edge,
      edge,
      cells,
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (height, width, cell, numbers) => {
        const projection = seen(
          Array.from({ length: height * width }, () => numbers.next().value!),
          height,
          width,
          cell,
        );
        const whole = enlarged(cellColors(projection, 0, choice), height, width, cell, 'bicubic');
        const found = drawn(projection, cell);
        for (let pixel = 0; pixel < found.length / 3; pixel++)
          expect(Math.abs(found[pixel * 3]! - whole[pixel * 4]!)).toBeLessThanOrEqual(4);
      },
    ),
    { numRuns: 60 },
  );
});

test('a pixel whose own token saw nothing shows the frame', () => {
  const found = drawn(seen([1, NaN, 1], 1, 3, 8), 8);
  const row = Array.from({ length: 24 }, (_, x) => found[x * 3]!);
  expect(row.slice(0, 7)).toEqual(new Array(7).fill(255));
  expect(row.slice(9, 15)).toEqual(new Array(6).fill(7));
  expect(row.slice(17)).toEqual(new Array(7).fill(255));
});

test('groups stay squares', () => {
  const groups = { ...seen([0, 1, 1, 0], 2, 2, 4), meaning: 'label' as const };
  expect(drawn(groups, 4)).toEqual(drawn(groups, 4, { interpolation: 'nearest' }));
});
