import { tensor, type Picture, type Projection } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeProjections } from '@deepearth/testing';
import { expect, test } from 'vitest';
import { colorMap } from '@deepearth/vision/colormaps';
import { scatter } from './scatter.ts';

const projections = (): Projection[] => makeProjections({ time: 2, height: 3, width: 4, count: 2 });

describeStage(scatter, {
  otherOptions: { dimensions: 3, colorBy: 'place' },
  inputs: () => [given(projections())],
  ahead: Infinity,
});

const size = 101;
const draw = async (options: object, items: readonly Projection[]): Promise<Picture> => {
  for await (const picture of runStage(scatter, { options: { sizePixels: size, ...options }, inputs: [given(items)] }))
    return picture as Picture;
  throw new Error('nothing was drawn');
};
const at = ({ pixels }: Picture, x: number, y: number): number[] => [
  ...pixels.data.subarray((y * pixels.shape[1]! + x) * 3).subarray(0, 3),
];

/** One clip of two steps with one token each. */
const two = (numbers: readonly number[], rest: Partial<Projection> = {}): Projection[] =>
  makeProjections({ time: 2, height: 1, width: 1, components: numbers.length / 2, count: 1 }).map((projection) => ({
    ...projection,
    values: tensor('float32', [2, 1, 1, numbers.length / 2], Float32Array.from(numbers)),
    limits: Array.from({ length: numbers.length / 2 }, () => [0, 1] as const),
    ...rest,
  }));

test('puts tokens where their numbers are, the first to the right and the second upwards', async () => {
  const picture = await draw({ pointPixels: 1 }, two([0, 0, 1, 0.5]));
  const map = colorMap('viridis');
  expect(at(picture, 4, 96)).toEqual([...map.subarray(0, 3)]);
  expect(at(picture, 96, 50)).toEqual([...map.subarray(765)]);
});

test('shows the mean time where points lie on one another', async () => {
  const picture = await draw({ pointPixels: 1, colorMap: 'gray' }, two([0.5, 0.5, 0.5, 0.5]));
  expect(at(picture, 50, 50)).toEqual([128, 128, 128]);
});

test('leaves out tokens that saw nothing or are no numbers', async () => {
  const empty = await draw({}, two([0.5, 0.5, NaN, 0.5], { valid: Uint8Array.from([0, 255]) }));
  expect(at(empty, 50, 50)).toEqual([28, 28, 28]);
});

test('shows three numbers as a cube that is seen from a corner', async () => {
  const picture = await draw({ dimensions: 3, pointPixels: 1, colorBy: 'value' }, two([0, 0, 0, 1, 1, 1]));
  expect(at(picture, 50, 96)).toEqual([0, 0, 0]);
  expect(at(picture, 50, 4)).toEqual([255, 255, 255]);
});

test('says what colours stand for', async () => {
  const [time, place] = await Promise.all(
    ['time', 'place'].map(async (colorBy) => draw({ colorBy, legend: true }, projections())),
  );
  expect(time!.legends![0]).toMatchObject({ reducer: 'frame', meaning: 'scalar' });
  expect(place!.legends![0]).toMatchObject({
    componentNames: ['column', 'row'],
    limits: [
      [0, 3],
      [0, 2],
    ],
  });
  expect(time!.pixels.shape[0]).toBeGreaterThan(size);
});

test('refuses tokens of too few numbers', async () => {
  await expect(draw({}, makeProjections({ time: 1, height: 2, width: 2, components: 1, count: 1 }))).rejects.toThrow(
    /2 (numbers|dimensions)/,
  );
});
