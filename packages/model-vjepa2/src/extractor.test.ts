// The library: pictures in, tokens out, in every way of asking.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tensor } from '@deepearth/core/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VJepa2Extractor, type RawPicture } from './extractor.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const cache = mkdtempSync(join(tmpdir(), 'deepearth-cache-'));
beforeAll(() => void (process.env['DEEPEARTH_CACHE'] = cache));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const picture = (seed: number, width = 60, height = 50): RawPicture => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * (seed + 3) + (i >> 7) * 11) % 256),
});
const frames = (count: number, seed = 0): RawPicture[] => Array.from({ length: count }, (_, i) => picture(seed + i));

test('a clip becomes a grid that can be looked at in every way', async () => {
  await using extractor = await VJepa2Extractor.load({ model: fixture('v2'), device: 'cpu' });
  expect(extractor.devices).toEqual(['cpu']);
  const tokens = await extractor.extract(frames(4));
  expect(tokens.shape).toEqual([2, 3, 3, 32]);
  expect(tokens.reshape([-1, 32]).shape).toEqual([18, 32]);
  expect(Array.from(tokens.frame(1).data)).toEqual(Array.from(tokens.values.data.subarray(9 * 32)));
  const mean = tokens.aggregate('mean');
  expect(mean.shape).toEqual([32]);
  expect(mean.data[5]).toBeCloseTo(
    Array.from({ length: 18 }, (_, token) => tokens.values.data[token * 32 + 5]!).reduce((a, b) => a + b) / 18,
    5,
  );
  expect([
    tokens.aggregate('max').shape,
    tokens.aggregate('spatialMean').shape,
    tokens.aggregate('temporalMean').shape,
  ]).toEqual([[32], [2, 32], [3, 3, 32]]);
  expect(tokens.geometry).toMatchObject({ frameWidth: 60, frameHeight: 50 });
  const place = tokens.place(2, 1);
  expect(place.shape).toEqual([2, 32]);
  expect(Array.from(place.data)).toEqual(
    [0, 1].flatMap((step) => Array.from(tokens.frame(step).data.subarray(7 * 32, 8 * 32))),
  );
  expect(() => tokens.frame(2)).toThrow('2 of 2');
  expect(() => tokens.place(0, 3)).toThrow('3 of 3');
});

test('several clips come back in order, however they are batched and on however many processes', async () => {
  const clips = [frames(4, 1), frames(4, 50), frames(2, 90), frames(4, 7)];
  await using single = await VJepa2Extractor.load({ model: fixture('v2'), device: 'cpu' });
  await using batched = await VJepa2Extractor.load({ model: fixture('v2'), device: 'cpu', batchSize: 3 });
  const [one, other] = [await single.extract(clips), await batched.extract(clips)];
  expect(one.map(({ shape }) => shape[0])).toEqual([2, 2, 1, 2]);
  one.forEach(({ values }, i) =>
    values.data.forEach((value, at) => expect(Math.abs(value - other[i]!.values.data[at]!)).toBeLessThan(1e-4)),
  );
  expect(single.encoder).toEqual(batched.encoder);
});

test('a still image is repeated for 2.0 and goes through the image embedding of 2.1', async () => {
  await using old = await VJepa2Extractor.load({ model: fixture('v2'), device: 'cpu', stillFrames: 4 });
  const still = await old.extract(picture(1));
  expect(still.shape).toEqual([2, 3, 3, 32]);
  expect(still.values).toEqual((await old.extract(Array.from({ length: 4 }, () => picture(1)))).values);
  await using recent = await VJepa2Extractor.load({
    model: fixture('v21'),
    device: 'cpu',
    cropSize: { height: 48, width: 32 },
  });
  expect((await recent.extract(picture(1))).shape).toEqual([1, 3, 2, 32]);
});

test('tiles keep the resolution of the frame', async () => {
  await using extractor = await VJepa2Extractor.load({
    model: fixture('v2'),
    device: 'cpu',
    fit: 'tile',
    cropSize: 32,
    batchSize: 2,
  });
  const tokens = await extractor.extract(Array.from({ length: 2 }, (_, i) => picture(i, 64, 32)));
  expect(tokens.shape).toEqual([1, 2, 4, 32]);
});

test('odd clips, sizes that differ, wrong pixels and no frames at all are refused by name', async () => {
  await using extractor = await VJepa2Extractor.load({ model: fixture('v2'), device: 'cpu' });
  await expect(extractor.extract(frames(3))).rejects.toThrow(/3 frames.*last frame would be left out.*multiple of 2/s);
  await expect(extractor.extract([])).rejects.toThrow('no frames');
  await expect(extractor.extract([picture(0), picture(0, 30, 30)])).rejects.toThrow('30 x 30');
  await expect(extractor.extract({ width: 2, height: 2, data: new Uint8Array(9) })).rejects.toThrow('9 values');
  await expect(extractor.extract('no-such-picture.png')).rejects.toThrow('no-such-picture.png');
  await expect(
    extractor.extract([
      { values: tensor('float32', [40, 40, 3], new Float32Array(4800)), channels: ['red', 'green', 'blue'] },
      picture(0),
    ]),
  ).rejects.toThrow('range');
});

test('after an abort the extractor works on, after dispose it says that it is over', async () => {
  const extractor = await VJepa2Extractor.load({ model: fixture('v2'), device: 'cpu' });
  const controller = new AbortController();
  const stopped = extractor.extract(frames(4), { signal: controller.signal });
  controller.abort(new Error('not needed'));
  await expect(stopped).rejects.toThrow('not needed');
  expect((await extractor.extract(frames(4))).shape).toEqual([2, 3, 3, 32]);
  await extractor.dispose();
  await extractor.dispose();
  await expect(extractor.extract(frames(4))).rejects.toThrow('disposed');
});

test('devices that are not there say what they need, auto says what it chose', async () => {
  const load = (device: string, more = {}) =>
    VJepa2Extractor.load({ model: fixture('v2'), device: device as 'cpu', ...more });
  await expect(load('gpu')).rejects.toThrow(/"gpu": is not one of cpu, cuda/);
  await expect(load('cpu', { devices: [] })).rejects.toThrow('none is named');
  await expect(load('cpu', { devices: ['webgpu', 'webgpu'] })).rejects.toThrow('named twice');
  if (process.platform === 'linux') await expect(load('dml')).rejects.toThrow(/Windows only/);
  const said: string[] = [];
  await using extractor = await VJepa2Extractor.load({ model: fixture('v2'), log: (message) => said.push(message) });
  expect(extractor.devices).toHaveLength(1);
  expect(said[0]).toMatch(/^device: \w+/);
});
