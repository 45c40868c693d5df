import { bytesOf, tensor, type Tensor } from '@deepearth/core/tensor';
import { toHalf } from '@deepearth/core/half';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statisticsOf } from './statistics.ts';

const statistics = (t: Tensor, cuts: readonly number[] = []) => {
  const gathered = statisticsOf(t.dtype)!;
  const bytes = bytesOf(t);
  const width = bytes.byteLength / Math.max(1, t.data.length);
  const ends = [...cuts.map((cut) => Math.min(cut, t.data.length)).sort((a, b) => a - b), t.data.length];
  let from = 0;
  for (const to of ends) {
    gathered.add(bytes.subarray(from * width, to * width));
    from = to;
  }
  return gathered.result();
};

describe('statistics of a tensor', () => {
  it('are those of its finite values, wherever the pieces are cut', () =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ min: -1e6, max: 1e6 }), fc.constantFrom(NaN, Infinity, -Infinity)), {
          maxLength: 60,
        }),
        fc.array(fc.nat({ max: 60 }), { maxLength: 4 }),
        (values, cuts) => {
          const { min, max, mean, std, nan, infinite } = statistics(
            tensor('float64', [values.length], Float64Array.from(values)),
            cuts,
          );
          const finite = values.filter(Number.isFinite);
          expect(nan).toBe(values.filter(Number.isNaN).length);
          expect(infinite).toBe(values.length - finite.length - nan);
          if (finite.length === 0) {
            expect([min, max, mean, std]).toEqual([undefined, undefined, undefined, undefined]);
            return;
          }
          expect(min).toBe(Math.min(...finite) + 0);
          expect(max).toBe(Math.max(...finite) + 0);
          const average = finite.reduce((sum, value) => sum + value, 0) / finite.length;
          const variance = finite.reduce((sum, value) => sum + (value - average) ** 2, 0) / finite.length;
          expect(mean).toBeCloseTo(average, 6);
          expect(std).toBeCloseTo(Math.sqrt(variance), 5);
        },
      ),
      {
        examples: [
          [[-0], []],
          [[0, -0, NaN], [1]],
        ],
      },
    ));

  it('keep their digits where numbers are far from zero', () => {
    const { mean, std } = statistics(
      tensor('float64', [4], Float64Array.of(1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16)),
      [1, 2],
    );
    expect(mean).toBe(1e9 + 10);
    expect(std).toBeCloseTo(Math.sqrt(22.5), 10);
  });

  it('are exact at the ends of int64', () => {
    expect(statistics(tensor('int64', [3], BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 63n - 1n)))).toMatchObject({
      min: -(2n ** 63n),
      max: 2n ** 63n - 1n,
    });
    expect(statistics(tensor('uint64', [2], BigUint64Array.of(3n, 2n ** 64n - 1n)))).toMatchObject({
      min: 3,
      max: 2n ** 64n - 1n,
    });
  });

  it('know every type that has an order', () => {
    expect(statistics(tensor('float16', [2], Uint16Array.of(toHalf(-1.5), toHalf(2))))).toMatchObject({
      min: -1.5,
      max: 2,
      mean: 0.25,
    });
    expect(statistics(tensor('bfloat16', [2], Uint16Array.of(0x3fc0, 0x7fc0)))).toMatchObject({
      min: 1.5,
      max: 1.5,
      nan: 1,
    });
    expect(statistics(tensor('float8_e4m3fn', [2], Uint8Array.of(0x38, 0xb8)))).toMatchObject({ min: -1, max: 1 });
    expect(statistics(tensor('bool', [4], Uint8Array.of(0, 1, 1, 1)))).toMatchObject({ min: 0, max: 1, mean: 0.75 });
    expect(statistics(tensor('uint8', [2], Uint8Array.of(3, 255)))).toEqual({
      min: 3,
      max: 255,
      mean: 129,
      std: 126,
      nan: 0,
      infinite: 0,
    });
    expect(statisticsOf('complex64')).toBeUndefined();
  });
});
