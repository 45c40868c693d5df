// Aggregating by name, and what the Python scripts made of a grid: shapes, values, errors.

import { tensor, type Embedding, type StageDefinition, type Tensor, type TokenGrid } from '@deepearth/core';
import { reshape, select } from '@deepearth/core/tensor';
import { runStage } from '@deepearth/runtime/run-stage';
import { given, makeTokens } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aggregate, aggregations, type Aggregation } from './aggregate.ts';
import { hierarchicalPool, type HierarchicalPart } from './hierarchical-pool.ts';
import { oldHierarchical } from './old-hierarchical.ts';
import { stages } from './stages.ts';

/** As the old extractor's grid, with fewer channels: 16 frames at 384 pixels. */
const [grid] = makeTokens({ time: 8, height: 24, width: 24, channels: 5, count: 1 }) as [TokenGrid];

async function staged(
  definition: StageDefinition,
  { options = {}, tokens = grid }: { options?: object; tokens?: TokenGrid } = {},
): Promise<Embedding> {
  for await (const item of runStage(definition, { options, inputs: [given([tokens])] })) return item as Embedding;
  throw new Error('nothing came out');
}

/** The mean over some axes, by the definition: in double precision, over everything else. */
function meanOver({ shape, data }: Tensor<'float32'>, over: readonly number[]): number[] {
  const kept = shape.map((_, axis) => axis).filter((axis) => !over.includes(axis));
  const sums = new Array<number>(kept.reduce((n, axis) => n * shape[axis]!, 1)).fill(0);
  data.forEach((value, i) => {
    const place = shape.map((size, axis) => Math.floor(i / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % size);
    sums[kept.reduce((at, axis) => at * shape[axis]! + place[axis]!, 0)]! += value;
  });
  return sums.map((sum) => (sum * sums.length) / data.length);
}

const close = (found: ArrayLike<number>, expected: readonly number[]): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
};

describe('what the Python extractor was used for', () => {
  const values = grid.values as Tensor<'float32'>;

  test.each([
    ['mean', [5]],
    ['max', [5]],
    ['cls', [5]],
    ['spatial_mean', [8, 5]],
    ['global', [5]],
    ['temporal', [8, 5]],
    ['spatial', [24, 24, 5]],
  ] as const)('aggregate by %s is %j', (name, shape) => {
    expect(aggregate(grid, name).shape).toEqual(shape);
  });

  test('values are those of the definitions', () => {
    close(aggregate(grid, 'mean').data, meanOver(values, [0, 1, 2]));
    close(aggregate(grid, 'cls').data, [...values.data.subarray(0, 5)]);
    close(aggregate(grid, 'spatial_mean').data, meanOver(values, [1, 2]));
    close(aggregate(grid, 'spatial').data, meanOver(values, [0]));
    const largest = Array.from({ length: 5 }, (_, c) => Math.max(...[...values.data].filter((_, i) => i % 5 === c)));
    close(aggregate(grid, 'max').data, largest);
  });

  test('tokens as a .pt file holds them, [4608, D], are aggregated too, and brought to [8, 576, D] and [8, 24, 24, D]', () => {
    const features = reshape(values, [4608, 5]);
    for (const name of ['mean', 'max', 'cls'] as const)
      expect(aggregate({ values: features }, name)).toEqual(aggregate(grid, name));
    expect(() => aggregate({ values: features }, 'spatial_mean')).toThrow(
      'needs tokens of [time, height, width, channels]; these have the axes [token, channels]',
    );
    expect(() => aggregate({ values: reshape(features, [8, 576, 5]) }, 'spatial')).toThrow(
      '[axis 0, axis 1, channels]',
    );
    const tokens = { values: reshape(features, [8, 24, 24, 5]) };
    expect(aggregate(tokens, 'spatial_mean')).toEqual(aggregate(grid, 'spatial-mean'));
  });

  test('a step of time is [24, 24, D], a place through time [8, D]', () => {
    const step = select(values, 0, 3);
    expect(step.shape).toEqual([24, 24, 5]);
    expect(step.data).toEqual(values.data.subarray(3 * 576 * 5, 4 * 576 * 5));
    const place = select(select(values, 1, 12), 1, 13);
    expect(place.shape).toEqual([8, 5]);
    expect([...place.data.subarray(5, 10)]).toEqual([
      ...values.data.subarray((576 + 12 * 24 + 13) * 5, (576 + 12 * 24 + 14) * 5),
    ]);
  });

  test('the hierarchical pool has its four shapes, and the means that it had', () => {
    const pooled = hierarchicalPool(grid);
    expect(Object.fromEntries(Object.entries(pooled).map(([name, { shape }]) => [name, shape]))).toEqual({
      global: [5],
      temporal: [8, 5],
      spatial: [24, 24, 5],
      quadrants: [4, 8, 5],
    });
    close(pooled.global.data, meanOver(values, [0, 1, 2]));
    close(pooled.temporal.data, meanOver(values, [1, 2]));
    close(pooled.spatial.data, meanOver(values, [0]));
    // features_4d[:, :12, 12:].mean(dim=(1, 2)) for the second of the four.
    const half = (from: Tensor<'float32'>, axis: number, first: boolean): Tensor<'float32'> => {
      const parts = Array.from({ length: 12 }, (_, i) => select(from, axis, first ? i : 12 + i));
      // Stacked in front, which means do not mind.
      return tensor('float32', [12, ...parts[0]!.shape], Float32Array.from(parts.flatMap(({ data }) => [...data])));
    };
    [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ].forEach(([upper, left], quarter) => {
      // [12 rows, time, width, C], then [12 columns, 12 rows, time, C].
      const cut = half(half(values, 1, upper!), 2, left!);
      close(select(pooled.quadrants, 0, quarter).data, meanOver(cut, [0, 1]));
    });
  });

  test.each([
    ['global', ['channels']],
    ['temporal', ['time', 'channels']],
    ['spatial', ['height', 'width', 'channels']],
    ['quadrants', ['quadrant', 'time', 'channels']],
  ] as const)('aggregator/old-hierarchical with part %s has the axes %j', async (part: HierarchicalPart, axes) => {
    const { values: found, axes: named } = await staged(oldHierarchical as unknown as StageDefinition, {
      options: { part },
    });
    expect(named).toEqual(axes);
    expect(found).toEqual(hierarchicalPool(grid)[part]);
  });

  test('aggregator/old-hierarchical without a part is all vectors, one level after the other', async () => {
    const { values: found, axes } = await staged(oldHierarchical as unknown as StageDefinition);
    expect(axes).toEqual(['region', 'channels']);
    expect(found.shape).toEqual([1 + 8 + 24 * 24 + 4 * 8, 5]);
    expect([...found.data]).toEqual(Object.values(hierarchicalPool(grid)).flatMap(({ data }) => [...data]));
  });
});

