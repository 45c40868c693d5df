import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact, Frame, Georeference, Projection, TokenGrid } from '@deepearth/core';
import { runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeTokens } from '@deepearth/testing';
import { categoryColor } from '@deepearth/vision/colormaps';
import { layout } from '@deepearth/vision/geometry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stacSource } from '../stac/source.ts';
import { place, placed, projection, sceneTiles, sceneValue, sceneWindows } from '../testing/placed-grids.ts';
import { openGeoTiff } from './open-geotiff.ts';
import { geotiffSink } from './sink.ts';

describeStage(geotiffSink, {
  inputs: () => [given(makeTokens({ count: 4, channels: 5 }).map((item) => placed(item)))],
  otherOptions: { steps: 'mean' },
  broken: {
    inputs: () => [given(makeTokens({ count: 4, channels: 5 }).map((item, i) => (i === 1 ? item : placed(item))))],
    says: /without a place on the Earth/,
    left: 6,
  },
});

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rasters-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function write(
  items: readonly (TokenGrid | Projection)[],
  options: RunStageOptions<typeof geotiffSink.options>['options'] = {},
) {
  const output = await mkdtemp(join(root, 'run-'));
  const files: Artifact[] = [];
  for await (const file of runStage(geotiffSink, {
    options,
    inputs: [given(items)],
    output,
    severalSequences: new Set(items.map(({ clip }) => clip?.sequence)).size > 1,
  }))
    files.push(file as Artifact);
  return { files, output };
}
async function writeOne(...args: Parameters<typeof write>) {
  const { files, output } = await write(...args);
  expect(files).toHaveLength(1);
  const path = join(output, files[0]!.path);
  const raster = await openGeoTiff(path);
  const read = await raster.read();
  await raster.close();
  return { file: files[0]!, path, raster, read };
}

