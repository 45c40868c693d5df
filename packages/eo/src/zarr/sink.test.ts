import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact } from '@deepearth/core';
import { runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeTokens } from '@deepearth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from '../crs/epsg-code.ts';
import type { Cube } from '../cube.ts';
import { openGeoTiff } from '../geotiff/open-geotiff.ts';
import { geotiffSink } from '../geotiff/sink.ts';
import { inspectEarth } from '../inspect.ts';
import type { GridItem } from '../place/grid-item.ts';
import { place, placed, projection, sceneTiles, sceneValue, sceneWindows } from '../testing/placed-grids.ts';
import { openZarr } from './open-zarr.ts';
import { zarrSink } from './sink.ts';

const tokens = (count = 4) => makeTokens({ count, channels: 5 }).map((item) => placed(item));

describeStage(zarrSink, {
  inputs: () => [given(tokens())],
  otherOptions: { dtype: 'int8', steps: 'mean' },
  broken: {
    inputs: () => [
      given(tokens().map((item, i) => (i === 1 ? { ...item, axes: ['time', 'width', 'height', 'channels'] } : item))),
    ],
    says: /has the axes time, width, height/,
    left: 16,
  },
});

describeStage(zarrSink, {
  title: 'as one file, of two inputs',
  options: { file: 'run.zarr.zip' },
  inputs: () => [
    given(tokens()),
    given(
      tokens().map((item) => projection(item, [2, 3, 4, 3], (step, row, column, band) => step + row - column * band)),
    ),
  ],
  otherOptions: { file: 'run.zarr.zip', colours: false, compression: 9 },
  output: (files) => expect(files).toHaveLength(1),
});

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cubes-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function write(
  inputs: readonly (readonly GridItem[])[],
  options: RunStageOptions<typeof zarrSink.options>['options'] = {},
) {
  const output = await mkdtemp(join(root, 'run-'));
  const files: Artifact[] = [];
  const warnings: string[] = [];
  for await (const file of runStage(zarrSink, {
    options,
    inputs: inputs.map((items) => given(items)),
    output,
    severalSequences: new Set(inputs.flat().map(({ clip }) => clip?.sequence)).size > 1,
    onEvent: (event) => {
      if (event.type === 'warning') warnings.push(event.message);
    },
  }))
    files.push(file as Artifact);
  return { files, output, warnings };
}

/** Writes one store and opens it. */
async function writeCube(...args: Parameters<typeof write>): Promise<Cube & AsyncDisposable & { warnings: string[] }> {
  const { output, files, warnings } = await write(...args);
  const path = files.at(-1)!.path.replace(/\/zarr\.json$/, '');
  const cube = await openZarr(join(output, path));
  return { ...cube, warnings, [Symbol.asyncDispose]: () => cube.close() };
}
const valuesOf = async (cube: Cube, name: string) => {
  const { data, shape } = await cube.arrays.get(name)!.read();
  return { data: Array.from(data as Float32Array, Number), shape };
};

