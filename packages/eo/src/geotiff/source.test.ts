import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  frameReader,
  partOfRaster,
  tensor,
  type Description,
  type Frame,
  type FrameRecord,
  type InputFile,
  type Raster,
  type RunEvent,
} from '@deepearth/core';
import { createRegistry } from '@deepearth/core/registry';
import { describeAlone, runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import { countValues } from '@deepearth/vision/stretch';
import { afterAll, describe, expect, test } from 'vitest';
import { stages } from '../stages.ts';
import { writeScene, type Value } from '../testing/scenes.ts';
import { stretchChannels, type ChannelRange, type Ranges } from './frame-raster.ts';
import { openGeoTiff } from './open-geotiff.ts';
import { geotiffSource } from './source.ts';
import type { CogRaster } from './write-cog.ts';

const made: string[] = [];
afterAll(async () => {
  for (const path of made) await rm(path, { recursive: true, force: true });
});
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'geotiffs-'));
  made.push(path);
  return path;
}

/** Values that differ from date to date, 0 where there are no data. */
const scene =
  (date: number): Value =>
  (x, y, band) =>
    x > 35 ? 0 : 100 + date * 50 + band * 10 + x + y;

async function series(
  dates: number,
  more: (date: number) => Partial<CogRaster> = () => ({}),
  name = (date: number) => `S2_202401${String(date + 1).padStart(2, '0')}T101731_${String(date + 1).padStart(4, '0')}`,
): Promise<string> {
  const path = await folder();
  for (let date = 0; date < dates; date++)
    await writeScene(join(path, `${name(date)}.tif`), scene(date), {
      nodata: 0,
      bandNames: ['B04', 'B03', 'B02'],
      ...more(date),
    });
  return path;
}

const good = await series(5);
const bad = await series(5);
const third = join(bad, 'S2_20240103T101731_0003.tif');
await writeFile(third, (await readFile(third)).subarray(0, -40));

