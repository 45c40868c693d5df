import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkLayout } from './chunk-layout.ts';

const size = fc.integer({ min: 1, max: 20_000 });
const shapes = fc
  .tuple(size, size, size)
  .chain(([t, y, x]) => fc.constantFrom(1, 3, 192, 1408).map((bands) => (bands === 1 ? [t, y, x] : [t, y, x, bands])));
const count = (shape: readonly number[]): number => shape.reduce((n, each) => n * each, 1);

describe('chunks', () => {
  test('hold all bands, at most 4 MiB unless one token has more, and shards are whole numbers of them, at most 256 MiB', () => {
    fc.assert(
      fc.property(shapes, fc.constantFrom(1, 2, 4), (shape, bytes) => {
        const { chunk, shard = chunk } = chunkLayout(shape, bytes);
        expect(chunk[3]).toBe(shape[3]);
        expect(count(chunk) * bytes).toBeLessThanOrEqual(1 << 22);
        expect(count(shard) * bytes).toBeLessThanOrEqual(1 << 28);
        for (const [axis, edge] of shard.entries()) {
          expect(edge % chunk[axis]!).toBe(0);
          expect(chunk[axis]!).toBeLessThanOrEqual(shape[axis]!);
          // The last shard reaches beyond the array by less than a shard, and no shard is needless.
          expect(Math.ceil(shape[axis]! / chunk[axis]!) * chunk[axis]!).toBeLessThan(shape[axis]! + chunk[axis]!);
        }
      }),
    );
  });

  test('are whole steps of time where several fit, and parts of one that are nearly square where it does not', () => {
    expect(chunkLayout([1000, 24, 24, 3], 4)).toEqual({ chunk: [500, 24, 24, 3], shard: [1000, 24, 24, 3] });
    expect(chunkLayout([8, 24, 24, 1024], 4)).toEqual({ chunk: [1, 24, 24, 1024], shard: [8, 24, 24, 1024] });
    expect(chunkLayout([2, 625, 625, 1408], 4)).toEqual({ chunk: [1, 27, 27, 1408], shard: [1, 54, 648, 1408] });
    expect(chunkLayout([1, 10_000, 10_000], 1)).toEqual({ chunk: [1, 2000, 2000], shard: [1, 10_000, 10_000] });
    expect(chunkLayout([1, 1, 1], 4)).toEqual({ chunk: [1, 1, 1] });
  });
});
