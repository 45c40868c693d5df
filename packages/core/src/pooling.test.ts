import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halfFromFloat32 } from './half.ts';
import { poolTokens } from './pooling.ts';
import { tensor } from './tensor.ts';

const grid = fc
  .record({ tokens: fc.integer({ min: 1, max: 12 }), channels: fc.integer({ min: 1, max: 4 }) })
  .chain(({ tokens, channels }) =>
    fc.record({
      shape: fc.constant([tokens, channels]),
      data: fc.float32Array({
        minLength: tokens * channels,
        maxLength: tokens * channels,
        noNaN: true,
        min: -8,
        max: 8,
      }),
      valid: fc.uint8Array({ minLength: tokens, maxLength: tokens, max: 2 }),
      region: fc.array(fc.nat(2), { minLength: tokens, maxLength: tokens }),
    }),
  );

describe('poolTokens', () => {
  it('gives each region the mean or the maximum of its valid tokens, and NaN where there is none', () =>
    fc.assert(
      fc.property(grid, fc.constantFrom('mean', 'max'), ({ shape, data, valid, region }, pooling) => {
        const { values, counts, notFinite } = poolTokens(
          tensor('float32', shape, data),
          valid,
          { count: 3, of: (token) => region[token]! },
          pooling,
        );
        const [tokens, channels] = shape as [number, number];
        for (let r = 0; r < 3; r++) {
          const own = Array.from({ length: tokens }, (_, t) => t).filter((t) => valid[t] && region[t] === r);
          expect(counts[r]).toBe(own.length);
          for (let c = 0; c < channels; c++) {
            const column = own.map((t) => data[t * channels + c]!);
            const wanted = !own.length
              ? NaN
              : pooling === 'max'
                ? Math.max(...column)
                : column.reduce((a, b) => a + b, 0) / own.length;
            expect(values.data[r * channels + c]! + 0).toBe(Math.fround(wanted) + 0);
          }
        }
        expect(notFinite).toBeUndefined();
      }),
    ));

  it('takes a grid of any axes, and half precision, as the same tokens in a row', () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => i / 4);
    const one = { count: 1, of: () => 0 };
    const flat = poolTokens(tensor('float32', [12, 2], data), undefined, one, 'mean').values;
    expect(poolTokens(tensor('float32', [2, 3, 2, 2], data), undefined, one, 'mean').values).toEqual(flat);
    expect(poolTokens(tensor('float16', [3, 4, 2], halfFromFloat32(data)), undefined, one, 'mean').values).toEqual(
      flat,
    );
  });

  it.each(['mean', 'max'] as const)('names the first valid token that is not finite, and %s keeps NaN', (pooling) => {
    const data = Float32Array.of(1, 2, NaN, 4, Infinity, 6);
    const of = (valid?: Uint8Array) =>
      poolTokens(tensor('float32', [3, 2], data), valid, { count: 1, of: () => 0 }, pooling);
    expect(of().notFinite).toBe(1);
    expect(of().values.data[0]).toBeNaN();
    expect(of(Uint8Array.of(1, 0, 1)).notFinite).toBe(2);
    expect(of(Uint8Array.of(255, 0, 0)).notFinite).toBeUndefined();
  });
});
