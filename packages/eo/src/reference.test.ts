// The files that GDAL, zarr-python and the netCDF library wrote, against what those say is in them.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Json } from '@deepearth/core';
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
    } finally {
      await cube.close();
    }
  });
});