describe('aggregate', () => {
  const own = aggregations.filter((name) => `aggregator/${name}` in stages) as Aggregation[];

  test('is what the stage of the name makes, of any grid, whatever saw data', { timeout: 60_000 }, async () => {
    expect(own).toEqual(['mean', 'max', 'first-token', 'spatial-mean', 'temporal-mean', 'quadrants']);
    const edge = fc.integer({ min: 2, max: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(edge, edge, edge),
        fc.infiniteStream(fc.constantFrom(0, 255)),
        fc.constantFrom(...own),
        async ([time, height, width], shares, name) => {
          const valid = Uint8Array.from({ length: time * height * width }, () => shares.next().value!);
          valid[0] = 255;
          const tokens = { ...makeTokens({ time, height, width, channels: 3, count: 1 })[0]!, valid };
          const { values } = await staged(await stages[`aggregator/${name}`]!(), { tokens });
          expect(aggregate(tokens, name)).toEqual(values);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('names that are none are refused with those that are', () => {
    for (const name of ['median', 'toString', ''])
      expect(() => aggregate(grid, name as 'mean')).toThrow(
        `${JSON.stringify(name)} is none of mean, max, first-token, spatial-mean, temporal-mean, quadrants, cls, `,
      );
  });

  test('what is not finite, saw nothing or has no quarters is named', () => {
    const small = { values: tensor('float32', [1, 1, 2, 1], Float32Array.from([1, NaN])) };
    expect(() => aggregate(small)).toThrow('tokens: the token at time 0, row 0, column 1 holds NaN or infinity');
    expect(() => aggregate({ ...small, valid: Uint8Array.from([0, 0]) })).toThrow('none of its tokens saw any data');
    expect(aggregate({ ...small, valid: Uint8Array.from([255, 0]) }).data).toEqual(Float32Array.from([1]));
    expect(() => aggregate({ ...small, valid: Uint8Array.from([0, 255]) }, 'cls')).toThrow('first token saw no data');
    const line = { values: tensor('float32', [1, 1, 2, 1], new Float32Array(2)), id: 'mine' };
    expect(() => aggregate(line, 'quadrants')).toThrow('mine: a grid of 1 x 2 tokens has no quarters');
    expect(() => hierarchicalPool(line)).toThrow('has no quarters');
    expect(() => hierarchicalPool({ values: reshape(line.values, [2, 1]) })).toThrow(
      'aggregator/old-hierarchical needs tokens of [time, height, width, channels]',
    );
  });
});