describe('a STAC item beside a raster', () => {
  const timed = (item: TokenGrid) => placed(item, ({ number }) => ({ at: `2024-01-0${number + 1}T10:00:00Z` }));
  const tokens = (time: number) => timed(makeTokens({ count: 1, time, height: 3, width: 4, channels: 5 })[0]!);

  test('has the fields that STAC 1.1 asks for, and those of its extensions', async () => {
    const grid = projection(tokens(2), [2, 3, 4, 3], (step, row) => step + row);
    const { files, output } = await write([grid], { stac: true });
    expect(files.map(({ path, mediaType }) => [path, mediaType])).toEqual(
      [0, 1].flatMap((step) => [
        [`rasters/pca_frames_0000_0003_step_0${step}.tif`, 'image/tiff'],
        [`rasters/pca_frames_0000_0003_step_0${step}.json`, 'application/geo+json'],
      ]),
    );
    const item = JSON.parse(await readFile(join(output, files[1]!.path), 'utf8'));
    const { geometry, bbox, ...rest } = item;
    expect(rest).toEqual({
      type: 'Feature',
      stac_version: '1.1.0',
      stac_extensions: [
        'https://stac-extensions.github.io/file/v2.1.0/schema.json',
        'https://stac-extensions.github.io/projection/v2.0.0/schema.json',
      ],
      id: 'rasters_pca_frames_0000_0003_step_00',
      properties: {
        title: 'pca of frames 0 to 1 of made',
        datetime: null,
        start_datetime: '2024-01-01T10:00:00Z',
        end_datetime: '2024-01-02T10:00:00Z',
        'proj:code': 'EPSG:32633',
        'proj:transform': [80, 0, 399_960, 0, -80, 5_300_040],
        'proj:shape': [3, 4],
        'proj:bbox': [399_960, 5_300_040 - 240, 399_960 + 320, 5_300_040],
      },
      links: [],
      assets: {
        data: {
          href: './pca_frames_0000_0003_step_00.tif',
          type: 'image/tiff; application=geotiff; profile=cloud-optimized',
          roles: ['data'],
          data_type: 'float32',
          nodata: 'nan',
          bands: [{ name: 'pca 1' }, { name: 'pca 2' }, { name: 'pca 3' }],
          'file:size': files[0]!.bytes,
          'file:checksum': `1220${files[0]!.sha256}`,
        },
      },
    });
    // The upper left corner is that of tile 33UUP, 13.6629 E, 47.8459 N, as PROJ has it.
    const [west, south, east, north] = bbox as [number, number, number, number];
    expect([west, north]).toEqual([expect.closeTo(13.662865, 6), expect.closeTo(47.84597, 4)]);
    expect([east - west, north - south]).toEqual([expect.closeTo(0.0043, 3), expect.closeTo(0.0022, 3)]);
    expect([geometry.type, geometry.coordinates[0].length]).toEqual(['Polygon', 17]);
  });

  test('says the one moment that it shows, and which colours, and where nothing is known of its system', async () => {
    const one = placed(tokens(1), () => ({ at: '2024-01-05T00:00:00Z' }));
    const grid = projection(one, [1, 3, 4, 3], (_, row) => row);
    const elsewhere: Georeference = { ...place, crs: 'PROJCS["unnamed",GEOGCS["unknown"]]' };
    const frames = grid.clip!.frames.map((frame) => ({ ...frame, georeference: elsewhere }));
    const { files, output } = await write([{ ...grid, clip: { ...grid.clip!, frames } }], {
      stac: true,
      values: 'colours',
      directory: 'a folder',
    });
    const item = JSON.parse(await readFile(join(output, files[1]!.path), 'utf8'));
    expect(item).toMatchObject({
      id: 'a_folder_pca_frames_0000_0001',
      geometry: null,
      properties: { datetime: '2024-01-05T00:00:00Z', 'proj:code': null },
      assets: { visual: { roles: ['visual'], bands: [{ name: 'red' }, {}, {}, { name: 'opacity' }] } },
    });
    expect(item).not.toHaveProperty('bbox');
    expect(item.properties).not.toHaveProperty('start_datetime');
  });

  test('needs frames with times, which is said before anything is written', async () => {
    const [made] = makeTokens({ count: 1, time: 1, height: 3, width: 4, channels: 5 });
    const untimed = placed(made!, () => ({ at: undefined as never }));
    await expect(write([untimed], { stac: true })).rejects.toMatchObject({ code: 'E_NO_TIME' });
    expect((await write([untimed])).files).toHaveLength(1);
  });

  test('is read by source/stac, with the values and the place of its raster', async () => {
    const grid = projection(
      tokens(2),
      [2, 3, 4, 3],
      (step, row, column, band) => 100 * step + 10 * row + column + band,
    );
    const { output } = await write([grid], { stac: true });
    const options = { items: join(output, '**/*.json'), values: 'stored', stretch: { range: [0, 200] } } as const;
    const found: Frame[] = [];
    for await (const frame of runStage(stacSource, { options: options as never })) found.push(frame);
    expect(found.map(({ at }) => at)).toEqual(['2024-01-01T10:00:00Z', '2024-01-03T10:00:00Z']);
    expect(found[0]!.georeference).toEqual({ crs: place.crs, transform: [80, 0, 399_960, 0, -80, 5_300_040] });
    const { values } = await found[1]!.read();
    expect([...values.data.slice(0, 3), ...values.data.slice(-3)]).toEqual([100, 101, 102, 123, 124, 125]);
  });
});

