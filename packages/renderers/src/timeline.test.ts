import { tensor, type Picture, type Projection } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeFrames, makeProjections } from '@deepearth/testing';
import { expect, test } from 'vitest';
import { colorMap } from '@deepearth/vision/colormaps';
import { timeline } from './timeline.ts';

const projections = (): Projection[] => makeProjections({ time: 2, height: 3, width: 4, count: 2 });

describeStage(timeline, {
  otherOptions: { colorMap: 'magma', cellPixels: 10 },
  inputs: () => [given(projections())],
  ahead: Infinity,
});

const draw = async (options: object, items: readonly Projection[]): Promise<Picture> => {
  for await (const picture of runStage(timeline, { options, inputs: [given(items)] })) return picture as Picture;
  throw new Error('nothing was drawn');
};
const at = ({ pixels }: Picture, x: number, y: number): number[] => [
  ...pixels.data.subarray((y * pixels.shape[1]! + x) * 3).subarray(0, 3),
];

/** One clip of `[time, 1, 2, 1]` numbers. */
const cells = (numbers: readonly number[], rest: Partial<Projection> = {}): Projection[] =>
  makeProjections({ time: numbers.length / 2, height: 1, width: 2, components: 1, count: 1 }).map((projection) => ({
    ...projection,
    values: tensor('float32', [numbers.length / 2, 1, 2, 1], Float32Array.from(numbers)),
    limits: [[0, 10]],
    meaning: 'scalar',
    ...rest,
  }));
const options = { cellPixels: 40, colorMap: 'gray' };

test('shows where tokens change, one scale for the map and the curve', async () => {
  // The left token moves by 4 of 10 at each of two steps, the right one by 2 at one of them.
  const picture = await draw({ ...options, legend: true }, cells([0, 5, 4, 5, 8, 7]));
  expect(picture.legends![0]!.limits[0]![1]).toBeCloseTo(0.4, 6);
  expect(at(picture, 20, 20)).toEqual([255, 255, 255]);
  expect(at(picture, 60, 20)).toEqual([...colorMap('gray').subarray(64 * 3, 65 * 3)]);
});

test('groups change or do not', async () => {
  const picture = await draw(options, cells([0, 5, 9, 5], { meaning: 'label' }));
  expect(picture.legends![0]!.limits).toEqual([[0, 1]]);
  expect(at(picture, 60, 20)).toEqual([0, 0, 0]);
});

test('goes on from one clip to the next, each step once where they overlap', async () => {
  const [first, second] = makeProjections({ time: 2, height: 1, width: 1, components: 1, count: 2 });
  const clip = (projection: Projection, start: number, numbers: number[]): Projection => ({
    ...projection,
    clip: { ...projection.clip!, frames: makeFrames(4, { first: start }) },
    values: tensor('float32', [2, 1, 1, 1], Float32Array.from(numbers)),
    limits: [[0, 1]],
    meaning: 'scalar',
  });
  // Changes are 0 within the first clip and 0.5 to the second step of the second; its first step has been shown.
  const picture = await draw({ ...options, curvePixels: 16 }, [clip(first!, 0, [0, 0]), clip(second!, 2, [0.9, 0.5])]);
  expect(picture.legends![0]!.limits[0]![1]).toBeCloseTo(0.5, 6);
});

test('leaves out tokens that saw nothing', async () => {
  const picture = await draw(options, cells([0, 0, 10, 5], { valid: Uint8Array.from([0, 255, 255, 255]) }));
  expect(at(picture, 20, 20)).toEqual([0, 0, 0]);
  expect(picture.legends![0]!.limits[0]![1]).toBeCloseTo(0.5, 6);
});
