import type { Picture } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { tensor } from '@deepearth/core/tensor';
import { describeStage, given, makePictures } from '@deepearth/testing';
import { expect, test } from 'vitest';
import { contactSheet } from './contact-sheet.ts';

describeStage(contactSheet, {
  options: { columns: 2, cellPixels: 16 },
  otherOptions: { columns: 3, cellPixels: 16 },
  inputs: () => [given([...makePictures(5), ...makePictures(5, { layer: 'other', seed: 2 })])],
});

/** Pictures of one value each: their number. */
const numbered = (count: number): Picture[] =>
  makePictures(count).map((picture, i) => ({
    ...picture,
    pixels: tensor('uint8', [8, 8, 3], new Uint8Array(192).fill(i)),
  }));

async function sheet(pictures: readonly Picture[], options: object): Promise<Picture> {
  for await (const picture of runStage(contactSheet, {
    options: { cellPixels: 8, gapPixels: 0, ...options },
    inputs: [given(pictures)],
  }))
    return picture;
  throw new Error('no sheet');
}

/** The value in the upper left corner of every cell. */
const cells = ({ pixels: { data, shape } }: Picture): number[] =>
  Array.from(
    { length: (shape[0]! * shape[1]!) / 64 },
    (_, i) => data[(Math.floor(i / (shape[1]! / 8)) * 8 * shape[1]! + (i % (shape[1]! / 8)) * 8) * 3]!,
  );

test('shows pictures row by row', async () => {
  const made = await sheet(numbered(5), { columns: 3, rows: 2 });
  expect(made.pixels.shape).toEqual([16, 24, 3]);
  expect(cells(made)).toEqual([0, 1, 2, 3, 4, 0]);
  expect(made.layer).toBe('made-sheet');
});

test('thins a longer run out evenly, from its beginning to its end', async () => {
  expect(cells(await sheet(numbered(9), { columns: 4, rows: 1 }))).toEqual([0, 4, 8]);
  expect(cells(await sheet(numbered(100), { columns: 4, rows: 2 }))).toEqual([0, 16, 32, 48, 64, 80, 96, 0]);
});
