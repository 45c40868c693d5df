import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, frameReader, type Frame } from '@deepearth/core';
import { runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { stages } from './stages.ts';
import { weatherStore, writeStore, zarrFiles } from './testing/make-zarr.ts';
import { zarr } from './zarr.ts';

const root = await mkdtemp(join(tmpdir(), 'zarr-source-'));
const store = async (name: string, files = weatherStore()): Promise<string> => {
  await writeStore(join(root, name), files);
  return join(root, name);
};
const good = await store('good.zarr');
const bad = await store('bad.zarr');
// The chunk of times 2 and 3 in the upper left corner.
await writeFile(join(bad, 't2m/c/1/0/0'), (await readFile(join(bad, 't2m/c/1/0/0'))).subarray(0, 20));
const levels = await store(
  'levels.zarr',
  zarrFiles({
    t: {
      axes: ['time', 'level', 'y', 'x'],
      shape: [3, 3, 4, 6],
      dtype: 'float32',
      value: (t, l, y, x) => 1000 * t + 100 * l + 10 * y + x,
    },
    u: { axes: ['time', 'level', 'y', 'x'], shape: [3, 3, 4, 6], dtype: 'float32', value: () => 7 },
    level: { axes: ['level'], shape: [3], dtype: 'int32', value: (l) => [1000, 850, 500][l]! },
    // Rows run to the north.
    y: { axes: ['y'], shape: [4], dtype: 'float64', value: (y) => 10 * y },
    x: { axes: ['x'], shape: [6], dtype: 'float64', value: (x) => 10 * x },
  }),
);
afterAll(() => rm(root, { recursive: true, force: true }));

describeStage(zarr, {
  options: { path: good },
  otherOptions: { path: good, values: 'stored' },
  broken: { options: { path: bad }, says: /bad\.zarr: t2m\/c\/1\/0\/0: cannot be inflated/, left: 3 },
  output(found) {
    expect(found.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
    expect(found.map(({ at }) => at).slice(0, 3)).toEqual([
      '2024-02-28T00:00:00Z',
      '2024-02-28T12:00:00Z',
      '2024-02-29T00:00:00Z',
    ]);
    expect(found.map(({ seconds }) => seconds).slice(0, 2)).toEqual([0, 43_200]);
    expect(found[0]!.georeference).toEqual({ crs: 'EPSG:4326', transform: [0.5, 0, -10.25, 0, -0.5, 60.25] });
  },
});

type Options = NonNullable<RunStageOptions<typeof zarr.options>['options']>;
async function run(options: Options) {
  const found: Frame[] = [];
  const said: string[] = [];
  for await (const frame of runStage(zarr, {
    options,
    onEvent: (event) => void ((event.type === 'warning' || event.type === 'info') && said.push(event.message)),
  }))
    found.push(frame);
  return { found, said };
}
const valuesOf = async (frame: Frame): Promise<number[]> => [...(await frame.read()).values.data];

describe('what is read', () => {
  test('is decoded by scale and offset, and a pixel without data is not valid', async () => {
    const { found } = await run({ path: good, values: 'stored' });
    const raster = await found[1]!.read();
    expect(raster.values.dtype).toBe('float32');
    expect(raster.channels).toEqual(['t2m']);
    expect(raster.valid?.indexOf(0)).toBe(0);
    expect(raster.valid?.filter((valid) => !valid).length).toBe(1);
    expect(raster.values.data[1]).toBeCloseTo(280 + 0.1 * (10 - 1), 4);
  });

  test('a window is what the whole frame holds there', async () => {
    const { found } = await run({ path: levels, variable: 't', select: { level: 500 }, values: 'stored' });
    const whole = (await found[1]!.read()).values.data;
    const part = await found[1]!.read({ window: { x: 1, y: 2, width: 3, height: 2 } });
    expect([...part.values.data]).toEqual([2, 3].flatMap((y) => [1, 2, 3].map((x) => whole[6 * y + x])));
  });

  test('a level is found by its value, the nearest counts and is said; north is up whichever way rows run', async () => {
    const { found, said } = await run({
      path: levels,
      variable: 't',
      select: { level: 800 },
      values: 'stored',
      crs: 'EPSG:3857',
    });
    expect(said).toContain('level 800: the nearest is 850');
    // Level 850 is the second; the last row of the file is the first of the frame.
    expect((await valuesOf(found[0]!)).slice(0, 2)).toEqual([130, 131]);
    expect(found[0]!.georeference?.transform).toEqual([10, 0, -5, 0, -10, 35]);
  });

  test('bands, times and variables become red, green and blue', async () => {
    const bands = await run({ path: levels, variable: 't', bands: [500, 850, 1000], stretch: { range: [0, 255] } });
    expect((await valuesOf(bands.found[0]!)).slice(0, 3)).toEqual([230, 130, 30]);
    const times = await run({
      path: levels,
      variable: 't',
      select: { level: 1000 },
      times: [-2, -1, 0],
      stretch: { range: [0, 2550] },
    });
    expect(times.found).toHaveLength(1);
    expect((await valuesOf(times.found[0]!)).slice(0, 3)).toEqual([3, 103, 203]);
    const variables = await run({
      path: levels,
      variable: ['t', 'u', 't'],
      select: { level: 1000 },
      stretch: {
        range: [
          [0, 255],
          [0, 14],
          [0, 510],
        ],
      },
    });
    expect((await valuesOf(variables.found[0]!)).slice(0, 3)).toEqual([30, 128, 15]);
  });

  test('a colour map gives the colours of its table', async () => {
    const { found } = await run({
      path: levels,
      variable: 'u',
      select: { level: 850 },
      stretch: { range: [7, 8] },
      colorMap: 'viridis',
    });
    expect((await valuesOf(found[0]!)).slice(0, 3)).toEqual([68, 1, 84]);
  });

  test('dates cut the series, in whole days and months too', async () => {
    const count = async (options: Partial<Options>): Promise<number> =>
      (await run({ path: good, ...options } as Options)).found.length;
    expect(await count({ from: '2024-02-29' })).toBe(3);
    expect(await count({ to: '2024-02-28' })).toBe(2);
    expect(await count({ from: '2024-02', to: '2024-02' })).toBe(4);
    expect(await count({ step: 2 })).toBe(3);
    await expect(run({ path: good, from: '2025' })).rejects.toThrow('holds no frame from 2025');
  });

  test('bounds cut the frame, and move its place', async () => {
    const { found } = await run({ path: good, bounds: [-9, 57, -7, 58] });
    expect(found[0]).toMatchObject({ width: 5, height: 3 });
    expect(found[0]!.georeference?.transform).toEqual([0.5, 0, -9.25, 0, -0.5, 58.25]);
  });
});

describe('a frame that was written down', () => {
  test('is read in another process with the same pixels, and refused where the store has changed', async () => {
    const changing = await store('changing.zarr');
    const { found } = await run({ path: changing, colorMap: 'turbo' });
    const record = JSON.parse(JSON.stringify(found[3])) as Frame;
    const reader = frameReader({ registry: createRegistry(stages) });
    try {
      const again = reader.frame(record);
      expect(await valuesOf(again)).toEqual(await valuesOf(found[3]!));
    } finally {
      await reader.close();
    }
    await store('changing.zarr', weatherStore(5, 12, 16));
    await rm(join(changing, 't2m/c/1'), { recursive: true });
    const late = frameReader({ registry: createRegistry(stages) });
    try {
      await expect(late.frame(record).read()).rejects.toMatchObject({ code: 'E_INPUT_CHANGED' });
    } finally {
      await late.close();
    }
  });
});

describe('mistakes', () => {
  test.each<[string, Partial<Options>, RegExp]>([
    [
      'a variable that is not there',
      { variable: 't2n' },
      /has no variable "t2n"; it has lat, lon, t2m, time\. Did you mean "t2m"\?/,
    ],
    ['an axis that is not there', { select: { levle: 3 } }, /has no other axis "levle" to cut/],
    ['bands without an axis', { bands: [1, 2, 3] }, /has no axis that `bands` could choose from/],
    [
      'bounds elsewhere',
      { bounds: [100, 0, 110, 10] },
      /has nothing within \[100, 0, 110, 10\]: its columns are from -10 to -2\.5/,
    ],
  ])('%s is told with what there is', async (_, options, message) => {
    await expect(run({ path: good, ...options } as Options)).rejects.toThrow(message);
  });

  test('an axis that has to be cut is told with its values', async () => {
    await expect(run({ path: levels, variable: 't' })).rejects.toThrow(
      /axes beside rows, columns and time: level \(1000, 850, 500\)/,
    );
    await expect(run({ path: levels })).rejects.toThrow(
      /holds 2 variables with rows and columns: t, u\. Choose with `variable: t`/,
    );
  });

  test.each<[Options, RegExp]>([
    [{ path: 'a.zarr', bands: [1, 2, 3], times: [0, 1, 2] }, /each make red, green and blue/],
    [{ path: 'a.zarr', bands: [1, 2, 3], colorMap: 'turbo' }, /a colour map is for one value/],
    [{ path: 'a.zarr', colorMap: 'turbo', values: 'stored' }, /values as stored/],
  ])('what does not go together is refused before anything is opened', (options, message) => {
    const about = { options: zarr.options.parse(options), survey: undefined, inputs: [] };
    expect(zarr.describe(undefined, about)).toMatchObject({ refused: expect.stringMatching(message) as string });
  });
});
