import { isRefusal, spec, type Description, type Frame, type Refusal } from '@deepearth/core';
import { describeAlone } from '@deepearth/core/run-stage';
import { describeStage, given, makeFrames } from '@deepearth/testing';
import { expect, test } from 'vitest';
import { crop } from './crop.ts';

describeStage(crop, {
  options: { x: 4, y: 2, width: 16, height: 8 },
  otherOptions: { x: 5, y: 2, width: 16, height: 8 },
  inputs: () => [given(makeFrames(5))],
  output: async (frames: readonly Frame[]) => {
    expect(frames.map(({ width, height, number }) => [width, height, number])).toEqual(
      [0, 1, 2, 3, 4].map((number) => [16, 8, number]),
    );
    expect((await frames[0]!.read()).values.shape).toEqual([8, 16, 3]);
  },
  broken: {
    options: { width: 40 },
    inputs: () => [
      { ...given(makeFrames(2)), spec: spec('frame', { height: null, width: null, channels: 3 }, 'uint8', 2) },
    ],
    says: /32 x 24 pixels and does not hold 40 x the rest pixels at \(0, 0\)/,
    left: 0,
  },
});

const stream = spec('frame', { height: 24, width: 32, channels: 3 }, 'uint8', 2);
const described = (options: object) => describeAlone(crop, { options, inputs: [stream] });

test('makes one size of frames that differ where its rectangle does not depend on theirs', async () => {
  const inputs = [{ ...spec('frame', { height: null, width: null, channels: 3 }, 'uint8', 2), mixedSizes: true }];
  const cut = async (options: object) => (await describeAlone(crop, { options, inputs })) as Description;
  expect((await cut({ width: 8, height: 8 })).output.mixedSizes).toBeUndefined();
  expect((await cut({ width: 8 })).output.mixedSizes).toBe(true);
});

test('keeps what lies to the right and below unless told, and says so before anything runs', async () => {
  const description = await described({ x: 10, y: 4 });
  expect(isRefusal(description)).toBe(false);
  expect(description).toMatchObject({
    output: {
      axes: [
        { name: 'height', size: 20 },
        { name: 'width', size: 22 },
        { name: 'channels', size: 3 },
      ],
    },
  });
});

test.each([{ x: 32 }, { y: 24 }, { x: 10, width: 23 }, { height: 25 }])(
  'is refused outside of the frames: %o',
  async (options) => {
    expect(((await described(options)) as Refusal).refused).toMatch(/frames of 32 x 24 pixels do not hold/);
  },
);
