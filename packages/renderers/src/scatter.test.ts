import { tensor, type Picture, type Projection } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeProjections } from '@deepearth/testing';
import { categoryColor, colorMap } from '@deepearth/vision/colormaps';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { scatter } from './scatter.ts';

const projections = (): Projection[] => makeProjections({ time: 2, height: 3, width: 4, count: 2 });

describeStage(scatter, {
  otherOptions: { dimensions: 3, colorBy: 'place' },
  inputs: () => [given(projections())],
  ahead: Infinity,
});

/** Groups of the tokens of `projections`, 0 to 2 in turns. */
const groupsOf = (points: readonly Projection[]): Projection[] =>
  points.map((projection) => {
    const shape = [...projection.values.shape.slice(0, -1), 1];
    const numbers = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, token) => token % 3);
    return {
      ...projection,
      values: tensor('float32', shape, numbers),
      limits: [[0, 2]],
      meaning: 'label',
      reducer: 'kmeans',
    };
  });

describeStage(scatter, {
  title: 'by cluster',
  options: { colorBy: 'cluster' },
  inputs: () => [given(groupsOf(projections())), given(projections())],
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

describe('colours of clusters', () => {
  const clustered = async (
    groups: readonly Projection[],
    points: readonly Projection[],
    options: object = {},
  ): Promise<Picture[]> => {
    const found: Picture[] = [];
    for await (const picture of runStage(scatter, {
      options: { sizePixels: size, pointPixels: 1, colorBy: 'cluster', ...options },
      inputs: [groups, points].filter(({ length }) => length).map((items) => given(items)),
    }))
      found.push(picture as Picture);
    return found;
  };

  test('are those of the groups that another reducer gave the same tokens, with their legend', async () => {
    const points = two([0, 0, 1, 0.5]);
    const [picture, ...others] = await clustered(groupsOf(points), points);
    expect(others).toEqual([]);
    expect(picture!.layer).toBe(`${points[0]!.reducer}-scatter`);
    expect(at(picture!, 4, 96)).toEqual([...categoryColor(0)]);
    expect(at(picture!, 96, 50)).toEqual([...categoryColor(1)]);
    expect(picture!.legends![0]).toMatchObject({ reducer: 'kmeans', meaning: 'label', limits: [[0, 2]] });
  });

  test('leave out tokens without a group', async () => {
    const points = two([0, 0, 1, 0.5]);
    const [groups] = groupsOf(points) as [Projection];
    (groups.values.data as Float32Array)[1] = NaN;
    const [picture] = await clustered([groups], points);
    expect(at(picture!, 4, 96)).toEqual([...categoryColor(0)]);
    // The edge of the square.
    expect(at(picture!, 96, 50)).toEqual([72, 72, 72]);
  });

  test('need groups, before the points and of the same grid', async () => {
    const points = projections();
    await expect(clustered([], points)).rejects.toThrow('needs the groups of the tokens beside their points');
    await expect(clustered(points, groupsOf(points))).rejects.toThrow(/dimensions need as many numbers|no groups of/);
    await expect(clustered(groupsOf(points).slice(1), points)).rejects.toThrow('no groups of its tokens came');
    const other = makeProjections({ time: 2, height: 3, width: 5, count: 2 });
    await expect(clustered(groupsOf(other), points)).rejects.toThrow('has 2 x 3 x 4 tokens, and groups of 2 x 3 x 5');
  });
});

describe('as SVG', () => {
  const painted = async (picture: Picture) => {
    const { data, info } = await sharp(Buffer.from(picture.svg!()))
      .flatten()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { ...picture, pixels: tensor('uint8', [info.height, info.width, info.channels], new Uint8Array(data)) };
  };

  test.each([2, 3] as const)('is the same picture, with legend and caption: %s dimensions', async (dimensions) => {
    const picture = await draw({ dimensions, pointPixels: 5, legend: true, caption: ['layer'] }, projections());
    const { pixels } = await painted(picture);
    expect(pixels.shape).toEqual(picture.pixels.shape);
    // What stands below the picture is the same to the pixel; dots are round instead of square.
    const below = size * size * 3;
    expect([...pixels.data.subarray(below)]).toEqual([...picture.pixels.data.subarray(below)]);
    const differ = pixels.data.subarray(0, below).filter((value, i) => Math.abs(value - picture.pixels.data[i]!) > 40);
    expect(differ.length / below).toBeLessThan(0.1);
  });

  test('has a dot where the middle of a point is, whatever its size', async () => {
    for (const pointPixels of [3, 4, 9]) {
      const picture = await painted(await draw({ pointPixels, colorBy: 'value' }, two([0, 0, 1, 1])));
      expect(at(picture, 4, 96)).toEqual([0, 0, 255]);
      expect(at(picture, 96, 4)).toEqual([255, 255, 0]);
    }
  });

  test('says nothing of a sequence in markup of its own', async () => {
    const [projection] = two([0, 0, 1, 1]) as [Projection];
    const frames = projection.clip!.frames.map((frame) => ({ ...frame, sequence: '<script>&' }));
    const picture = await draw({}, [{ ...projection, clip: { ...projection.clip!, sequence: '<script>&', frames } }]);
    expect(picture.svg!()).toContain('<title>&lt;script&gt;&amp;: ');
  });
});
