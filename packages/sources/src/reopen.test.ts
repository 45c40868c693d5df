import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  definePipeline,
  defineTransform,
  run,
  spec,
  use,
  windowWithin,
  type Frame,
  type Raster,
  type ReadOptions,
  type Rectangle,
} from '@deepearth/core';
import { weather } from './weather.ts';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { frames } from './frames.ts';
import { synthetic } from './synthetic.ts';

const size = { width: 60, height: 40 };
const folder = await mkdtemp(join(tmpdir(), 'reopen-'));
afterAll(() => rm(folder, { recursive: true }));
for (const number of [1, 2]) {
  const { data } = weather({ ...size, seed: number }).draw(0);
  const picture = sharp(data, { raw: { ...size, channels: 3 } });
  // A picture that is stored on its side is decoded another way.
  const stored = number === 1 ? picture.png() : picture.jpeg().withMetadata({ orientation: 6 });
  await writeFile(join(folder, `f${number}.${number === 1 ? 'png' : 'jpg'}`), await stored.toBuffer());
}

/** A frame that is a part of another. */
const part = (window: Rectangle, id: string) =>
  use(
    defineTransform({
      type: id,
      summary: 'Crops.',
      options: z.strictObject({}),
      examples: [],
      describe: (input) => ({
        output: {
          ...spec('frame', { height: window.height, width: window.width, channels: 3 }, 'uint8'),
          count: input!.count,
        },
      }),
      each: (frame: Frame, { key }): Frame => ({
        ...frame,
        ...{ width: window.width, height: window.height, key: key(frame.key) },
        locator: {
          ...frame.locator,
          window: frame.locator.window ? windowWithin(frame.locator.window, window) : window,
        },
        read: async (options = {}) => frame.read({ ...options, window: windowWithin(window, options.window) }),
      }),
    }),
  );

const reads: ReadOptions[] = [
  {},
  { overview: 3 },
  { window: { x: 2, y: 1, width: 7, height: 5 } },
  { window: { x: 1, y: 3, width: 10, height: 6 }, overview: 2 },
];

test.each([
  ['a folder', use(frames, { directory: folder, sizes: 'any', cacheBytes: 0, spillBytes: 0 })],
  ['what is drawn', use(synthetic, { ...size, count: 2 })],
])('frames that are a part of a picture are read again as they were: %s', async (_, source) => {
  const found: { before: Raster; after: Raster }[] = [];
  const outside: unknown[] = [];
  const look = defineTransform({
    type: 'look',
    summary: 'Reads twice.',
    options: z.strictObject({}),
    examples: [],
    describe: (input) => ({ output: input! }),
    async each(frame: Frame, { reopen }) {
      const { locator } = JSON.parse(JSON.stringify(frame)) as Frame;
      for (const options of reads)
        found.push({ before: await frame.read(options), after: await reopen(locator, options) });
      // Inside the picture, but not inside the frame.
      const beyond = { window: { x: 5, y: 5, width: frame.width, height: 2 } };
      outside.push(await frame.read(beyond).catch((error: unknown) => error));
      outside.push(await reopen(locator, beyond).catch((error: unknown) => error));
      return frame;
    },
  });
  await run(
    definePipeline([
      source,
      part({ x: 4, y: 6, width: 30, height: 20 }, 'outer'),
      part({ x: 3, y: 2, width: 14, height: 11 }, 'inner'),
      use(look),
    ]),
  ).result;
  expect(found).toHaveLength(2 * reads.length);
  for (const { before, after } of found) expect(after).toEqual(before);
  expect(found[0]!.before.values.shape).toEqual([11, 14, 3]);
  expect(outside).toHaveLength(4);
  for (const error of outside) expect(error).toBeInstanceOf(RangeError);
});
