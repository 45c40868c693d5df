// The files that GDAL, zarr-python and the netCDF library wrote, against what those say is in them.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Json } from '@deepearth/core';
import { inspectCube } from './cube-inspection.ts';
import type { Cube } from './cube.ts';
import { viewOf } from './cube-view.ts';
import { describeArray } from './describe-array.ts';
import { openNetcdf } from './netcdf/open-netcdf.ts';
import { openZarr } from './zarr/open-zarr.ts';

const folder = fileURLToPath(new URL('../../../../shared/reference/eo/', import.meta.url));
const expected = existsSync(`${folder}expected.json`)
  ? (JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as { files: Record<string, Entry> }).files
  : {};

interface Described {
  readonly [field: string]: Json;
}
interface Entry {
  readonly kind: string;
  readonly zarr_format?: number;
  readonly consolidated?: boolean;
  readonly data_model?: string;
  readonly attributes: Described;
  readonly arrays?: Record<string, Described>;
  readonly variables?: Record<string, Described>;
  readonly dimensions?: Described;
  readonly grid?: {
    readonly crs: Json;
    readonly geotransform: readonly number[];
    readonly bounds: readonly number[];
    readonly bounds_epsg4326: readonly number[];
  };
  readonly array?: string;
  readonly bad_chunk?: string;
}

const names = (kind: string): string[] => Object.keys(expected).filter((name) => expected[name]!.kind === kind);

/** Sums of float64 in another order differ in their last digits. */
const near = (value: Json | undefined): unknown =>
  typeof value === 'number' ? expect.closeTo(value, Math.max(0, 9 - Math.log10(Math.abs(value) + 1e-9))) : value;

function matches(found: Described, wanted: Described): void {
  const { samples: _, mean, decoded, metadata: __, stored_chunks: ___, all_chunks: ____, ...rest } = wanted;
  expect(found).toMatchObject(rest);
  if (mean !== undefined) expect(found['mean']).toEqual(near(mean));
  if (decoded !== undefined) {
    const { samples: _____, mean: decodedMean, ...others } = decoded as Described;
    expect(found['decoded']).toMatchObject(others);
    expect((found['decoded'] as Described)['mean']).toEqual(near(decodedMean));
  }
}

async function sameGrid(cube: Cube, name: string): Promise<void> {
  const { grid } = expected[name]!;
  if (!grid) return;
  const found = (await inspectCube(cube)) as unknown as { readonly grid: NonNullable<Entry['grid']> };
  expect(found.grid.geotransform).toEqual(grid.geotransform.map(near));
  expect(found.grid.bounds).toEqual(grid.bounds.map(near));
  // Two stores do not say what their coordinates belong to. Some have coordinates in float32: 1e-6 degrees are 0.1 m.
  if (found.grid.crs)
    expect(found.grid.bounds_epsg4326).toEqual(grid.bounds_epsg4326.map((each) => expect.closeTo(each, 6)));
  else expect(found.grid.bounds_epsg4326).toBeUndefined();
}

describe.skipIf(!names('zarr').length)('reference stores (skipped where ../shared/reference is absent)', () => {
  test.each(names('zarr'))('%s holds what zarr-python reads', async (name) => {
    const { arrays = {}, zarr_format, consolidated, attributes } = expected[name]!;
    const cube = await openZarr(folder + name);
    try {
      expect(cube.about).toMatchObject({ zarr_format, consolidated });
      expect(cube.attributes).toEqual(attributes);
      expect([...cube.arrays.keys()].filter((key) => !(key in arrays))).toEqual([]);
      for (const [key, wanted] of Object.entries(arrays)) {
        const found = await describeArray(cube.arrays.get(key)!, `${name}: ${key}`, { digest: true });
        matches(found, wanted);
      }
      await sameGrid(cube, name);
    } finally {
      await cube.close();
    }
  });
});

describe.skipIf(!names('netcdf').length)('reference files (skipped where ../shared/reference is absent)', () => {
  test.each(names('netcdf'))('%s holds what the netCDF library reads', async (name) => {
    const { variables = {}, attributes, data_model, dimensions } = expected[name]!;
    const cube = await openNetcdf(folder + name);
    try {
      expect(cube.about).toEqual({ data_model, dimensions });
      expect(cube.attributes).toEqual(attributes);
      expect([...cube.arrays.keys()].sort()).toEqual(Object.keys(variables).sort());
      for (const [key, wanted] of Object.entries(variables))
        matches(await describeArray(cube.arrays.get(key)!, `${name}: ${key}`, { digest: true }), wanted);
      await sameGrid(cube, name);
    } finally {
      await cube.close();
    }
  });
});

test.skipIf(!names('zarr').length)(
  'a fill value that is no attribute is said, and not taken for missing data',
  async () => {
    const cube = await openZarr(`${folder}zarr/v2_xarray_cf.zarr`);
    const { notes } = await viewOf(cube, { axes: {}, select: {} });
    expect(notes).toContain(
      'chunks of t2m that are missing read as -9999, which counts as data: `noData: -9999` if it does not',
    );
    expect((await viewOf(cube, { axes: {}, select: {}, noData: -9999 })).channels[0]!.meaning.noData).toEqual([-9999]);
    await cube.close();
  },
);

const broken = (folderName: string): string[] =>
  Object.keys(expected).filter((name) => name.startsWith(folderName) && expected[name]!.kind === 'bad');

describe.skipIf(!broken('zarr/').length)('broken references (skipped where ../shared/reference is absent)', () => {
  test.each(broken('netcdf/'))('%s is refused by its name', async (name) => {
    await expect(openNetcdf(folder + name)).rejects.toThrow(new RegExp(`${name}: is (?:cut short|no NetCDF file)`));
  });

  test.each(broken('zarr/'))('%s: the error names the chunk, and everything else can be read', async (name) => {
    const { array = '', bad_chunk } = expected[name]!;
    const cube = await openZarr(folder + name);
    if (bad_chunk === undefined)
      expect(cube.damaged.get(array)?.message).toContain(`${name}: ${array}/zarr.json: is no JSON`);
    else {
      const { shape, chunks, read } = cube.arrays.get(array)!;
      const failed: string[] = [];
      let whole = 0;
      const grid = shape.map((size, axis) => Math.ceil(size / chunks[axis]!));
      for (let i = 0; i < grid.reduce((n, size) => n * size, 1); i++) {
        let rest = i;
        const part = shape.map((size, axis) => {
          const stride = grid.slice(axis + 1).reduce((n, each) => n * each, 1);
          const start = Math.floor(rest / stride) * chunks[axis]!;
          rest %= stride;
          return { start, count: Math.min(chunks[axis]!, size - start) };
        });
        await read(part).then(
          () => whole++,
          (error: Error) => failed.push(error.message),
        );
      }
      expect(failed.length).toBeGreaterThan(0);
      for (const message of failed) expect(message).toContain(`${name}: ${bad_chunk}`);
      expect(whole).toBeGreaterThan(name.includes('shard') ? -1 : 0);
    }
    await cube.close();
  });
});
