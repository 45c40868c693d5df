import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '@deepearth/core/errors';
import {
  bytesOf,
  dtypes,
  elementBytes,
  elementCount,
  tensor,
  viewAs,
  zeros,
  type Tensor,
} from '@deepearth/core/tensor';
import { bytesSource, collect, concat } from './bytes.ts';
import { lazyFrom, readRows } from './lazy-tensor.ts';
import { encodeNpy, openNpy, writeNpy } from './npy.ts';
import { encodeNpz, openNpz } from './npz.ts';

const fixture = async (name: string): Promise<Uint8Array> =>
  new Uint8Array(await readFile(new URL(`../fixtures/${name}`, import.meta.url)));
const npyTypes = dtypes.filter((dtype) => dtype !== 'bfloat16' && !dtype.startsWith('float8'));
const anyTensor = fc
  .record({ dtype: fc.constantFrom(...npyTypes), shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }) })
  .chain(({ dtype, shape }) => {
    const bytes = elementCount(shape) * elementBytes(dtype);
    return fc
      .uint8Array({ minLength: bytes, maxLength: bytes })
      .map((values): Tensor => tensor(dtype, shape, viewAs(dtype, values)));
  });

/** A file with any header text over `data` bytes of values. */
const file = (header: string, data = 0, version = 1): Uint8Array => {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return concat([Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length), text, new Uint8Array(data)]);
};
const header = (descr: string, shape: string, fortran = 'False'): string =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