describe('a cube', () => {
  test('has a cell for each token, where and when its frames were', async () => {
    const items = makeTokens({ count: 2, time: 2, height: 3, width: 4, channels: 5 }).map((item) =>
      placed(item, ({ number }) => ({ at: `2024-01-${String(number + 1).padStart(2, '0')}T10:00:00.25Z` })),
    );
    await using cube = await writeCube([items]);
    expect(cube.about).toEqual({ zarr_format: 3, consolidated: true });
    expect(cube.attributes).toMatchObject({
      'proj:code': place.crs,
      'spatial:dimensions': ['y', 'x'],
      'spatial:transform': [80, 0, 399_960, 0, -80, 5_300_040],
      'spatial:bbox': [399_960, 5_300_040 - 240, 399_960 + 320, 5_300_040],
      'spatial:shape': [3, 4],
      'geoemb:type': 'chip',
      'geoemb:dimensions': 5,
      'geoemb:chip_layout': { layout_type: 'regular_grid', chip_size: [8, 8] },
      'geoemb:gsd': 80,
    });
    const features = cube.arrays.get('features')!;
    expect(features).toMatchObject({ axes: ['time', 'y', 'x', 'feature'], shape: [4, 3, 4, 5], dtype: 'float32' });
    expect(features.attributes).toMatchObject({
      grid_mapping: 'spatial_ref',
      coordinates: 'spatial_ref first_frame last_frame',
    });
    expect((await valuesOf(cube, 'features')).data).toEqual(items.flatMap(({ values }) => [...values.data]));
    expect((await valuesOf(cube, 'x')).data).toEqual([0, 1, 2, 3].map((column) => 400_000 + 80 * column));
    expect((await valuesOf(cube, 'y')).data).toEqual([0, 1, 2].map((row) => 5_300_000 - 80 * row));
    const micros = items.flatMap(({ clip }) => [0, 2].map((frame) => 1000 * Date.parse(clip!.frames[frame]!.at!)));
    expect((await valuesOf(cube, 'time')).data).toEqual(micros);
    expect(cube.arrays.get('time')!.attributes).toMatchObject({ units: 'microseconds since 1970-01-01' });
    expect((await valuesOf(cube, 'first_frame')).data).toEqual(
      items.flatMap(({ clip }) => [0, 2].map((frame) => clip!.frames[frame]!.number)),
    );
    expect(cube.arrays.get('spatial_ref')!.attributes).toMatchObject({
      crs_wkt: expect.stringMatching(/^PROJCRS\["WGS 84 \/ UTM zone 33N".*ID\["EPSG",32633\]\]$/),
      GeoTransform: '399960 80 0 5300040 0 -80',
    });
  });

  test('has a variable for each input, and colours where they are asked for', async () => {
    const items = tokens(2);
    const pca = items.map((item) =>
      projection(item, [2, 3, 4, 3], (step, row, column, band) => (step + row + column + band) / 8),
    );
    const groups = items.map((item) =>
      projection(item, [2, 3, 4, 1], (step, row, column) => (step + row + column) % 5, {
        meaning: 'label',
        limits: [[0, 4]],
        reducer: 'kmeans',
        valid: Uint8Array.from({ length: 24 }, (_, token) => (token === 7 ? 0 : 255)),
      }),
    );
    await using cube = await writeCube([items, pca, groups], { colours: true });
    expect([...cube.arrays.keys()].sort()).toEqual([
      'features',
      'first_frame',
      'kmeans',
      'kmeans_rgba',
      'last_frame',
      'pca',
      'pca_rgba',
      'spatial_ref',
      'time',
      'time_bounds',
      'x',
      'y',
    ]);
    expect(cube.arrays.get('kmeans')).toMatchObject({ axes: ['time', 'y', 'x'], dtype: 'uint8' });
    const { data } = await valuesOf(cube, 'kmeans');
    expect([data[6], data[7], data[8]]).toEqual([3, 255, 2]);
    expect(cube.arrays.get('kmeans')!.attributes).toMatchObject({ _FillValue: 255, valid_max: 4 });
    expect(cube.arrays.get('pca')).toMatchObject({ axes: ['time', 'y', 'x', 'band'], shape: [4, 3, 4, 3] });
    const colours = await valuesOf(cube, 'pca_rgba');
    expect(colours.data.slice(4, 8)).toEqual([...[1, 2, 3].map((sum) => Math.round((255 * sum) / 8)), 255]);
    expect((await valuesOf(cube, 'kmeans_rgba')).data.slice(28, 32)).toEqual([0, 0, 0, 0]);
  });

  test('of two inputs of one name calls them like the stages they come from', async () => {
    await using cube = await writeCube([tokens(1), tokens(1)]);
    expect([...cube.arrays.keys()]).toEqual(expect.arrayContaining(['input-0', 'input-1']));
    const time = tokens(1).map((item) =>
      projection(item, [2, 3, 4, 1], () => 7, { reducer: 'time', meaning: 'scalar' }),
    );
    await using other = await writeCube([time]);
    expect((await valuesOf(other, 'time_values')).data).toEqual(new Array<number>(24).fill(7));
  });

  test.each(['float16', 'int8'] as const)(
    'of %s holds what its numbers round to, and nothing where a token is masked',
    async (dtype) => {
      const [item] = makeTokens({ count: 1, time: 1, height: 2, width: 2, channels: 3 });
      const valid = Uint8Array.of(255, 0, 1, 255);
      await using cube = await writeCube([[placed({ ...item!, valid })]], { dtype });
      const { data } = await valuesOf(cube, 'features');
      const scale = dtype === 'int8' ? (await valuesOf(cube, 'features_scale')).data : undefined;
      expect(cube.arrays.get('features')!.dtype).toBe(dtype);
      for (const [at, value] of item!.values.data.entries()) {
        const token = Math.floor(at / 3);
        const stored = scale ? data[at]! * scale[token]! : halfOf(data[at]!);
        if (token === 1) expect(stored).toBeNaN();
        else
          expect(Math.abs(stored - value)).toBeLessThanOrEqual(
            scale ? scale[token]! / 2 + 1e-6 : Math.abs(value) / 1024,
          );
      }
      if (scale)
        expect(cube.attributes['geoemb:quantization']).toMatchObject({ scale: { array_name: 'features_scale' } });
    },
  );

  test('refuses numbers that a type does not hold, by the name of the variable', async () => {
    const [item] = makeTokens({ count: 1, time: 1, height: 1, width: 1, channels: 2 });
    const large = { ...item!, values: { ...item!.values, data: Float32Array.of(1, 70_000) } };
    await expect(write([[placed(large)]], { dtype: 'float16' })).rejects.toThrow(/cube\.zarr: features.*70000/);
    const infinite = { ...item!, values: { ...item!.values, data: Float32Array.of(1, -Infinity) } };
    await expect(write([[placed(infinite)]], { dtype: 'int8' })).rejects.toThrow(/cube\.zarr: features.*-Infinity/);
  });

  test('without a place counts tokens, its first row the upper one', async () => {
    const items = makeTokens({ count: 1, time: 1, height: 3, width: 2, channels: 1 });
    await using cube = await writeCube([items]);
    expect((await valuesOf(cube, 'features')).data).toEqual([...items[0]!.values.data]);
    expect((await valuesOf(cube, 'y')).data).toEqual([0.5, 1.5, 2.5]);
    expect(cube.arrays.has('spatial_ref')).toBe(false);
    expect(cube.attributes).not.toHaveProperty('proj:code');
    expect(cube.attributes).toMatchObject({ 'spatial:transform': [1, 0, 0, 0, 1, 0] });
  });

  test('leaves out files that would hold nothing', async () => {
    const items = tokens(1).map((item) => ({ ...item, valid: new Uint8Array(24) }));
    const { files } = await write([items]);
    expect(files.map(({ path }) => path).filter((path) => /^cube\.zarr\/features\//.test(path))).toEqual([
      'cube.zarr/features/zarr.json',
    ]);
  });

  test('is written last what makes it a store; grids of other cells have one of their own', async () => {
    const other = makeTokens({ count: 1, height: 2, width: 2, channels: 5, seed: 9 }).map((item) =>
      placed(item, () => ({ georeference: { crs: 'EPSG:32634', transform: place.transform } })),
    );
    const { files, warnings, output } = await write([[...tokens(1), ...other]]);
    const roots = files.map(({ path }) => path).filter((path) => /^[^/]+\/zarr\.json$/.test(path));
    expect(roots).toEqual(['cube.zarr/zarr.json', 'cube_2.zarr/zarr.json']);
    expect(files.at(-1)!.path).toBe('cube_2.zarr/zarr.json');
    expect(warnings.join()).toMatch(/a store of its own/);
    expect((await readdir(output)).sort()).toEqual(['cube.zarr', 'cube_2.zarr']);
    const second = JSON.parse(await readFile(join(output, 'cube_2.zarr/zarr.json'), 'utf8')) as { attributes: object };
    expect(second.attributes).toMatchObject({ 'proj:code': 'EPSG:32634' });
  });
});