describeStage(geotiffSource, {
  options: { files: good },
  otherOptions: { files: good, stretch: { range: [0, 1000] } },
  broken: { options: { files: bad }, says: /_0003\.tif: ends at byte \d+, and tile \d+ .* cut short/, left: 4 },
  output(found) {
    expect(found.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(found.map(({ at }) => at)[1]).toBe('2024-01-02T10:17:31Z');
    expect(found.map(({ seconds }) => seconds)).toEqual([0, 1, 2, 3, 4].map((day) => day * 86_400));
    expect(found[0]!.georeference).toEqual({
      crs: 'EPSG:32633',
      transform: [10, 0, 399_960, 0, -10, 5_300_040],
    });
  },
});

type Options = NonNullable<RunStageOptions<typeof geotiffSource.options>['options']>;
async function run(options: Options, rest: RunStageOptions<typeof geotiffSource.options> = {}) {
  const found: { frame: Frame; raster: Raster }[] = [];
  const events: RunEvent[] = [];
  const inputs: InputFile[] = [];
  for await (const frame of runStage(geotiffSource, {
    options,
    onInput: (file) => inputs.push(file),
    onEvent: (event) => events.push(event),
    ...rest,
  }))
    found.push({ frame, raster: await frame.read() });
  const of = (type: 'warning' | 'info') => events.flatMap((event) => (event.type === type ? [event.message] : []));
  const skipped = events.flatMap((event) => (event.type === 'skipped' ? [event.message] : []));
  return {
    found,
    warnings: of('warning'),
    infos: of('info'),
    skipped,
    inputs,
    ranges: found[0]?.frame.locator.decode?.['ranges'],
  };
}

describe('a series', () => {
  test('is named as a folder, a pattern, a list or a file', async () => {
    const ids = async (files: string | string[]) => (await run({ files })).found.map(({ frame }) => frame.locator.uri);
    const whole = await ids(good);
    expect(whole).toHaveLength(5);
    expect(await ids(join(good, '*.tif'))).toEqual(whole);
    expect(await ids(join(good, '*_000[1].tif').replace('[1]', '?'))).toEqual(whole);
    expect(await ids([...whole].reverse())).toEqual(whole);
    expect(await ids([whole[2]!, whole[0]!])).toEqual([whole[0], whole[2]]);
    const parent = await folder();
    await mkdir(join(parent, 'a/b'), { recursive: true });
    await writeScene(join(parent, 'a/b/deep.tif'), scene(0));
    expect(await ids(join(parent, '**/*.tif'))).toEqual([join(parent, 'a/b/deep.tif')]);
    await expect(ids(join(good, '*.tiff'))).rejects.toMatchObject({ code: 'E_NO_FRAMES' });
    await expect(ids(parent)).rejects.toThrow(/holds no TIFF/);
  });

  test('says which numbers are missing', async () => {
    const path = await series(5);
    await rm(join(path, 'S2_20240104T101731_0004.tif'));
    expect((await run({ files: path })).warnings).toEqual(['1 frame number is missing: 4']);
    await expect(run({ files: path, gaps: 'error' })).rejects.toMatchObject({ code: 'E_GAP' });
  });

  test('with a date in tags alone is ordered by it; where names say another day, they count', async () => {
    const at = (date: number) => ({ at: `2024-02-${20 - date}T10:00:00Z` });
    const tagged = await series(3, at, (date) => `scene-${'abc'[date]!}`);
    const { found, infos } = await run({ files: tagged });
    expect(found.map(({ frame }) => frame.at)).toEqual([18, 19, 20].map((day) => `2024-02-${day}T10:00:00Z`));
    expect(infos[0]).toMatch(/TIFFTAG_DATETIME/);
    const other = await run({ files: await series(3, at) });
    expect(other.found[0]!.frame.at).toBe('2024-01-01T10:17:31Z');
    expect(other.warnings).toEqual([expect.stringMatching(/of another day than the name says/)]);
  });

  test('without any date is ordered by name, and says so', async () => {
    const path = await series(3, undefined, (date) => `scene-${'cba'[date]!}`);
    const { found, infos } = await run({ files: path });
    expect(found.map(({ frame }) => [frame.number, frame.at])).toEqual([
      [0, undefined],
      [1, undefined],
      [2, undefined],
    ]);
    expect(infos[0]).toMatch(/ordered by name \(3 of 3 files carry no time\)/);
    await expect(run({ files: path, order: 'time' })).rejects.toMatchObject({ code: 'E_NO_TIME' });
  });

  test.each([
    ['size', { width: 39 }, 'E_FRAME_SIZE', /39 x 30 pixels, but most files of the series are 40 x 30/],
    ['coordinate system', { crs: 'EPSG:32632' }, 'E_FRAME_PLACE', /is in EPSG:32632, but most .* EPSG:32633/],
    [
      'place',
      { transform: [10, 0, 399_970, 0, -10, 5_300_040] },
      'E_FRAME_PLACE',
      /begins at \(399970, 5300040\) .* begin at \(399960, 5300040\)/,
    ],
  ] as const)(
    'with another %s in the middle is refused by its name, or goes on without it',
    async (_, other, code, says) => {
      const path = await series(5, (date) => (date === 2 ? other : {}));
      await expect(run({ files: path })).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
      const { found, skipped } = await run({ files: path }, { onError: 'skip' });
      expect(found.map(({ frame }) => frame.number)).toEqual([1, 2, 4, 5]);
      expect(skipped).toEqual([expect.stringContaining('_0003.tif')]);
      expect((await run({ files: path, places: 'any', stretch: 'type' })).found).toHaveLength(5);
    },
  );

  test('names the file that is none, and what it starts with', async () => {
    const path = await series(3);
    await writeFile(join(path, 'S2_20240102T101731_0002.tif'), '<html>not found</html>');
    await expect(run({ files: path })).rejects.toThrow(/_0002\.tif: is no TIFF: it starts with "<html>/);
  });

  test('that changes while it is read is refused', async () => {
    const path = await series(2);
    const frames: Frame[] = [];
    await expect(
      (async () => {
        for await (const frame of runStage(geotiffSource, {
          options: { files: path, verify: false, stretch: 'type' },
        })) {
          frames.push(frame);
          await writeScene(frame.locator.uri, scene(7), { nodata: 0 });
          await frame.read();
        }
      })(),
    ).rejects.toMatchObject({ code: 'E_INPUT_CHANGED' });
    expect(frames).toHaveLength(1);
  });
});

describe('bands', () => {
  const first = ({ raster: { values } }: { raster: Raster }): number[] => [...values.data.slice(0, 3)];
  const stored = { stretch: { range: [0, 255] as [number, number] }, files: good };

  test('are chosen by number or by name, in any order, one for grey', async () => {
    expect(first((await run({ ...stored, bands: [3, 2, 1] })).found[0]!)).toEqual([120, 110, 100]);
    expect(first((await run({ ...stored, bands: ['B02', 'b04', 'B03'] })).found[0]!)).toEqual([120, 100, 110]);
    expect(first((await run({ ...stored, bands: ['B03'] })).found[0]!)).toEqual([110, 110, 110]);
  });

  test('that are not there are refused with those that are', async () => {
    await expect(run({ ...stored, bands: [4] })).rejects.toThrow(/has no band 4: it has 3 bands \(B04, B03, B02\)/);
    await expect(run({ ...stored, bands: ['B08'] })).rejects.toMatchObject({ code: 'E_BANDS' });
    await expect(run({ ...stored, bands: ['B0 4'] })).rejects.toThrow(/Did you mean "B04"\?/);
  });

  test('that a file does not call by colours are a guess that is said', async () => {
    expect((await run(stored)).infos.join()).toMatch(/colours are bands 1, 2 and 3 \(B04, B03, B02\), the first of 3/);
  });

  test('that are asked for as colours are no opacity, whatever the file says', async () => {
    const path = await series(1, () => ({
      bands: 4,
      type: 'uint8',
      colours: true,
      nodata: undefined,
      bandNames: undefined,
    }));
    const rasterOf = async (bands?: [number, number, number]) =>
      (await run({ files: path, ...(bands && { bands }) })).found[0]!.raster;
    expect((await rasterOf()).valid).toBeDefined();
    expect((await rasterOf([3, 2, 1])).valid).toBeDefined();
    const falseColours = await rasterOf([4, 2, 1]);
    expect(falseColours.valid).toBeUndefined();
    expect([...falseColours.values.data.subarray(0, 3)]).toEqual([130, 110, 100]);
  });

  test('of a mask mark pixels that do not count', async () => {
    const path = await series(2, () => ({ bands: 4, bandNames: ['B04', 'B03', 'B02', 'SCL'] }));
    // The fourth band is 130 + x + y + 50 · date.
    const mask = { band: 'SCL', invalid: [131, 132] };
    const { raster } = (await run({ files: path, mask })).found[0]!;
    const invalid = [...raster.valid!.keys()].filter((at) => raster.valid![at] === 0 && at % 40 <= 35);
    expect(invalid).toEqual([1, 2, 40, 41, 80]);
  });
});

describe('a mask beside', () => {
  /** Landsat’s names: a band of 10 m, and its bits in pixels of 20 m. */
  async function landsat(dates: number): Promise<string> {
    const path = await folder();
    for (let date = 0; date < dates; date++) {
      const name = join(path, `LC08_191028_2024010${date + 1}`);
      await writeScene(`${name}_B4.TIF`, scene(date), { bands: 1, nodata: 0 });
      await writeScene(`${name}_QA_PIXEL.TIF`, (x) => (x === 3 ? 0b1000 : x === 5 ? 0b10_0000 : 0b100_0000), {
        bands: 1,
        width: 20,
        height: 15,
        transform: [20, 0, 399_960, 0, -20, 5_300_040],
      });
    }
    return path;
  }
  const invalidOf = ({ raster: { valid } }: { raster: Raster }): number[] =>
    Array.from({ length: 36 }, (_, x) => x).filter((x) => valid![x] === 0);

  test('is found by the name of its picture, and is none itself', async () => {
    const path = await landsat(3);
    const file = { replace: '_B4', by: '_QA_PIXEL' };
    const { found, inputs } = await run({ files: path, mask: { file, bits: [1, 2, 3, 4] } });
    expect(found.map(({ frame }) => frame.locator.uri.slice(-6))).toEqual(Array(3).fill('B4.TIF'));
    expect(found.map(invalidOf)).toEqual(Array(3).fill([6, 7]));
    expect(inputs.filter(({ path: read }) => read.endsWith('QA_PIXEL.TIF'))).toHaveLength(3);
    const one = await run({ files: join(path, '*_B4.TIF'), mask: { file, bits: [3, 5] } });
    expect(one.found.map(invalidOf)).toEqual(Array(3).fill([6, 7, 10, 11]));
    expect(one.found[0]!.frame.key).not.toBe(found[0]!.frame.key);
    await rm(join(path, 'LC08_191028_20240102_QA_PIXEL.TIF'));
    const masked = { files: join(path, '*_B4.TIF'), mask: { file, bits: [3] } };
    await expect(run(masked)).rejects.toThrow(/20240102_QA_PIXEL\.TIF: there is no such file/);
    const { skipped } = await run(masked, { onError: 'skip' });
    expect(skipped).toEqual([expect.stringContaining('20240102_QA_PIXEL.TIF')]);
    await expect(run({ ...masked, files: good })).rejects.toMatchObject({ code: 'E_MASK' });
  });

  test('may be one for all, and its frames are found again', async () => {
    const path = await landsat(2);
    const [first] = await readdir(path).then((names) => names.filter((name) => name.includes('QA')));
    const mask = { file: join(path, first!), bits: [3] };
    const { found } = await run({ files: join(path, '*_B4.TIF'), mask });
    expect(found.map(invalidOf)).toEqual(Array(2).fill([6, 7]));
    const reader = frameReader({ registry: createRegistry(stages) });
    for (const { frame, raster } of found)
      expect(await reader.frame(JSON.parse(JSON.stringify(frame)) as FrameRecord).read()).toEqual(raster);
    await reader.close();
  });
});

test('a series on a server is that on disk', async () => {
  const server = createServer((request, response) => {
    void readFile(join(good, request.url!)).then((bytes) => {
      const [from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range!)!.slice(1).map(Number) as [number, number];
      const end = Math.min(to + 1, bytes.length);
      response
        .writeHead(206, { 'content-range': `bytes ${from}-${end - 1}/${bytes.length}`, etag: '"one"' })
        .end(bytes.subarray(from, end));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const there = await run({ files: (await readdir(good)).map((name) => `${base}/${name}`) });
  expect(there.found.map(({ raster }) => raster)).toEqual(
    (await run({ files: good })).found.map(({ raster }) => raster),
  );
  server.closeAllConnections();
  server.close();
});

describe('the stretch', () => {
  test('is one for the whole series, over valid pixels', async () => {
    const { found, ranges, infos } = await run({ files: good, stretch: { percentile: [0, 100] } });
    expect(ranges).toEqual([[100, 384]]);
    expect(infos.join()).toMatch(/values from 100 to 384 .*percentiles 0 and 100 of 5 of 5 frames/);
    expect(found[0]!.raster.values.data[0]).toBe(0);
    expect(found[4]!.raster.values.data[(29 * 40 + 35) * 3 + 2]).toBe(255);
    // A part of the series has the stretch of the whole, so that parts made on several machines go together.
    const part = await run(
      { files: good, stretch: { percentile: [0, 100] } },
      { range: { frames: { first: 2, end: 3 } } },
    );
    expect(part.ranges).toEqual(ranges);
    expect(part.found[0]!.raster).toEqual(found[2]!.raster);
  });

  test('may be of each band, a range, a range for each band, reflectance, or that of the type', async () => {
    const stretchOf = async (stretch: Options['stretch']) => (await run({ files: good, stretch })).ranges;
    expect(await stretchOf({ percentile: [0, 100], perBand: true })).toEqual([
      [100, 364],
      [110, 374],
      [120, 384],
    ]);
    expect(await stretchOf({ range: [0, 400] })).toEqual([[0, 400]]);
    const ranges: [[number, number], [number, number], [number, number]] = [
      [0, 1],
      [0, 2],
      [0, 3],
    ];
    expect(await stretchOf({ range: ranges })).toEqual(ranges);
    expect(await stretchOf('reflectance')).toEqual([[0, 3000]]);
    expect(await stretchOf('type')).toEqual([[0, 65_535]]);
  });

  test('leaves 8-bit values as they are unless it is asked for', async () => {
    const path = await series(2, () => ({ type: 'uint8' as const }));
    expect((await run({ files: path })).found[0]!.raster.values.data.slice(0, 3)).toEqual(Uint8Array.of(100, 110, 120));
    expect(
      (await run({ files: path, stretch: { range: [100, 120] } })).found[0]!.raster.values.data.slice(0, 3),
    ).toEqual(Uint8Array.of(0, 128, 255));
  });

  test('stands beside values as stored, for those who read them', async () => {
    const { frame, raster } = (await run({ files: good, values: 'stored', stretch: { range: [0, 400] } })).found[0]!;
    expect(frame.range).toEqual([0, 400]);
    expect([raster.values.dtype, ...raster.values.data.slice(0, 3)]).toEqual(['uint16', 100, 110, 120]);
  });
});

describe('tiles', () => {
  const tile = { size: 16, overlap: 4 };

  test('are sequences of their own with all their dates, each with its place', async () => {
    const { found } = await run({ files: good, tile });
    // 40 = 16 + 12 + 12, 30 = 16 + 12 + 2: the last row is moved back.
    expect(found).toHaveLength(3 * 3 * 5);
    const sequences = [...new Set(found.map(({ frame }) => frame.sequence.split('/').at(-1)))];
    expect(sequences).toEqual([
      'r00c00',
      'r00c01',
      'r00c02',
      'r01c00',
      'r01c01',
      'r01c02',
      'r02c00',
      'r02c01',
      'r02c02',
    ]);
    expect(found.slice(0, 5).map(({ frame }) => frame.number)).toEqual([1, 2, 3, 4, 5]);
    const { frame } = found[8 * 5]!;
    expect(frame.footprint).toEqual({ x: 24, y: 14, width: 16, height: 16 });
    expect(frame.georeference!.transform).toEqual([10, 0, 399_960 + 240, 0, -10, 5_300_040 - 140]);
  });

  test('hold what the scene holds there', async () => {
    const whole = (await run({ files: good })).found;
    for (const { frame, raster } of (await run({ files: good, tile })).found) {
      const other = whole.find((each) => each.frame.number === frame.number)!.frame;
      expect(raster).toEqual(await other.read({ window: frame.footprint! }));
    }
  });

  test('of a window lie in it', async () => {
    const window = { x: 5, y: 6, width: 20, height: 20 };
    const { found } = await run({ files: good, window, tile: { size: 20, overlap: 0 } });
    expect(found[0]!.frame).toMatchObject({ footprint: window, width: 20, height: 20 });
    expect(found[0]!.frame.georeference!.transform.slice(2, 6)).toEqual([400_010, 0, -10, 5_299_980]);
  });

  test('are planned before any pixel is read', async () => {
    const described = await describeAlone(geotiffSource, { options: { files: good, tile } });
    const { output, notes } = described as Description;
    expect(output).toMatchObject({ count: 45, sequences: { length: 9 }, counts: Array(9).fill(5) });
    expect(notes!.join('\n')).toMatch(/9 tiles of 40 x 30 pixels/);
    const refused = await describeAlone(geotiffSource, { options: { files: good, tile: { size: 16, overlap: 16 } } });
    expect(refused).toMatchObject({ refused: expect.stringMatching(/cannot share 16/) });
  });
});

test('an overview of the files is read in place of them, with larger pixels', async () => {
  const path = await series(2, () => ({ width: 600, height: 600 }));
  const { frame, raster } = (await run({ files: path, overview: 2, values: 'stored' })).found[0]!;
  expect([frame.width, frame.height]).toEqual([300, 300]);
  expect(frame.georeference!.transform).toEqual([20, 0, 399_960, 0, -20, 5_300_040]);
  expect(raster.values.data[0]).toBe(101);
  await expect(run({ files: path, overview: 8 })).rejects.toThrow(/no overview of factor 8; it has those of 2, 4/);
});

test('frames are found again by their locators, with the same values, in another process', async () => {
  const reader = frameReader({ registry: createRegistry(stages) });
  const kept = new Set<string>();
  for (const options of [
    { files: good },
    { files: good, tile: { size: 16, overlap: 4 } },
    { files: good, values: 'stored' as const },
  ])
    for (const { frame, raster } of (await run(options)).found.slice(0, 7)) {
      const again = reader.frame(JSON.parse(JSON.stringify(frame)) as FrameRecord);
      expect(await again.read()).toEqual(raster);
      const part = { window: { x: 2, y: 3, width: 5, height: 4 }, overview: 2 };
      expect(await again.read(part)).toEqual(partOfRaster(raster, part));
      expect(kept.has(frame.key)).toBe(false);
      kept.add(frame.key);
    }
  await reader.close();
});

const reference = fileURLToPath(new URL('../../../../../shared/reference/eo/', import.meta.url));

describe.skipIf(!existsSync(reference))('files of GDAL (needs ../shared/reference)', () => {
  const { files } = existsSync(reference)
    ? (JSON.parse(readFileSync(`${reference}expected.json`, 'utf8')) as { files: Record<string, any> })
    : { files: {} };

  test('a series has its numbers, times and place', async () => {
    const expected = files['geotiff/series_good'];
    const { found } = await run({ files: `${reference}geotiff/series_good`, bands: ['B08'] });
    expect(found.map(({ frame }) => frame.at)).toEqual(expected.times);
    expect(found.map(({ frame }) => frame.number)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(found[0]!.frame.georeference!.crs).toBe(`EPSG:${expected.crs.epsg}`);
  });

  test('of a bad series each bad file is named, and the good ones are read', async () => {
    const expected = files['geotiff/series_bad'];
    const { found, skipped, warnings } = await run(
      { files: `${reference}geotiff/series_bad`, bands: ['B08'] },
      { onError: 'skip' },
    );
    expect(found.map(({ frame }) => frame.locator.uri.split('/').at(-1))).toEqual(expected.good);
    for (const name of [...expected.truncated, ...expected.other_size])
      expect(skipped.filter((message) => message.includes(name))).toHaveLength(1);
    expect(warnings).toEqual([`1 frame number is missing: ${expected.missing_numbers}`]);
  });

  test('the stretch is that of NumPy', async () => {
    const name = '01_uint16_4band_tiled_deflate_p2.tif';
    const { stretch } = files[`geotiff/${name}`];
    const file = await openGeoTiff(`${reference}geotiff/${name}`);
    const read = await file.read();
    await file.close();
    const rasters = read.bands.map((values, band): Raster => ({
      values: tensor('uint16', [read.height, read.width, 1], values as Uint16Array),
      channels: [file.bands[band]!.name!],
      ...(read.valid[band] && { valid: read.valid[band] }),
    }));
    const joint = countValues(1);
    const limits = rasters.map((raster): ChannelRange => {
      const own = countValues(1);
      own.add(raster);
      joint.add(raster);
      return own.range(2, 98)!;
    });
    expect(limits).toEqual(stretch.per_band.limits);
    const together = joint.range(2, 98)!;
    expect(together[1]).toBeCloseTo(stretch.joint.limits[1], 9);
    const digest = (ranges: (band: number) => Ranges): string => {
      const hash = createHash('sha256');
      for (const [band, raster] of rasters.entries())
        hash.update(stretchChannels(raster, ranges(band)).values.data as Uint8Array);
      return hash.digest('hex');
    };
    expect(digest((band) => [limits[band]!])).toBe(stretch.per_band.sha256);
    expect(digest(() => [together])).toBe(stretch.joint.sha256);
  });

  test('scale and offset of a file are applied, its palette is colours', async () => {
    const scaled = `${reference}geotiff/07_int16_planar_scaled.tif`;
    const { raster } = (await run({ files: scaled, bands: ['LST_Day'], values: 'stored' })).found[0]!;
    const [{ index, value }] = files['geotiff/07_int16_planar_scaled.tif'].decoded.samples.filter(
      (each: any) => each.index[0] === 0 && each.value !== 'NaN',
    );
    expect(raster.values.dtype).toBe('float32');
    expect(raster.values.data[(index[1] * 130 + index[2]) * 3]).toBeCloseTo(value, 3);
    const palette = await run({ files: `${reference}geotiff/12b_palette.tif` });
    const colours = files['geotiff/12b_palette.tif'].palette.rgba;
    const used = new Set(Object.values<number[]>(colours).map((rgba) => rgba.slice(0, 3).join()));
    const { data } = palette.found[0]!.raster.values;
    for (let i = 0; i < data.length; i += 3) expect(used).toContain(data.slice(i, i + 3).join());
  });
});
