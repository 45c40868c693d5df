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
import { bytesSource, collect, concat, type ByteSource } from './bytes.ts';
import { inspectFile } from './inspect.ts';
import { encodeSafetensors, openSafetensors, planSafetensors, writeSafetensors } from './safetensors.ts';

const fixture = new URL('../fixtures/small.safetensors', import.meta.url);

/** A file with any header text over `data` bytes of values. */
function file(header: string | Uint8Array, data = 0, declared?: bigint): ByteSource {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, declared ?? BigInt(json.byteLength), true);
  return bytesSource(concat([prefix, json, new Uint8Array(data)]), 'test.safetensors');
}

const anyTensor = fc
  .record({
    dtype: fc.constantFrom(...dtypes.filter((dtype) => dtype !== 'complex128')),
    shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
  })
  .chain(({ dtype, shape }) => {
    const bytes = elementCount(shape) * elementBytes(dtype);
    return fc
      .uint8Array({ minLength: bytes, maxLength: bytes })
      .map((values): Tensor => tensor(dtype, shape, viewAs(dtype, values)));
  });

describe('safetensors', () => {
  it('reads back what it wrote, bit by bit, for every type and shape', async () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => text !== '__metadata__');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, anyTensor), { maxLength: 6 }),
        fc.dictionary(fc.string(), fc.string()),
        async (list, metadata) => {
          const tensors = new Map(list);
          const bytes = await encodeSafetensors(tensors, new Map(Object.entries(metadata)));
          const opened = await openSafetensors(bytesSource(bytes));
          expect(opened.metadata).toEqual(new Map(Object.entries(metadata)));
          expect(new Set(opened.tensors.keys())).toEqual(new Set(tensors.keys()));
          for (const [key, t] of tensors) {
            const back = await opened.tensor(key);
            expect([back.dtype, back.shape, bytesOf(back)]).toEqual([t.dtype, t.shape, bytesOf(t)]);
            const { offset, bytes: length } = opened.tensors.get(key)!.location;
            expect(bytes.subarray(offset, offset + length)).toEqual(bytesOf(t));
            expect(offset % elementBytes(t.dtype)).toBe(0);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('writes the bytes of the reference implementation, in whatever order tensors come', async () => {
    const reference = new Uint8Array(await readFile(fixture));
    const opened = await openSafetensors(bytesSource(reference));
    const tensors = await Promise.all(
      [...opened.tensors].reverse().map(async ([name, lazy]) => [name, await lazy.read()] as const),
    );
    expect(await encodeSafetensors(new Map(tensors), opened.metadata)).toEqual(reference);
  });

  it('reads the values that the reference implementation wrote', async () => {
    const opened = await openSafetensors(bytesSource(new Uint8Array(await readFile(fixture))));
    expect(opened.metadata).toEqual(new Map([['format', 'np']]));
    expect(await opened.tensor('b.float32')).toEqual(
      tensor('float32', [2, 3], Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25)),
    );
    expect(await opened.tensor('a.float32')).toEqual(tensor('float32', [], Float32Array.of(1.5)));
    expect(await opened.tensor('int64')).toEqual(tensor('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)));
    expect(await opened.tensor('ü "quoted"\n')).toEqual(tensor('int32', [1], Int32Array.of(3)));
  });

  it('reads what stands beside tensors of types that it does not know, and names those when they are asked for', async () => {
    const entries = [
      '"__metadata__":null',
      '"scale":{"dtype":"F8_E8M0","shape":[3],"data_offsets":[0,3]}',
      '"tokens":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}',
      '"odd":{"dtype":"constructor","shape":[8],"data_offsets":[5,9]}',
    ];
    const opened = await openSafetensors(file(`{${entries.join()}}`, 9));
    expect([...opened.tensors.keys()]).toEqual(['tokens']);
    expect([...opened.unread.keys()]).toEqual(['scale', 'odd']);
    expect(opened.metadata.size).toBe(0);
    expect(await opened.tensor('tokens')).toEqual(zeros('uint8', [2]));
    expect(opened.find('other')).toBeUndefined();
    expect(() => opened.find('odd')).toThrow(InputError);
    await expect(opened.tensor('scale')).rejects.toThrow(
      'test.safetensors: tensor "scale" is of the type "F8_E8M0", which is not read.',
    );
    expect((await inspectFile(file(`{${entries.join()}}`, 9), { digest: true })).holds).toMatchObject({
      tokens: { tensor: true, dtype: 'uint8' },
      scale: { unread: 'of the type "F8_E8M0"', shape: [3] },
    });
  });

  it('opens by the header alone and reads a tensor without its neighbours', async () => {
    const bytes = await encodeSafetensors({ a: zeros('float32', [100_000]), b: zeros('float32', [100_000]) });
    const reads: number[] = [];
    const source: ByteSource = {
      ...bytesSource(bytes),
      read: async (offset, length) => (reads.push(length), bytes.subarray(offset, offset + length)),
    };
    const opened = await openSafetensors(source);
    expect(reads.reduce((a, b) => a + b)).toBeLessThan(20_000);
    reads.length = 0;
    await opened.tensor('b');
    expect(reads).toEqual([400_000]);
  });

  it('reads a header that is longer than the first read', async () => {
    const names = Array.from({ length: 2000 }, (_, i) => `a.rather.long.name.of.a.tensor.${i}`);
    const bytes = await encodeSafetensors(
      Object.fromEntries(names.map((name, i) => [name, tensor('int32', [1], Int32Array.of(i))])),
    );
    const opened = await openSafetensors(bytesSource(bytes));
    expect(opened.tensors.size).toBe(2000);
    expect(await opened.tensor(names[1234]!)).toEqual(tensor('int32', [1], Int32Array.of(1234)));
  });

  it('streams a file whose values are made while it is written', async () => {
    const value = (n: number): Uint8Array => Uint8Array.of(n, 0, 0, 0);
    const bytes = await collect(
      writeSafetensors([{ name: 'made', dtype: 'int32', shape: [3], chunks: () => [value(1), value(2), value(3)] }]),
    );
    expect(await (await openSafetensors(bytesSource(bytes))).tensor('made')).toEqual(
      tensor('int32', [3], Int32Array.of(1, 2, 3)),
    );
    const few = writeSafetensors([{ name: 'made', dtype: 'int32', shape: [3], chunks: () => [value(1)] }]);
    await expect(collect(few)).rejects.toThrow('"made" needs 12 bytes and got 4');
    const many = writeSafetensors([{ name: 'made', dtype: 'int32', shape: [1], chunks: () => [value(1), value(2)] }]);
    await expect(collect(many)).rejects.toThrow('got more');
  });

  it('plans files larger than memory exactly', () => {
    const { layout, size, header } = planSafetensors([
      { name: 'b', dtype: 'float32', shape: [2 ** 20, 2 ** 13] },
      { name: 'a', dtype: 'float16', shape: [3] },
    ]);
    expect(layout.map(({ name, offset }) => [name, offset - header.byteLength])).toEqual([
      ['b', 0],
      ['a', 2 ** 35],
    ]);
    expect(size).toBe(header.byteLength + 2 ** 35 + 6);
  });

  it('keeps names such as __proto__ and constructor plain names', async () => {
    const bytes = await encodeSafetensors(
      new Map([
        ['__proto__', zeros('uint8', [1])],
        ['constructor', zeros('uint8', [2])],
      ]),
    );
    const opened = await openSafetensors(bytesSource(bytes));
    expect([...opened.tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['dtype']).toBeUndefined();
  });

  it.each([
    [
      'complex128, which the format does not have',
      () => planSafetensors([{ name: 'a', dtype: 'complex128', shape: [] }]),
      'no type for complex128',
    ],
    [
      'two tensors of one name',
      () =>
        planSafetensors([
          { name: 'a', dtype: 'int8', shape: [] },
          { name: 'a', dtype: 'int16', shape: [] },
        ]),
      'under the name "a"',
    ],
    ['the reserved name', () => planSafetensors([{ name: '__metadata__', dtype: 'int8', shape: [] }]), '__metadata__'],
    [
      'half a surrogate pair in a name',
      () => planSafetensors([{ name: '\ud800', dtype: 'int8', shape: [] }]),
      'no valid Unicode',
    ],
    ['a negative size', () => planSafetensors([{ name: 'a', dtype: 'int8', shape: [-1] }]), '[-1]'],
  ])('does not write %s', (_, write, message) => {
    expect(write).toThrow(message);
  });

  const one = (fields: string): string => `{"a":{${fields}}}`;
  it.each<[string, ByteSource, string]>([
    ['no bytes', bytesSource(new Uint8Array(0)), '0 bytes'],
    ['a header longer than the file', file('{}', 0, 3n), 'header would be 3 bytes'],
    [
      'a header of 90 MB',
      bytesSource(concat([new Uint8Array(BigUint64Array.of(90_000_000n).buffer), new Uint8Array(90_000_000)])),
      'the limit is 16777216',
    ],
    ['brackets alone', file(`{"a":${'['.repeat(100_000)}`), 'nested more than 8 deep at byte 12'],
    [
      'more values than a header has',
      file(`{"a":[${'0,'.repeat(1_000_000)}`),
      'more values than are read, from byte 2000001',
    ],
    ['a hundred axes', file(one(`"dtype":"U8","shape":[${'1,'.repeat(99)}1],"data_offsets":[0,1]`), 1), '100 axes'],
    ['a header of 2^63 bytes', file('{}', 0, 2n ** 63n), 'the limit is'],
    ['a header that is no object', file('[]'), 'start with "{"'],
    ['a header after a byte order mark', file('\ufeff{}'), 'start with "{"'],
    ['broken JSON', file('{"a":'), 'header'],
    ['broken UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), 'UTF-8'],
    [
      'a name that comes twice',
      file(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        1,
      ),
      'twice',
    ],
    ['a field that comes twice', file(one('"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]'), 1), 'twice'],
    ['metadata that is no string', file('{"__metadata__":{"a":1}}'), 'no string'],
    ['metadata that is a list', file('{"__metadata__":[]}'), 'no object'],
    ['a tensor that is a list', file('{"a":[]}'), 'no object'],
    ['a type of no name', file(one('"dtype":4,"shape":[1],"data_offsets":[0,1]'), 1), 'has the type 4'],
    ['an unknown type beyond the file', file(one('"dtype":"F4","shape":[8],"data_offsets":[0,4]'), 3), 'byte'],
    ['no type', file(one('"shape":[1],"data_offsets":[0,1]'), 1), 'nothing'],
    ['a negative size', file(one('"dtype":"U8","shape":[-1],"data_offsets":[0,1]'), 1), '[-1]'],
    ['a fraction as size', file(one('"dtype":"U8","shape":[0.5],"data_offsets":[0,1]'), 1), '[0.5]'],
    ['a size past 2^53', file(one('"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,1]'), 1), 'shape'],
    [
      'a shape whose product overflows',
      file(one('"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]')),
      'impossible shape',
    ],
    ['a shape that needs other bytes', file(one('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), 4), 'needs 8 bytes'],
    ['offsets backwards', file(one('"dtype":"U8","shape":[1],"data_offsets":[1,0]'), 1), 'data_offsets'],
    ['three offsets', file(one('"dtype":"U8","shape":[1],"data_offsets":[0,1,2]'), 1), 'data_offsets'],
    ['a tensor past the end', file(one('"dtype":"U8","shape":[9],"data_offsets":[0,9]'), 1), 'but the file has'],
    ['a hole', file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', 2), 'hole'],
    [
      'an overlap',
      file(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        3,
      ),
      'inside the tensor before',
    ],
    ['bytes of no tensor', file('{}', 1), 'its tensors end at'],
  ])('refuses %s', async (_, source, message) => {
    await expect(openSafetensors(source)).rejects.toThrow(InputError);
    await expect(openSafetensors(source)).rejects.toThrow(message);
  });

  it('reads or refuses whatever becomes of a file, and never fails otherwise', async () => {
    const good = new Uint8Array(await readFile(fixture));
    const mutation = fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 1, maxLength: 5 }),
        fc.nat({ max: good.length }),
        fc.boolean(),
        async (changes, cut, whole) => {
          const bytes = good.slice(0, whole ? good.length : cut);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            const opened = await openSafetensors(bytesSource(bytes));
            for (const lazy of opened.tensors.values()) await lazy.read();
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