describe('a raster', () => {
  test('has a pixel for each token, where the frames of the token lie', async () => {
    const [tokens] = makeTokens({ count: 1, time: 1, height: 3, width: 4, channels: 5 });
    const { raster, read, file } = await writeOne([placed(tokens!)]);
    // A made token is 8 pixels of 10 m.
    expect(raster).toMatchObject({
      width: 4,
      height: 3,
      crs: place.crs,
      transform: [80, 0, 399_960, 0, -80, 5_300_040],
    });
    expect(raster.bounds).toEqual([399_960, 5_300_040 - 240, 399_960 + 320, 5_300_040]);
    for (const [band, values] of read.bands.entries())
      for (const [cell, value] of values.entries()) expect(value).toBe(tokens!.values.data[cell * 5 + band]);
    expect(file).toMatchObject({ about: { kind: 'tokens', axes: { height: 3, width: 4, band: 5 }, dtype: 'float32' } });
  });

  test.each([
    ['crop', 700, 500],
    ['crop', 300, 800],
    ['resize', 700, 500],
    ['pad', 700, 500],
    ['tile', 900, 500],
  ] as const)('undoes what %s does to frames of %i x %i pixels', async (fit, width, height) => {
    const { geometry, grid } = layout(width, height, {
      cropSize: 384,
      patchSize: 16,
      resize: { shortestEdge: 438, crop: 384 },
      fit,
    });
    const [tokens] = makeTokens({ count: 1, time: 1, height: grid.height, width: grid.width, channels: 1 });
    const item = placed({ ...tokens!, origin: { kind: 'picture', geometry } as never }, () => ({ width, height }));
    const { raster, read } = await writeOne([item]);
    const [a, , c, , e, f] = raster.transform!;
    expect(a).toBeCloseTo((10 * geometry.width) / grid.width, 9);
    // Cells that lie wholly around the frame are left out; the others are where the encoder saw them.
    const skipped = {
      x: Math.max(Math.floor(-geometry.x / (geometry.width / grid.width) + 1e-6), 0),
      y: Math.max(Math.floor(-geometry.y / (geometry.height / grid.height) + 1e-6), 0),
    };
    const pixel = 1e-9 * Math.abs(a);
    expect(Math.abs(c - (399_960 + 10 * geometry.x + a * skipped.x))).toBeLessThan(pixel);
    expect(Math.abs(f - (5_300_040 - 10 * geometry.y + e * skipped.y))).toBeLessThan(pixel);
    expect(read.bands[0]![0]).toBe(tokens!.values.data[skipped.y * grid.width + skipped.x]);
    const [left, bottom, right, top] = raster.bounds!;
    expect(left + a).toBeGreaterThan(399_960);
    expect(right - a).toBeLessThan(399_960 + 10 * width);
    expect(top + e).toBeLessThan(5_300_040);
    expect(bottom - e).toBeGreaterThan(5_300_040 - 10 * height);
  });

  test('has no data where tokens are masked', async () => {
    const [tokens] = makeTokens({ count: 1, time: 1, height: 2, width: 2, channels: 2 });
    const valid = Uint8Array.of(255, 0, 1, 255);
    const { raster, read } = await writeOne([placed({ ...tokens!, valid })]);
    expect(raster.nodata).toBeNaN();
    expect(read.valid.map((mask) => [...mask!])).toEqual([
      [1, 0, 1, 1],
      [1, 0, 1, 1],
    ]);
  });

  test('stands for a step of time, and says when; or for the mean of all', async () => {
    const [tokens] = makeTokens({ count: 1, time: 2, height: 1, width: 2, channels: 3 });
    const item = placed(tokens!, ({ number }) => ({ at: `2024-01-${String(number + 1).padStart(2, '0')}T10:00:00Z` }));
    const shown = projection(item, [2, 1, 2, 1], (step, _, column) => step * 10 + column, {
      valid: Uint8Array.of(255, 0, 255, 255),
    });
    const { files, output } = await write([shown]);
    const numbers = item.clip!.frames.map(({ number }) => String(number).padStart(4, '0'));
    expect(files.map(({ path }) => path)).toEqual(
      [0, 1].map((step) => `rasters/pca_frames_${numbers[0]}_${numbers.at(-1)}_step_0${step}.tif`),
    );
    const second = await openGeoTiff(join(output, files[1]!.path));
    await second.close();
    expect(second.time).toBe(item.clip!.frames[2]!.at);
    const { read } = await writeOne([shown], { steps: 'mean' });
    expect([...read.bands[0]!]).toEqual([5, 11]);
  });

  test('of groups holds whole numbers, the most frequent one over time', async () => {
    const [tokens] = makeTokens({ count: 1, time: 3, height: 1, width: 3, channels: 3 });
    const groups = [
      [2, 0, 1],
      [2, 4, 0],
      [1, 4, 3],
    ];
    const shown = projection(placed(tokens!), [3, 1, 3, 1], (step, _, column) => groups[step]![column]!, {
      meaning: 'label',
      limits: [[0, 4]],
      reducer: 'kmeans',
      valid: Uint8Array.from([1, 1, 0, 1, 1, 0, 1, 1, 0]),
    });
    const { raster, read } = await writeOne([shown], { steps: 'mean' });
    expect(raster).toMatchObject({ dtype: 'uint8', nodata: 255 });
    expect(raster.palette!.slice(0, 5)).toEqual([0, 1, 2, 3, 4].map((group) => [...categoryColor(group)]));
    const coloured = await writeOne([shown], { steps: 'mean', values: 'colours' });
    expect(coloured.read.bands.slice(0, 3).map((band) => band[1])).toEqual([...categoryColor(4)]);
    expect([...coloured.read.bands[3]!]).toEqual([255, 255, 0]);
    expect([...read.bands[0]!]).toEqual([2, 4, 255]);
  });

  test('of colours is red, green, blue and opacity, as pictures have them', async () => {
    const [tokens] = makeTokens({ count: 1, time: 1, height: 1, width: 3, channels: 3 });
    const shown = projection(placed(tokens!), [1, 1, 3, 3], (_, __, column, component) => (column + component) / 4, {
      valid: Uint8Array.of(255, 255, 0),
    });
    const { raster, read } = await writeOne([shown], { values: 'colours' });
    expect(raster.bands.map(({ interpretation }) => interpretation)).toEqual(['red', 'green', 'blue', 'alpha']);
    expect(read.bands.map((band) => [...band])).toEqual([
      [0, 64, 0],
      [64, 128, 0],
      [128, 191, 0],
      [255, 255, 0],
    ]);
  });
});

