import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createRegistry,
  defineSource,
  frameReader,
  partOfRaster,
  readableFrame,
  spec,
  tensor,
  type Frame,
  type FrameRecord,
  type LocatorReader,
  type Refusal,
} from '@deepearth/core';
import { describeAlone, runStage } from '@deepearth/core/run-stage';
import { describeStage, given, makeFrames } from '@deepearth/testing';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { mask } from './mask.ts';
import { partOfFrame } from './part-of-frame.ts';
import { stages } from './stages.ts';

const folder = await mkdtemp(join(tmpdir(), 'mask-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const [width, height] = [32, 24];
/** Hidden where it is dark: the left half; and one pixel that is transparent. */
const seen = (x: number, y: number): boolean => x >= width / 2 && !(x === 20 && y === 3);
async function picture(name: string, size = { width, height }): Promise<string> {
  const data = new Uint8Array(size.width * size.height * 4).fill(255);
  for (let i = 0; i < size.width * size.height; i++) {
    const [x, y] = [i % size.width, Math.floor(i / size.width)];
    if (x < size.width / 2) data.fill(100, 4 * i, 4 * i + 3);
    else if (!seen(x, y)) data[4 * i + 3] = 0;
  }
  const path = join(folder, name);
  await sharp(data, { raw: { ...size, channels: 4 } })
    .png()
    .toFile(path);
  return path;
}
const file = await picture('mask.png');
const rectangles = [
  { x: 0, y: 0, width: 5, height: 3 },
  { x: 30, y: 20, width: 2, height: 4 },
];

describeStage(mask, {
  options: { rectangles },
  otherOptions: { rectangles: rectangles.slice(1) },
  inputs: () => [given(makeFrames(5))],
  broken: {
    options: { rectangles: [{ x: 30, y: 0, width: 5, height: 3 }] },
    inputs: () => [
      { ...given(makeFrames(2)), spec: spec('frame', { height: null, width: null, channels: 3 }, 'uint8', 2) },
    ],
    says: /frames of 32 x 24 pixels do not hold 5 x 3 pixels at \(30, 0\)/,
    left: 0,
  },
});
describeStage(mask, { title: 'with a picture', options: { file }, inputs: () => [given(makeFrames(5))] });

/** Frames as a source sends them, and the source that opens them again. */
const made = makeFrames(2).map((frame, n) => ({
  ...frame,
  locator: { source: 'source/made', uri: `made:${n}`, decode: { seed: n } },
}));
const reader: LocatorReader = async ({ uri, decode }, options) => {
  expect(decode).toEqual({ seed: Number(uri.slice(-1)) });
  return made[Number(uri.slice(-1))]!.read(options);
};
const source = defineSource({
  type: 'made',
  summary: 'Opens frames again.',
  options: z.strictObject({}),
  examples: [],
  describe: () => ({ output: spec('frame', {}, null) }),
  async *process() {},
  reopen: (locator, options) => reader(locator, options),
});
const registry = createRegistry(stages, { 'source/made': () => Promise.resolve(source) });

async function maskedFrames(options: object, frames: readonly Frame[]): Promise<Frame[]> {
  const out: Frame[] = [];
  for await (const frame of runStage(mask, { options, inputs: [given(frames)] })) out.push(frame as Frame);
  return out;
}

test.each([
  ['that a source reads by its locator', made.map(({ read: _, ...record }) => readableFrame(record, reader))],
  ['with a `read` of its own', made],
])('masks a frame %s, in part and small, which is found again by its record', async (_, frames) => {
  const opened = frameReader({ registry });
  const masked = await maskedFrames({ file, rectangles }, frames);
  const window = { x: 2, y: 1, width: 25, height: 20 };
  for (const [n, frame] of masked.entries()) {
    const { values, channels } = await made[n]!.read();
    const valid = Uint8Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      const hidden = rectangles.some((r) => x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height);
      return seen(x, y) && !hidden ? 1 : 0;
    });
    const whole = { values, channels, valid };
    const part = partOfFrame(frame, window);
    const again = [frame, part].map((each) => opened.frame(JSON.parse(JSON.stringify(each)) as FrameRecord));
    for (const options of [{}, { window: { x: 12, y: 0, width: 9, height: 7 } }, { overview: 3 }])
      for (const [all, each] of [
        [whole, frame],
        [whole, again[0]!],
        [partOfRaster(whole, { window }), part],
        [partOfRaster(whole, { window }), again[1]!],
      ] as const)
        expect(await each.read(options)).toEqual(partOfRaster(all, options));
    // Masked twice: one frame over the other.
    const [twice] = await maskedFrames({ rectangles: [{ x: 0, y: 10, width: 32, height: 14 }] }, [frame]);
    const below = valid.fill(0, 10 * width);
    expect(await twice!.read()).toEqual({ values, channels, valid: below });
    expect(await opened.frame(JSON.parse(JSON.stringify(twice)) as FrameRecord).read()).toEqual(await twice!.read());
  }
  await opened.close();
});

test('a frame of which nothing is hidden is as it was; pixels that held no data stay so', async () => {
  const [first] = made;
  const { valid: _, ...whole } = await first!.read();
  const [clear] = await maskedFrames({ rectangles: [{ x: 31, y: 23, width: 1, height: 1 }] }, [first!]);
  expect(await clear!.read({ window: { x: 0, y: 0, width: 31, height: 24 } })).toEqual(
    partOfRaster(whole, { window: { x: 0, y: 0, width: 31, height: 24 } }),
  );
  const gap = new Uint8Array(width * height).fill(1);
  gap[5] = 0;
  const [masked] = await maskedFrames({ rectangles: [{ x: 6, y: 0, width: 1, height: 1 }] }, [
    { ...first!, read: async () => ({ ...whole, valid: gap }) },
  ]);
  expect([...(await masked!.read()).valid!.subarray(4, 8)]).toEqual([1, 0, 0, 1]);
});

test('is refused before anything runs without a mask and for one of another size, and tells of a file that changed', async () => {
  const stream = spec('frame', { height, width, channels: 3 }, 'uint8', 2);
  const refused = async (options: object) =>
    ((await describeAlone(mask, { options, inputs: [stream] })) as Refusal).refused;
  expect(await refused({})).toBe('there is nothing to mask.');
  expect(await refused({ file: await picture('small.png', { width: 16, height: 24 }) })).toBe(
    'the mask has 16 x 24 pixels and frames 32 x 24.',
  );
  const path = await picture('changing.png');
  const [frame] = await maskedFrames({ file: path }, made.slice(0, 1));
  const record = JSON.parse(JSON.stringify(frame)) as FrameRecord;
  await writeFile(
    path,
    await sharp({ create: { width, height, channels: 3, background: 'white' } })
      .png()
      .toBuffer(),
  );
  const opened = frameReader({ registry });
  await expect(opened.frame(record).read()).rejects.toMatchObject({ code: 'E_INPUT_CHANGED', subject: path });
  const { decode: _, ...bare } = record.locator;
  await expect(opened.frame({ ...record, locator: bare }).read()).rejects.toMatchObject({ code: 'E_LOCATOR' });
  await opened.close();
});

test('values are left as they are', async () => {
  const values = tensor('float32', [height, width, 1], new Float32Array(width * height).fill(-0));
  const frame = { ...made[0]!, read: async () => ({ values, channels: ['value'] }) };
  const [masked] = await maskedFrames({ rectangles }, [frame]);
  expect((await masked!.read()).values).toEqual(values);
});
