import { float32FromHalf, toHalf } from '@deepearth/core/half';
import { bytesOf, tensor, viewAs, type Tensor } from '@deepearth/core/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect } from './bytes.ts';
import { castTensor, type CastTo } from './cast.ts';
import { lazyFrom, type LazyTensor } from './lazy-tensor.ts';

const named = { file: 'a.pt', name: 'features' };
const float32 = (...values: number[]): Tensor<'float32'> =>
  tensor('float32', [values.length], Float32Array.of(...values));
const chunksOf = async (t: LazyTensor): Promise<ArrayLike<number>> =>
  viewAs(t.dtype, await collect(t.chunks())) as ArrayLike<number>;
const cast = (t: Tensor, to: CastTo): Promise<ArrayLike<number>> => chunksOf(castTensor(lazyFrom(t), to, named));

/** What float16 holds. */
const halves = fc.float({ min: -65504, max: 65504, noNaN: true }).filter((value) => Math.abs(value) >= 2 ** -14);

describe('a float tensor in another type', () => {
  it('has each number rounded, whether it is read whole or in parts', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(halves, { minLength: 1, maxLength: 40 }),
        fc.nat({ max: 80 }),
        fc.nat({ max: 80 }),
        async (values, a, b) => {
          const lazy = castTensor(lazyFrom(float32(...values)), 'float16', named);
          const expected = Uint16Array.from(values, toHalf);
          const whole = await lazy.read();
          expect(whole.data).toEqual(expected);
          expect(await chunksOf(lazy)).toEqual(expected);
          const [from, to] = [Math.min(a, b, lazy.bytes), Math.min(Math.max(a, b), lazy.bytes)];
          expect(await lazy.readBytes(from, to - from)).toEqual(bytesOf(whole).subarray(from, to));
        },
      ),
    ));

  it('comes from every float type', async () => {
    const bits = Uint16Array.from([1.5, -2, 0.25], toHalf);
    expect(await cast(tensor('float16', [3], bits), 'float32')).toEqual(Float32Array.of(1.5, -2, 0.25));
    expect(await cast(tensor('float64', [2], Float64Array.of(0.1, -1e30)), 'float32')).toEqual(
      Float32Array.of(0.1, -1e30),
    );
    expect(await cast(tensor('bfloat16', [2], Uint16Array.of(0x3fc0, 0xc000)), 'float16')).toEqual(
      Uint16Array.of(toHalf(1.5), toHalf(-2)),
    );
    expect(await cast(tensor('float8_e4m3fn', [3], Uint8Array.of(0x38, 0xb8, 0x7e)), 'float32')).toEqual(
      Float32Array.of(1, -1, 448),
    );
    expect(await cast(tensor('float8_e5m2', [2], Uint8Array.of(0x3c, 0xbc)), 'float16')).toEqual(
      Uint16Array.of(toHalf(1), toHalf(-1)),
    );
  });

  it('is the tensor itself where it has that type already', () => {
    const lazy = lazyFrom(float32(1));
    expect(castTensor(lazy, 'float32', named)).toBe(lazy);
  });

  it('keeps NaN and infinities', async () => {
    const values = float32FromHalf((await cast(float32(NaN, Infinity, -Infinity, 1), 'float16')) as Uint16Array);
    expect([...values]).toEqual([NaN, Infinity, -Infinity, 1]);
  });

  it('refuses by name what would become infinite', async () => {
    await expect(cast(float32(1, 65519), 'float16')).resolves.toBeDefined();
    await expect(cast(float32(1, -70000), 'float16')).rejects.toMatchObject({
      code: 'E_VALUE_RANGE',
      message: expect.stringMatching(/a\.pt.*"features".*-70000.*number 1\b/s) as string,
    });
    await expect(cast(tensor('float64', [2], Float64Array.of(0, 1e300)), 'float32')).rejects.toThrow(
      /1e\+300.*number 1/,
    );
  });

  it('refuses numbers that are all too small for its digits, and takes zeros', async () => {
    await expect(cast(float32(1e-6, -1e-7), 'float16')).rejects.toMatchObject({ code: 'E_VALUE_RANGE' });
    await expect(cast(float32(0, 0), 'float16')).resolves.toEqual(Uint16Array.of(0, 0));
    await expect(cast(float32(), 'float16')).resolves.toEqual(new Uint16Array(0));
  });

  it('takes no whole numbers', () => {
    expect(() => castTensor(lazyFrom(tensor('int32', [1], Int32Array.of(1))), 'float32', named)).toThrow(TypeError);
  });

  it('counts the place of a value over all pieces', async () => {
    const data = new Float32Array((1 << 20) + 3).fill(1);
    data[(1 << 20) + 1] = 1e6;
    await expect(cast(tensor('float32', [data.length], data), 'float16')).rejects.toThrow(`number ${(1 << 20) + 1}`);
  });
});
