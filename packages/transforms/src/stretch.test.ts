import { createRegistry, frameReader, spec, tensor, type DType, type Frame, type FrameRecord } from '@deepearth/core';
import { describeAlone, runStage } from '@deepearth/core/run-stage';
import { describeStage, given, makeFrames } from '@deepearth/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stages } from './stages.ts';
import { stretch } from './stretch.ts';

describeStage(stretch, {
  options: { range: [20, 160] },
  otherOptions: { range: [20, 160], gamma: 2 },
  inputs: () => [given(makeFrames(5))],
  broken: {
    options: {},
    inputs: () => [{ ...given(makeFrames(2)), spec: spec('frame', {}, 'uint16', 2) }],
    says: /nothing says which of its values are black and white/,
    left: 0,
  },
});

/** What becomes of these values, one pixel each. */
async function become(values: readonly number[], options: object, range?: readonly [number, number]) {
  const [frame] = makeFrames(1, { width: values.length, height: 1 }) as [Frame];
  const raster = { values: tensor('float32', [1, values.length, 1], Float32Array.from(values)), channels: ['value'] };
  const given = { ...frame, ...(range && { range }), read: async () => raster };
  const inputs = [{ items: [given], spec: spec('frame', {}, 'float32' satisfies DType, 1) }];
  for await (const made of runStage(stretch, { options, inputs })) {
    expect(made).not.toHaveProperty('range');
    return (made as Frame).read();
  }
  throw new Error('no frame');
}

test('limits become 0 and 255, what lies beyond them too, NaN holds no data, and order is kept', async () => {
  const { values, valid } = await become([-5, 10, 20, 30, 99, NaN, -0], { range: [10, 30] });
  expect([...values.data]).toEqual([0, 0, 128, 255, 255, 0, 0]);
  expect([...valid!]).toEqual([1, 1, 1, 1, 1, 0, 1]);
  expect([...(await become([0, 2, 4], {}, [0, 4])).values.data]).toEqual([0, 128, 255]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.float({ noNaN: true }), { minLength: 2, maxLength: 9 }),
      fc.double({ min: 0.2, max: 5, noNaN: true }),
      async (unsorted, gamma) => {
        const sorted = [...unsorted].sort((a, b) => a - b);
        const { values, valid } = await become(sorted, { range: [-1, 7], gamma });
        expect([...values.data]).toEqual([...values.data].sort((a, b) => a - b));
        expect(valid).toBeUndefined();
      },
    ),
    { numRuns: 30 },
  );
});

test('is refused for limits the wrong way round, and found again by its record', async () => {
  const inputs = [spec('frame', { height: 4, width: 4, channels: 3 }, 'uint8', 1)];
  expect(await describeAlone(stretch, { options: { range: [3, 3] }, inputs })).toMatchObject({ option: 'range' });
  const [frame] = makeFrames(1) as [Frame];
  const source = { reopen: () => frame.read() };
  const registry = createRegistry(stages, {
    [frame.locator.source]: () => Promise.resolve({ ...stretch, type: frame.locator.source as 'source/x', ...source }),
  });
  const opened = frameReader({ registry });
  for await (const made of runStage(stretch, { options: { gamma: 0.7 }, inputs: [given([frame])] })) {
    const again = opened.frame(JSON.parse(JSON.stringify(made)) as FrameRecord);
    expect(await again.read()).toEqual(await (made as Frame).read());
  }
  await opened.close();
});
