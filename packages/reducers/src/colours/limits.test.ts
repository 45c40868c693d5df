import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findLimits, type Scaling } from './limits.ts';
import { pca } from '../pca/pca.ts';

const percentile: Scaling = { scaling: 'percentile', lowPercentile: 1, highPercentile: 99 };

/** By sorting, as numpy's linear interpolation has it. */
function bySorting(values: readonly number[], percent: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const position = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(position)]!;
  return below + (sorted[Math.ceil(position)]! - below) * (position - Math.floor(position));
}

const number = fc.oneof(
  fc.float({ noNaN: true, min: -1000, max: 1000 }),
  fc.constantFrom(0, -0, NaN, 1, 1, 1, Math.fround(3.4e38), -1e-45),
);

test('percentiles are exactly those of all sorted values, however they are cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 300 }),
      fc.nat(200),
      fc.integer({ min: 0, max: 40 }),
      async (rows, cut, low) => {
        const values = Float32Array.from(rows.flat());
        const chunks = [
          values.subarray(0, Math.min(values.length, cut * 2)),
          values.subarray(Math.min(values.length, cut * 2)),
        ];
        const limits = await findLimits(() => chunks, 2, {
          scaling: 'percentile',
          lowPercentile: low,
          highPercentile: 97,
        });
        for (const k of [0, 1]) {
          const column = [...values].filter((_, i) => i % 2 === k);
          if (column.every(Number.isNaN)) expect(limits[k]).toEqual([0, 1]);
          else {
            const [from, to] = [bySorting(column, low), bySorting(column, 97)];
            expect(limits[k]).toEqual((from < to ? [from, to] : [from - 0.5, from + 0.5]).map((value) => value + 0));
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("percentiles are numpy's (fixture)", async () => {
  const fixture = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/pca.json'), 'utf8')) as {
    x: number[];
    percentiles_1_99: [number, number][];
  };
  const x = Float64Array.from(fixture.x);
  const model = await pca(x, { channels: 6 });
  const limits = await findLimits(() => [Float32Array.from(model.project(x))], 3, percentile);
  limits.forEach(([low, high], k) => {
    expect(low).toBeCloseTo(fixture.percentiles_1_99[k]![0], 5);
    expect(high).toBeCloseTo(fixture.percentiles_1_99[k]![1], 5);
  });
});

test('min-max takes the extremes and leaves tokens without data out', async () => {
  expect(await findLimits(() => [Float32Array.of(3, NaN, -2, 7)], 1, { ...percentile, scaling: 'min-max' })).toEqual([
    [-2, 7],
  ]);
});

test('many components are looked at a few at a time', async () => {
  const values = Float32Array.from({ length: 70 * 5 }, (_, i) => (i % 70) + Math.floor(i / 70) / 10);
  const limits = await findLimits(() => [values], 70, { ...percentile, scaling: 'min-max' });
  expect(limits).toHaveLength(70);
  limits.forEach(([low, high], k) => expect([low, high]).toEqual([k, Math.fround(k + 0.4)]));
});

test('no value at all gives 0 and 1; one value becomes the middle colour', async () => {
  expect(await findLimits(() => [], 1, percentile)).toEqual([[0, 1]]);
  expect(await findLimits(() => [Float32Array.of(4, 4, 4)], 1, percentile)).toEqual([[3.5, 4.5]]);
});