/** The value of bits of float16. */
function halfOf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const magnitude =
    exponent === 31
      ? fraction
        ? NaN
        : Infinity
      : exponent
        ? (1 + fraction / 1024) * 2 ** (exponent - 15)
        : fraction * 2 ** -24;
  return bits & 0x8000 ? -magnitude : magnitude;
}

test('a cube is described by inspect: its place, its times, its numbers', async () => {
  const items = makeTokens({ count: 2, height: 3, width: 4, channels: 3 }).map((item) =>
    placed(item, ({ number }) => ({ at: `2024-01-0${number + 1}T10:00:00Z` })),
  );
  for (const file of ['cube.zarr', 'cube.zarr.zip']) {
    const { output } = await write([items], { file });
    const found = await inspectEarth(join(output, file), undefined, { variable: 'features', digest: true });
    expect(found!.json).toMatchObject({
      kind: 'zarr',
      variable: 'features',
      axes: ['time', 'y', 'x', 'feature'],
      grid: {
        crs: { epsg: 32633 },
        geotransform: [399_960, 80, 0, 5_300_040, 0, -80],
        bounds: [399_960, 5_299_800, 400_280, 5_300_040],
      },
      arrays: { features: { valid_count: 4 * 12 * 3 } },
    });
  }
});

interface Node {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly dimension_names?: readonly string[];
  readonly data_type?: string;
  readonly consolidated_metadata?: { readonly metadata: Readonly<Record<string, Node>> };
}