describe('npy', () => {
  it('reads back what it wrote, bit by bit, for every type and shape, and the values start at a multiple of 64', async () => {
    await fc.assert(
      fc.asyncProperty(anyTensor, async (t) => {
        const bytes = encodeNpy(t);
        const lazy = await openNpy(bytesSource(bytes));
        const back = await lazy.read();
        expect([back.dtype, back.shape, bytesOf(back)]).toEqual([t.dtype, t.shape, bytesOf(t)]);
        const { offset } = (await lazy.locate())!;
        expect(offset % 64).toBe(0);
        expect(bytes.subarray(offset)).toEqual(bytesOf(t));
        expect(await collect(writeNpy(t.dtype, t.shape, [bytesOf(t)]))).toEqual(bytes);
      }),
    );
  });

  it.each(['numpy.npz', 'numpy_deflated.npz'])('reads what NumPy wrote: %s', async (name) => {
    const arrays = await openNpz(bytesSource(await fixture(name), name));
    const counted = Float32Array.from({ length: 24 }, (_, i) => i);
    const read = async (key: string): Promise<Tensor> => arrays.get(key)!.read();
    expect(await read('c_order')).toEqual(tensor('float32', [2, 3, 4], counted));
    expect(await read('fortran')).toEqual(tensor('float32', [2, 3, 4], counted));
    expect(await read('big_endian')).toEqual(tensor('int32', [2, 3], Int32Array.of(0, 1, 2, 3, 4, 5)));
    expect(await read('big_endian_fortran')).toEqual(
      tensor('complex128', [2, 3], Float64Array.of(0, 0, 1, -2, 2, -4, 3, -6, 4, -8, 5, -10)),
    );
    expect(await read('half')).toEqual(tensor('float16', [3], Uint16Array.of(0x3c00, 0xb800, 0x7c00)));
    expect(await read('bool')).toEqual(tensor('bool', [2, 1], Uint8Array.of(1, 0)));
    expect(await read('scalar')).toEqual(tensor('int64', [], BigInt64Array.of(7n)));
    expect(await read('empty')).toEqual(zeros('uint8', [0, 5]));
    expect(Boolean(await arrays.get('c_order')!.locate())).toBe(name === 'numpy.npz');
    expect(await arrays.get('fortran')!.locate()).toBeUndefined();
  });

  it('writes the bytes that NumPy writes', async () => {
    const stored = await fixture('numpy.npz');
    const arrays = await openNpz(bytesSource(stored));
    for (const name of ['c_order', 'half', 'bool', 'scalar', 'empty']) {
      const { offset, bytes } = (await arrays.get(name)!.locate())!;
      const written = encodeNpy(await arrays.get(name)!.read());
      expect(written).toEqual(stored.subarray(offset + bytes - written.length, offset + bytes));
    }
  });

  it('reads any part of an array in Fortran order as it reads the whole', async () => {
    const arrays = await openNpz(bytesSource(await fixture('numpy_deflated.npz')));
    for (const name of ['fortran', 'big_endian', 'big_endian_fortran']) {
      const lazy = arrays.get(name)!;
      const whole = bytesOf(await lazy.read());
      for (let from = 0; from <= whole.length; from += 3)
        for (let to = from; to <= whole.length; to += 5)
          expect(await lazy.readBytes(from, to - from)).toEqual(whole.subarray(from, to));
      expect(await readRows(lazy, 1, 1)).toEqual(
        tensor(lazy.dtype, [1, ...lazy.shape.slice(1)], viewAs(lazy.dtype, whole.slice(whole.length / 2))),
      );
      await expect(readRows(lazy, 1, 2)).rejects.toThrow('rows 1 to 3');
      for (const [start, length] of [
        [-1, 2],
        [0, whole.length + 1],
        [0.5, 1],
      ] as const)
        await expect(lazy.readBytes(start, length)).rejects.toThrow(RangeError);
    }
  });

  it.each<[string, Uint8Array, string]>([
    ['no bytes', new Uint8Array(0), '0 bytes'],
    ['something else', new Uint8Array(100), 'does not start with'],
    ['an unknown version', file(header("'<f4'", '(1,)'), 4, 9), 'version 9.0'],
    ['a header that is cut', file(header("'<f4'", '(1,)')).subarray(0, 40), 'cut short'],
    ['code in the header', file("__import__('os').system('true')\n"), 'unexpected "__import__'],
    ['a header that ends early', file("{'descr': '<f4'"), 'ends too early'],
    [
      'a key that comes twice',
      file("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': ()}", 4),
      'twice',
    ],
    ['a header nested a thousand times', file('['.repeat(1000)), 'too deeply'],
    ['a list as header', file('[1, 2]'), 'no dict'],
    ['no shape', file("{'descr': '<f4', 'fortran_order': False}"), 'its shape is'],
    ['a negative size', file(header("'<f4'", '(-1,)')), 'its shape is'],
    ['a shape whose product overflows', file(header("'<f4'", '(4294967296, 4294967296)')), 'impossible shape'],
    ['an order that is no boolean', file(header("'<f4'", '(1,)', '1'), 4), 'fortran_order'],
    ['records', file(header("[('x', '<f4'), ('y', '<i4')]", '(1,)'), 8), 'records'],
    ['objects', file(header("'|O'", '(1,)'), 8), 'Python objects'],
    ['text', file(header("'<U5'", '(1,)'), 20), 'text'],
    ['dates', file(header("'<M8[ns]'", '(1,)'), 8), 'dates'],
    ['a float of 16 bytes', file(header("'<f16'", '(1,)'), 16), 'floats of that size'],
    ['an unknown type', file(header("'constructor'", '(1,)'), 16), '"constructor"'],
    ['too few values', file(header("'<f4'", '(2,)'), 4), 'needs 8 bytes'],
    ['too many values', file(header("'<f4'", '(2,)'), 12), 'needs 8 bytes'],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(openNpy(bytesSource(bytes, 'test.npy'))).rejects.toThrow(InputError);
    await expect(openNpy(bytesSource(bytes, 'test.npy'))).rejects.toThrow(message);
  });

  it('does not write what NumPy has no type for', () => {
    expect(() => encodeNpy(zeros('bfloat16', [1]))).toThrow('NumPy has no bfloat16');
  });

  it('reads or refuses whatever becomes of a file, and never fails otherwise', async () => {
    const good = encodeNpy(tensor('float32', [2, 3], new Float32Array(6)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const bytes = good.slice();
          for (const [at, value] of changes) bytes[at] = value;
          try {
            await (await openNpy(bytesSource(bytes))).read();
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('npz', () => {
  it.each(['stored', 'deflated'] as const)('reads back what it wrote, %s', async (compression) => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), anyTensor, { maxKeys: 4 }),
        async (tensors) => {
          const bytes = await encodeNpz(tensors, compression);
          expect(
            await encodeNpz(
              Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, lazyFrom(t)])),
              compression,
            ),
          ).toEqual(bytes);
          const arrays = await openNpz(bytesSource(bytes));
          expect([...arrays.keys()]).toEqual(Object.keys(tensors));
          for (const [name, t] of Object.entries(tensors))
            expect(await arrays.get(name)!.read()).toEqual({ ...t, data: viewAs(t.dtype, bytesOf(t).slice()) });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('notices a changed byte when an array is read', async () => {
    const bytes = await encodeNpz({ a: tensor('float32', [2], Float32Array.of(1, 2)) });
    const { offset } = (await (await openNpz(bytesSource(bytes))).get('a')!.locate())!;
    bytes[offset]! ^= 1;
    await expect((await openNpz(bytesSource(bytes))).get('a')!.read()).rejects.toThrow('damaged');
  });

  it('refuses archives of other files', async () => {
    const { writeZip, zipBytes } = await import('./zip-writer.ts');
    const bytes = await collect(writeZip([zipBytes('readme.txt', new Uint8Array(3))]));
    await expect(openNpz(bytesSource(bytes))).rejects.toThrow('no .npy file');
  });
});