describe('north', () => {
  test('stays up: rows of frames that run to the north are turned', async () => {
    const [tokens] = makeTokens({ count: 1, time: 1, height: 3, width: 2, channels: 1 });
    const southUp: Georeference = { crs: place.crs, transform: [10, 0, 399_960, 0, 10, 5_299_800] };
    const { raster, read } = await writeOne([placed(tokens!, () => ({ georeference: southUp }))]);
    const [, , , , e, f] = raster.transform!;
    expect([e, f]).toEqual([-80, 5_299_800 + 240]);
    // The last row of tokens is the northern one.
    expect([...read.bands[0]!.slice(0, 2)]).toEqual([...tokens!.values.data.slice(4, 6)]);
  });
});

describe('tiles of a scene', () => {
  test('become one raster that lines up with the scene, whatever order they come in', async () => {
    for (const order of [
      [0, 1, 2, 3],
      [2, 0, 3, 1],
    ]) {
      const { raster, read, file } = await writeOne(sceneTiles(order.map((index) => sceneWindows[index]!)));
      expect(raster).toMatchObject({ width: 14, height: 14, transform: [80, 0, 399_960, 0, -80, 5_300_040] });
      expect(file.about).toMatchObject({ sequence: 'scene' });
      for (const [cell, value] of read.bands[0]!.entries())
        expect(value).toBeCloseTo(sceneValue((cell % 14) * 8 + 4, Math.floor(cell / 14) * 8 + 4), 4);
    }
  });

  test('are files of their own where that is asked for', async () => {
    const { files } = await write(sceneTiles(sceneWindows), { tiles: 'separate' });
    expect(files.map(({ path }) => path.split('/').slice(-2)[0])).toEqual(['r00c00', 'r00c01', 'r00c02', 'r00c03']);
  });
});

const gdal = spawnSync('gdalinfo', ['--version'], { encoding: 'utf8' }).status === 0;

test.skipIf(!gdal)('GDAL finds a raster where it lies, to a billionth of a pixel (needs gdalinfo)', async () => {
  const [tokens] = makeTokens({ count: 1, time: 1, height: 24, width: 24, channels: 3 });
  const { geometry } = layout(1100, 731, {
    cropSize: 384,
    patchSize: 16,
    resize: { shortestEdge: 438, crop: 384 },
    fit: 'crop',
  });
  const item = placed({ ...tokens!, origin: { kind: 'picture', geometry } as never }, () => ({
    width: 1100,
    height: 731,
  }));
  const { path } = await writeOne([item]);
  const said = JSON.parse(spawnSync('gdalinfo', ['-json', path], { encoding: 'utf8' }).stdout) as {
    geoTransform: number[];
    coordinateSystem: { wkt: string };
  };
  const [x, width, , y, , height] = said.geoTransform as [number, number, number, number, number, number];
  expect(Math.abs(x - (399_960 + 10 * geometry.x)) / width).toBeLessThan(1e-9);
  expect(Math.abs(y - (5_300_040 - 10 * geometry.y)) / width).toBeLessThan(1e-9);
  expect(Math.abs(x + 24 * width - (399_960 + 10 * (geometry.x + geometry.width))) / width).toBeLessThan(1e-9);
  expect(Math.abs(y + 24 * height - (5_300_040 - 10 * (geometry.y + geometry.height))) / width).toBeLessThan(1e-9);
  expect(said.coordinateSystem.wkt).toMatch(/WGS 84 \/ UTM zone 33N/);
});
