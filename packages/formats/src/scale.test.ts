import { tensor } from '@deepearth/core/tensor';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quantizedRows } from './int8.ts';
import { lazyFrom } from './lazy-tensor.ts';
import { retyped } from './retype.ts';
import { areScaled, withScale } from './scale.ts';
import { scaledHalf } from './scaled-half.ts';

const floats = (length: number) =>
  fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e30), max: Math.fround(1e30) }), {
    minLength: length,
    maxLength: length,
  });
const one = (values: readonly number[]) => tensor('float32', [2, 3], Float32Array.from(values));

describe('numbers with a scale beside them', () => {
  test('are read as what they stand for, whole or in part', async () => {
    await fc.assert(
      fc.asyncProperty(floats(6), fc.nat(5), async (values, first) => {
        const { values: half, scale: factor } = scaledHalf(one(values));
        const rows = quantizedRows(lazyFrom(one(values)), { file: 'made', name: 'features' });
        for (const [stored, scale] of [
          [lazyFrom(half), lazyFrom(factor)],
          [rows.values, rows.scale],
        ] as const) {
          expect(areScaled(stored, scale)).toBe(true);
          const lazy = withScale(stored, scale, 'made');
          const all = await lazy.read();
          expect(all).toMatchObject({ dtype: 'float32', shape: [2, 3] });
          const part = await lazy.readBytes(first * 4, 24 - first * 4);
          expect(Buffer.from(part)).toEqual(
            Buffer.from(all.data.buffer, all.data.byteOffset + first * 4, 24 - first * 4),
          );
          const most = Math.max(...values.map(Math.abs));
          for (const [i, value] of values.entries())
            expect(Math.abs(Number(all.data[i]) - value)).toBeLessThanOrEqual(most / 200 + 1e-7);
        }
      }),
    );
  });

  test('are what they are without a scale', () => {
    const alone = lazyFrom(one([1, 2, 3, 4, 5, 6]));
    expect(withScale(alone, undefined, 'made')).toBe(alone);
  });

  test('become floats and eight bits again, and stay in `same`', async () => {
    const large = one([1e6, -2e6, 3, 4e5, 5, 6]);
    const { values: features, scale } = scaledHalf(large);
    const entries = new Map<string, typeof features | typeof scale>([
      ['features', features],
      ['features.scale', scale],
    ]);
    const read = async (to: 'same' | 'float32' | 'int8') => {
      const dict = retyped(entries as never, to, 'made').value as unknown as Map<string, any>;
      return Object.fromEntries(
        await Promise.all([...dict].map(async ([name, t]) => [name, 'data' in t ? t : await t.read()] as const)),
      ) as Record<string, { dtype: string; data: ArrayLike<number> }>;
    };
    expect(await read('same')).toMatchObject({
      features: { dtype: 'float16' },
      'features.scale': { dtype: 'float32' },
    });
    const wide = await read('float32');
    expect(Object.keys(wide)).toEqual(['features']);
    expect(Math.abs(wide['features']!.data[1]! + 2e6)).toBeLessThan(2e6 / 2048);
    const bytes = await read('int8');
    expect(bytes).toMatchObject({ features: { dtype: 'int8' }, 'features.scale': { dtype: 'float32' } });
    const rowScale = bytes['features.scale']!.data[0]!;
    expect(Math.abs(bytes['features']!.data[1]! * rowScale + 2e6)).toBeLessThan(2e6 / 200);
  });
});
