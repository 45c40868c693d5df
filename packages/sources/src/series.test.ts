import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, sha256, type Frame, type Raster, type RunEvent } from '@deepearth/core';
import { frameReader } from '@deepearth/core';
import { createRegistry } from '@deepearth/core/registry';
import { describeAlone, runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { frames } from './frames.ts';
import { stages } from './stages.ts';

const made: string[] = [];
afterAll(async () => {
  for (const path of made) await rm(path, { recursive: true, force: true });
});
async function folder(files: Readonly<Record<string, Uint8Array | Promise<Uint8Array>>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'series-'));
  made.push(path);
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(path, name), await bytes);
  return path;
}

const [width, height] = [6, 4];
/** A 16-bit picture of `base`, `base + step`, `base + 2 step`, … in all three channels. */
const wide = (base: number, step: number): Promise<Uint8Array> =>
  sharp(
    Uint16Array.from({ length: width * height * 3 }, (_, i) => base + step * Math.floor(i / 3)),
    { raw: { width, height, channels: 3 } },
  )
    .toColourspace('rgb16')
    .tiff({ compression: 'deflate' })
    .toBuffer();
const narrow = (value: number, size: { width: number; height: number } = { width, height }): Promise<Uint8Array> =>
  sharp({ create: { ...size, channels: 3, background: { r: value, g: value, b: value } } })
    .png()
    .toBuffer();
const animation = (count: number): Promise<Uint8Array> =>
  sharp(Buffer.concat(Array.from({ length: count }, (_, i) => Buffer.alloc(width * height * 3, i * 40))), {
    raw: { width, height: height * count, channels: 3, pageHeight: height },
  })
    .webp({ lossless: true, delay: Array(count).fill(100) })
    .toBuffer();

type Options = NonNullable<RunStageOptions<typeof frames.options>['options']>;
async function run(options: Options, rest: RunStageOptions<typeof frames.options> = {}) {
  const found: { frame: Frame; raster: Raster }[] = [];
  const events: RunEvent[] = [];
  for await (const frame of runStage(frames, { options, onEvent: (event) => events.push(event), ...rest }))
    found.push({ frame, raster: await frame.read() });
  const of = (type: 'warning' | 'info') => events.flatMap((event) => (event.type === type ? [event.message] : []));
  return { found, warnings: of('warning'), infos: of('info') };
}
const greys = ({ raster: { values } }: { raster: Raster }): number[] =>
  Array.from(values.data).filter((_, i) => i % 3 === 0);

describe('the stretch of an earlier run', () => {
  const manifest = (...ranges: (readonly number[])[]): string =>
    JSON.stringify({
      stages: [{ id: 'x' }, ...ranges.map((range) => ({ id: 's', findings: { stretch: { range, frames: 3 } } }))],
    });

  test('is taken from its manifest, and gives the same keys as the range itself', async () => {
    const directory = await folder({
      'a1.tif': wide(0, 100),
      'm.json': new TextEncoder().encode(manifest([100, 900])),
    });
    const taken = await run({ directory, stretch: { manifest: join(directory, 'm.json') } });
    const fixed = await run({ directory, stretch: { range: [100, 900] } });
    expect(taken.found.map(({ frame }) => frame.key)).toEqual(fixed.found.map(({ frame }) => frame.key));
    expect(greys(taken.found[0]!)).toEqual(greys(fixed.found[0]!));
  });

  test.each([
    [manifest(), /has no stretch\. Give the values themselves/],
    [manifest([0, 1], [0, 2]), /has stretches of several sources: 0 to 1, 0 to 2\./],
    ['{"stages":', /is no manifest of a run/],
  ])('is refused where there is not one: %s', async (text, says) => {
    const directory = await folder({ 'a1.tif': wide(0, 100), 'm.json': new TextEncoder().encode(text) });
    await expect(run({ directory, stretch: { manifest: join(directory, 'm.json') } })).rejects.toThrow(says);
  });
});

describe('pages', () => {
  test('are frames, numbered by position, each found again by its page', async () => {
    const directory = await folder({ 'a7.webp': animation(3), 'a8.png': narrow(200) });
    const { found, warnings } = await run({ directory, fps: 10 });
    expect(warnings).toEqual([]);
    expect(found.map(({ frame: { number, seconds, locator } }) => [number, seconds, locator.page])).toEqual([
      [0, 0, 0],
      [1, 0.1, 1],
      [2, 0.2, 2],
      [3, 0.30000000000000004, undefined],
    ]);
    expect(found.map((each) => greys(each)[0])).toEqual([0, 40, 80, 200]);
    expect(new Set(found.map(({ frame }) => frame.key)).size).toBe(4);
    const reader = frameReader({ registry: createRegistry(stages) });
    for (const { frame, raster } of found) {
      const { read: _, ...record } = frame;
      expect(await reader.frame(JSON.parse(JSON.stringify(record))).read()).toEqual(raster);
    }
    await reader.close();
    expect(await describeAlone(frames, { options: { directory } })).toMatchObject({
      output: { count: 4 },
      notes: [expect.stringMatching(/every picture of a file of several\): 4 frames/)],
    });
  });

  test('that are not read are said, wherever they are', async () => {
    const directory = await folder({ '1.png': narrow(10), '2.webp': animation(4) });
    const { found, warnings } = await run({ directory, pages: 'first' });
    expect(found.map(({ frame }) => frame.number)).toEqual([1, 2]);
    expect(warnings).toEqual([
      `${directory}: 2.webp holds further pictures (4 in 2.webp), of which only the first is read`,
    ]);
  });

  test('of one file are read from its bytes once', async () => {
    const directory = await folder({ 'stack.webp': animation(5) });
    const inputs: string[] = [];
    await run({ directory, first: 1, last: 3 }, { onInput: ({ sha256: digest }) => inputs.push(digest) });
    expect(new Set(inputs).size).toBe(1);
  });
});

