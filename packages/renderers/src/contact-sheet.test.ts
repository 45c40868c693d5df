import type { Legend, Picture } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { tensor } from '@deepearth/core/tensor';
import { describeStage, given, makePictures } from '@deepearth/testing';
import { expect, test } from 'vitest';
import { captionOf, captionStrip } from './caption.ts';
import { contactSheet } from './contact-sheet.ts';
import { legendStrip } from './legend.ts';

describeStage(contactSheet, {
  title: 'with captions',
  options: { columns: 2, cellPixels: 64, caption: true, legend: true },
  inputs: () => [given(makePictures(5))],
});
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

test('captions stand below each picture, one legend below the sheet', async () => {
  const legends: Legend[] = [
    { reducer: 'similarity', meaning: 'scalar', limits: [[0, 1]], colors: Uint8Array.of(0, 0, 0, 255, 255, 255) },
  ];
  const pictures = makePictures(5, { width: 64, height: 48 }).map((picture) => ({ ...picture, legends }));
  const options = { cellPixels: 64, columns: 3, rows: 2 };
  const plain = await sheet(pictures, options);
  const said = await sheet(pictures, { ...options, caption: ['number', 'time'], legend: true });
  // Number and time stand in a line each: 64 pixels are room for 10 letters.
  const [cell, strip] = [48, 3 + 2 * 11];
  expect(plain.pixels.shape).toEqual([96, 192, 3]);
  expect(said.pixels.shape[1]).toBe(192);
  expect(said.pixels.shape[0]).toBeGreaterThan(2 * (cell + strip) + 20);
  const row = ({ pixels: { data } }: Picture, y: number, from = 0, to = 192): Uint8Array =>
    data.subarray((y * 192 + from) * 3, (y * 192 + to) * 3);
  for (const line of [0, 1])
    for (let y = 0; y < cell; y++) expect(row(said, line * (cell + strip) + y)).toEqual(row(plain, line * cell + y));
  const second = captionStrip(captionOf(['number', 'time'], pictures[1]!.frame, 'made'), 64, 1);
  for (let y = 0; y < strip; y++)
    expect(row(said, cell + y, 64, 128)).toEqual(second.data.subarray(y * 192, (y + 1) * 192));
  const bar = legendStrip(legends, 192, 1);
  expect(said.pixels.data.subarray(2 * (cell + strip) * 192 * 3)).toEqual(bar.data);
  expect(said.key).not.toBe(plain.key);
});

test('none is made where every picture was skipped', async () => {
  const broken = makePictures(3).map((picture) => ({
    ...picture,
    get pixels(): never {
      throw new Error('no pixels');
    },
  })) as Picture[];
  const found: unknown[] = [];
  const stream = given(makePictures(3)).spec;
  for await (const picture of runStage(contactSheet, { onError: 'skip', inputs: [{ items: broken, spec: stream }] }))
    found.push(picture);
  expect(found).toEqual([]);
});
