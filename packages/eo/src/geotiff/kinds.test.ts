// Kinds of GeoTIFF that GDAL writes, against what rasterio reads of them: fixtures/make_kinds.py.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openFile } from '@deepearth/formats/file-source-node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inspectGeoTiff } from './inspect.ts';
import { toSamples, wideValues, type WideType } from './samples.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const kinds = JSON.parse(readFileSync(`${fixtures}kinds.json`, 'utf8')) as Record<
  string,
  {
    readonly dtype: string;
    readonly nodata: number | 'NaN' | null;
    readonly valid_count: readonly number[];
    readonly mean: readonly number[];
    readonly sha256: string;
  }
>;

test.each(Object.entries(kinds))('%s is read as by GDAL', async (name, expected) => {
  const source = await openFile(`${fixtures}kinds/${name}`);
  try {
    const found = await inspectGeoTiff(source, { digest: true });
    const bands = found['bands'] as readonly { readonly valid_count: number; readonly mean: number }[];
    expect(found).toMatchObject({ dtype: expected.dtype, nodata: expected.nodata });
    expect(bands.map((band) => band.valid_count)).toEqual(expected.valid_count);
    // Two decoders of JPEG differ by a level here and there.
    if (name.startsWith('jpeg'))
      for (const [i, { mean }] of bands.entries()) expect(Math.abs(mean - expected.mean[i]!)).toBeLessThan(0.5);
    else {
      expect(found['sha256']).toBe(expected.sha256);
      for (const [i, { mean }] of bands.entries()) expect(Math.abs(mean / expected.mean[i]! - 1)).toBeLessThan(1e-9);
    }
  } finally {
    await source.close();
  }
});

describe('whole numbers of 64 bits', () => {
  const format = (wide: WideType) => ({ type: 'float64', wide, bits: 64, littleEndian: true, predictor: 1 }) as const;

  test('that a float holds, and the greatest one, come back as they were', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<WideType>('int64', 'uint64'),
        fc.array(fc.maxSafeInteger().map(BigInt), { minLength: 1, maxLength: 20 }),
        (wide, values) => {
          const [Wide, limits] =
            wide === 'int64' ? [BigInt64Array, [2n ** 63n - 1n, -(2n ** 63n)]] : [BigUint64Array, [2n ** 64n - 1n, 0n]];
          const stored = Wide.from([
            ...values.map((value) => (wide === 'int64' || value >= 0n ? value : -value)),
            ...limits,
          ]);
          const bytes = new Uint8Array(stored.slice().buffer);
          const read = toSamples(bytes, 1, stored.length, 1, format(wide)) as Float64Array;
          expect(wideValues(read, wide)).toEqual(stored);
        },
      ),
    );
  });

  test('that no float holds are refused, not rounded', () => {
    const bytes = new Uint8Array(BigInt64Array.of(2n ** 53n + 1n).buffer);
    expect(() => toSamples(bytes, 1, 1, 1, format('int64'))).toThrow('9007199254740993');
  });
});