describe('the usual size', () => {
  test('is that of most pictures, not of the first', async () => {
    const directory = await folder({
      '1.png': narrow(1, { width: 9, height: 9 }),
      '2.png': narrow(2),
      '3.png': narrow(3),
    });
    await expect(run({ directory })).rejects.toThrow(
      /1\.png: is 9 x 9 pixels, but most pictures of the folder are 6 x 4/,
    );
    expect((await run({ directory }, { onError: 'skip' })).found.map(({ frame }) => frame.number)).toEqual([2, 3]);
    expect(await describeAlone(frames, { options: { directory } })).toMatchObject({
      output: { axes: [{ size: 4 }, { size: 6 }, { size: 3 }] },
    });
  });
});

describe('the stretch', () => {
  test('is one for the whole series, between the percentiles of all its values as NumPy finds them', async () => {
    const directory = await folder({ '1.tif': wide(200, 10), '2.tif': wide(1000, 80), '3.tif': wide(500, 1) });
    const { found, infos } = await run({ directory });
    const all = [
      ...Array.from({ length: 24 }, (_, i) => 200 + 10 * i),
      ...Array.from({ length: 24 }, (_, i) => 1000 + 80 * i),
      ...Array.from({ length: 24 }, (_, i) => 500 + i),
    ]
      .flatMap((value) => [value, value, value])
      .sort((a, b) => a - b);
    const percentile = (percent: number): number => {
      const place = (percent / 100) * (all.length - 1);
      const low = all[Math.floor(place)]!;
      return low + (all[Math.ceil(place)]! - low) * (place - Math.floor(place));
    };
    const [low, high] = [percentile(2), percentile(98)];
    expect(infos.join()).toContain(
      `values from ${low} to ${high} are shown from black to white (percentiles 2 and 98 of 3 of 3 frames)`,
    );
    const expected = (value: number): number => Math.min(255, Math.max(0, ((value - low) / (high - low)) * 255));
    found.forEach((each, i) => {
      const [base, step] = [
        [200, 10],
        [1000, 80],
        [500, 1],
      ][i] as [number, number];
      greys(each).forEach((grey, pixel) =>
        expect(Math.abs(grey - expected(base + step * pixel))).toBeLessThanOrEqual(0.5001),
      );
    });
    // A part of the series has the stretch of the whole, so that parts made on several machines go together.
    const part = await run({ directory }, { range: { frames: { first: 1, end: 2 } } });
    expect(part.found.map(({ frame, raster }) => [frame.key, sha256(bytesOf(raster.values))])).toEqual(
      found.slice(1, 2).map(({ frame, raster }) => [frame.key, sha256(bytesOf(raster.values))]),
    );
  });

  test('is said in the plan, and `type` gives the whole range of 16 bits', async () => {
    const directory = await folder({ '1.tif': wide(200, 10) });
    const notes = async (options: object): Promise<string> => {
      const described = await describeAlone(frames, { options: { directory, ...options } });
      return 'notes' in described ? described.notes!.join('\n') : '';
    };
    expect(await notes({})).toMatch(/values are shown from black at percentile 2 to white at percentile 98/);
    expect(await notes({ stretch: { range: [0, 3000] } })).toMatch(
      /values from 0 to 3000 are shown from black to white/,
    );
    expect(await notes({ stretch: 'type' })).not.toMatch(/shown/);
    expect(greys((await run({ directory, stretch: 'type' })).found[0]!)).toEqual(
      Array.from({ length: 24 }, (_, i) => Math.round((200 + 10 * i) / 257)),
    );
  });

  test('leaves 8-bit pictures alone unless it is asked for', async () => {
    const directory = await folder({ '1.png': narrow(50), '2.png': narrow(101), '3.tif': wide(0, 1000) });
    expect((await run({ directory })).found.slice(0, 2).map((each) => greys(each)[0])).toEqual([50, 101]);
    expect(
      (await run({ directory, stretch: { range: [50, 150] } })).found.slice(0, 2).map((each) => greys(each)[0]),
    ).toEqual([0, 130]);
  });

  test('stands beside values that are kept as stored, and is part of the key either way', async () => {
    const directory = await folder({ '1.tif': wide(200, 10) });
    const [stored] = (await run({ directory, values: 'stored', stretch: { range: [200, 430] } })).found;
    expect(stored!.frame.range).toEqual([200, 430]);
    expect(Array.from(stored!.raster.values.data).slice(0, 4)).toEqual([200, 200, 200, 210]);
    const [other] = (await run({ directory, values: 'stored', stretch: { range: [0, 430] } })).found;
    const [shown] = (await run({ directory, stretch: { range: [200, 430] } })).found;
    expect(new Set([stored, other, shown].map((each) => each!.frame.key)).size).toBe(3);
    expect(shown!.frame.range).toBeUndefined();
  });

  test('of a series of one value is black, and what lies outside of a range is clipped', async () => {
    expect(greys((await run({ directory: await folder({ '1.tif': wide(700, 0) }) })).found[0]!)).toEqual(
      Array(24).fill(0),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 1, max: 5000 }), async (low, length) => {
        const directory = await folder({ '1.tif': wide(0, 2800) });
        const [first] = (await run({ directory, stretch: { range: [low, low + length] } })).found;
        greys(first!).forEach((grey, i) => {
          const exact = Math.min(255, Math.max(0, ((2800 * i - low) / length) * 255));
          expect(Math.abs(grey - exact)).toBeLessThanOrEqual(0.5001);
        });
      }),
      { numRuns: 15 },
    );
  });
});