test('a cube says what xarray and rioxarray write of the same one, where they read it again', async () => {
  // Written by fixtures/make-xarray-cube.py.
  const reference = JSON.parse(
    await readFile(join(import.meta.dirname, '../../fixtures/xarray-cube.json'), 'utf8'),
  ) as Node;
  const items = makeTokens({ count: 1, time: 2, height: 3, width: 4, channels: 3 }).map((item) =>
    placed(item, ({ number }) => ({ at: `2024-01-0${number + 1}T10:00:00Z` })),
  );
  const pca = items.map((item) => projection(item, [2, 3, 4, 3], () => 0));
  const kmeans = items.map((item) =>
    projection(item, [2, 3, 4, 1], () => 0, { meaning: 'label', limits: [[0, 4]], reducer: 'kmeans' }),
  );
  const { output } = await write([pca, kmeans]);
  const ours = JSON.parse(await readFile(join(output, 'cube.zarr/zarr.json'), 'utf8')) as Node;
  const { metadata: theirs, ...kind } = reference.consolidated_metadata!;
  const { metadata, ...ownKind } = ours.consolidated_metadata!;
  expect(ownKind).toEqual(kind);
  for (const name of ['pca', 'kmeans', 'time', 'x', 'y']) {
    const [own, other] = [metadata[name]!, theirs[name]!];
    expect([name, own.dimension_names, own.data_type]).toEqual([name, other.dimension_names, other.data_type]);
    // Names for people are their own, and NaN needs no text that says that it is none.
    const { long_name: _, _FillValue: none, ...read } = other.attributes;
    expect(own.attributes).toMatchObject({ ...read, ...(typeof none === 'number' && { _FillValue: none }) });
  }
  const [mapping, other] = [metadata['spatial_ref']!.attributes, theirs['spatial_ref']!.attributes];
  const numbers = (text: unknown) => String(text).split(' ').map(Number);
  expect(numbers(mapping['GeoTransform'])).toEqual(numbers(other['GeoTransform']));
  for (const name of ['crs_wkt', 'spatial_ref'])
    expect([codeOf(String(mapping[name])), codeOf(String(other[name]))]).toEqual([32633, 32633]);
});

describe('tiles of a scene', () => {
  test('become one cube, with the place and the values that sink/geotiff gives them', async () => {
    const items = sceneTiles(sceneWindows);
    await using cube = await writeCube([items]);
    const output = await mkdtemp(join(root, 'raster-'));
    const rasters: Artifact[] = [];
    for await (const file of runStage(geotiffSink, { inputs: [given(items)], output, severalSequences: true }))
      rasters.push(file as Artifact);
    const raster = await openGeoTiff(join(output, rasters[0]!.path));
    const { bands } = await raster.read();
    await raster.close();
    expect(cube.attributes).toMatchObject({
      title: 'scene',
      'spatial:transform': raster.transform,
      'spatial:bbox': raster.bounds,
      'proj:code': raster.crs,
    });
    const { data } = await valuesOf(cube, 'pca');
    expect(data).toEqual([...bands[0]!]);
    const [xs, ys] = [await valuesOf(cube, 'x'), await valuesOf(cube, 'y')];
    // Known from where a token lies, in pixels of 10 m.
    for (const [at, value] of data.entries()) {
      const [x, y] = [(xs.data[at % 14]! - 399_960) / 10, (5_300_040 - ys.data[Math.floor(at / 14)]!) / 10];
      expect(value).toBeCloseTo(sceneValue(x, y), 4);
    }
  });

  test('are stores of their own where that is asked for', async () => {
    const { files } = await write([sceneTiles(sceneWindows)], { tiles: 'separate', file: 'tile.zarr.zip' });
    expect(files.map(({ path }) => path)).toEqual([0, 1, 2, 3].map((tile) => `scene/r00c0${tile}/tile.zarr.zip`));
  });
});
