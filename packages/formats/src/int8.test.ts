import { bytesOf, elementCount, tensor, viewAs, type Tensor } from '@deepearth/core/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect } from './bytes.ts';
import { areQuantized, dequantized, quantizedRows, scaleShape } from './int8.ts';
import { lazyFrom, lazyTensor, type LazyTensor } from './lazy-tensor.ts';

const named = { file: 'a.pt', name: 'features' };
const quantize = (t: Tensor) => quantizedRows(lazyFrom(t), named);
const valuesOf = async <T>(t: LazyTensor): Promise<T> => viewAs(t.dtype, await collect(t.chunks())) as T;

const anyTensor = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }).chain((shape) =>
  fc
    .array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
      minLength: elementCount(shape),
      maxLength: elementCount(shape),
    })
    .map((values) => tensor('float32', shape, Float32Array.from(values))),
);

describe('a tensor in eight bits', () => {
  it('differs from what it was by half a scale at most, row by row', () =>
    fc.assert(
      fc.asyncProperty(anyTensor, async (t) => {
        const { values, scale } = quantize(t);
        expect(values.shape).toEqual(t.shape);
        expect(scale.shape).toEqual(scaleShape(t.shape));
        expect(areQuantized(values, scale)).toBe(true);
        const [numbers, scales] = [await valuesOf<Int8Array>(values), await valuesOf<Float32Array>(scale)];
        const back = (await dequantized(values, scale).read()).data;
        const row = t.shape.at(-1) ?? 1;
        for (let i = 0; i < t.data.length; i++) {
          const by = scales[Math.floor(i / row)]!;
          expect(Math.abs(numbers[i]!)).toBeLessThanOrEqual(127);
          // A product of float32 is itself rounded.
          expect(Math.abs(back[i]! - t.data[i]!)).toBeLessThanOrEqual(by * 0.5001);
        }
      }),
    ));

  it('reaches 127 in every row that is not zero, and 1 is the scale of one that is', async () => {
    const { values, scale } = quantize(tensor('float32', [3, 2], Float32Array.of(0.5, -2, 0, 0, 1e-30, 1e-31)));
    expect(await valuesOf(values)).toEqual(Int8Array.of(32, -127, 0, 0, 127, 13));
    expect(await valuesOf(scale)).toEqual(Float32Array.of(2 / 127, 1, 1e-30 / 127));
  });

  it('rounds halves to the even number, as torch does', async () => {
    const { values } = quantize(tensor('float32', [5], Float32Array.of(0.5, 1.5, 2.5, -2.5, 127)));
    expect(await valuesOf(values)).toEqual(Int8Array.of(0, 2, 2, -2, 127));
  });

  it('reads the same in any part as whole', () =>
    fc.assert(
      fc.asyncProperty(anyTensor, fc.nat({ max: 700 }), fc.nat({ max: 700 }), async (t, a, b) => {
        const { values, scale } = quantize(t);
        for (const lazy of [values, scale, dequantized(values, scale)]) {
          const whole = bytesOf(await lazy.read());
          const [from, to] = [Math.min(a, b, lazy.bytes), Math.min(Math.max(a, b), lazy.bytes)];
          expect(await lazy.readBytes(from, to - from)).toEqual(whole.subarray(from, to));
        }
      }),
    ));

  it('comes out the same for rows that are longer than a piece, each of which is read twice', async () => {
    const row = (1 << 20) + 7;
    let read = 0;
    const source = lazyTensor({
      dtype: 'float32',
      shape: [2, row],
      readBytes: async (start, length) => {
        read += length;
        const first = start / 4;
        return bytesOf(
          tensor(
            'float32',
            [length / 4],
            Float32Array.from({ length: length / 4 }, (_, i) => ((first + i) % row) - 500),
          ),
        );
      },
    });
    const { values, scale } = quantizedRows(source, named);
    expect(await valuesOf(scale)).toEqual(Float32Array.of((row - 501) / 127, (row - 501) / 127));
    const numbers = await valuesOf<Int8Array>(values);
    expect(numbers[row - 1]).toBe(127);
    expect(numbers[2 * row - 1]).toBe(127);
    expect(numbers[row]).toBe(0);
    expect(read).toBe(3 * source.bytes);
  });

  it.each([NaN, Infinity, -Infinity])('refuses %s by name and place', async (value) => {
    const { values, scale } = quantize(tensor('float32', [2, 2], Float32Array.of(1, 2, 3, value)));
    for (const lazy of [values, scale])
      await expect(collect(lazy.chunks())).rejects.toMatchObject({
        code: 'E_VALUE_RANGE',
        message: expect.stringContaining(`tensor "features": ${value} (number 3)`) as string,
      });
  });

  it('is told apart from other tensors by its types and shapes', () => {
    const like = (dtype: 'int8' | 'float32', shape: number[]) => ({ dtype, shape });
    expect(areQuantized(like('int8', [2, 3]), like('float32', [2, 1]))).toBe(true);
    expect(areQuantized(like('int8', []), like('float32', []))).toBe(true);
    expect(areQuantized(like('int8', [2, 3]), like('float32', [2, 3]))).toBe(false);
    expect(areQuantized(like('float32', [2, 3]), like('float32', [2, 1]))).toBe(false);
    expect(() =>
      dequantized(lazyFrom(tensor('int8', [1], Int8Array.of(1))), lazyFrom(tensor('int8', [1], Int8Array.of(1)))),
    ).toThrow(TypeError);
  });
});