describe.each([
  ['floats', 32, 3, 'setFloat32'],
  ['64-bit floats', 64, 3, 'setFloat64'],
  ['32-bit whole numbers', 32, 2, 'setInt32'],
  ['32-bit whole numbers from 0', 32, 1, 'setUint32'],
] as const)('a series of %s', (_, bits, format, set) => {
  const size = bits / 8;
  const stored = (values: readonly number[]): Uint8Array => {
    const bytes = new Uint8Array(200 + values.length * size);
    const view = new DataView(bytes.buffer);
    bytes.set([0x49, 0x49, 42, 0]);
    const tags = [
      [256, 4, values.length],
      [257, 4, 1],
      [258, 3, bits],
      [259, 3, 1],
      [262, 3, 1],
      [273, 4, 200],
      [277, 3, 1],
      [278, 4, 1],
      [279, 4, values.length * size],
      [339, 3, format],
    ] as const;
    view.setUint32(4, 8, true);
    view.setUint16(8, tags.length, true);
    tags.forEach(([tag, type, value], i) => {
      view.setUint16(10 + i * 12, tag, true);
      view.setUint16(12 + i * 12, type, true);
      view.setUint32(14 + i * 12, 1, true);
      view.setUint32(18 + i * 12, value, true);
    });
    values.forEach((value, i) => view[set](200 + i * size, value, true));
    return bytes;
  };

  test('with pictures of 8 bits among it says that these are not stretched, unless all are', async () => {
    const directory = await folder({
      '1.tif': stored([270, 280, 290, 300, 310, 320, 330, 340]),
      '2.png': await narrow(90, { width: 8, height: 1 }),
    });
    const mixed = expect.stringContaining('1 of 2 pictures have more than 8 bits and are stretched');
    expect((await run({ directory })).warnings).toContainEqual(mixed);
    expect((await run({ directory, stretch: 'percentile' })).warnings).not.toContainEqual(mixed);
  });

  test('is said to hold values that nobody declared as no data, where they take the contrast of all others', async () => {
    for (const fill of [30_000, 240, ...(format === 1 ? [] : [-9999])]) {
      const { warnings } = await run({
        directory: await folder({ '1.tif': stored([270, 280, fill, 290, 275, 285, fill, 295]) }),
      });
      const said = warnings.filter((message) => message.startsWith(`many values are ${fill}, so far from all others`));
      expect([fill, said.length]).toEqual([fill, fill === 240 ? 0 : 1]);
    }
  });

  test('is stretched over all of its values, pixels without data left out', async () => {
    const missing = format === 3 ? NaN : 275;
    const directory = await folder({
      '1.tif': stored([270, 280, missing, 290]),
      '2.tif': stored([300, 310, 320, 330]),
    });
    const { found } = await run({ directory, stretch: { percentile: [0, 100] } });
    expect(found.map(greys)).toEqual([
      [0, 42, format === 3 ? 0 : 21, 85],
      [128, 170, 212, 255],
    ]);
    expect(found[0]!.raster.valid && [...found[0]!.raster.valid]).toEqual(format === 3 ? [1, 1, 0, 1] : undefined);
    expect(found[1]!.raster.valid).toBeUndefined();
  });

  test('is shown between its percentiles unless told, and the plan knows size and stretch', async () => {
    const directory = await folder({ '1.tif': stored([270, 280, 290, 300]) });
    expect(await describeAlone(frames, { options: { directory } })).toMatchObject({
      output: {
        axes: [
          { name: 'height', size: 1 },
          { name: 'width', size: 4 },
          { name: 'channels', size: 3 },
        ],
      },
      notes: expect.arrayContaining([expect.stringMatching(/black at percentile 2 to white at percentile 98/)]),
    });
    expect(greys((await run({ directory })).found[0]!)).toEqual([0, 85, 170, 255]);
  });
});
