import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TensorData } from '@deepearth/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeStore } from '../testing/make-zarr.ts';
import type { ChunkLayout } from './chunk-layout.ts';
import { openZarr } from './open-zarr.ts';
import { storeFiles } from './store-files.ts';
import { stridesOf } from './strided-part.ts';
import type { WrittenArray, WrittenType } from './write-array.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'arrays-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const constructors = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
} as const;

/** An array of numbers in C order. */
function arrayOf(
  numbers: readonly number[],
  { dtype, shape, layout, level, fill }: Pick<WrittenArray, 'dtype' | 'shape' | 'layout' | 'level' | 'fill'>,
): WrittenArray {
  const make = (list: readonly number[]): TensorData =>
    dtype === 'int64' ? BigInt64Array.from(list, BigInt) : (constructors[dtype] as Float64ArrayConstructor).from(list);
  return {
    name: 'a',
    dimensions: shape.map((_, axis) => `d${axis}`),
    shape,
    dtype,
    fill,
    attributes: {},
    layout,
    level,
    read(part) {
      const strides = stridesOf(shape);
      let list: number[] = [0];
      for (const [axis, { start, count }] of part.entries())
        list = list.flatMap((at) => Array.from({ length: count }, (_, i) => at + (start + i) * strides[axis]!));
      return make(list.map((at) => numbers[at]!));
    },
  };
}

async function filesOf(array: WrittenArray): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const file of storeFiles({ arrays: [array], attributes: {} })) {
    const pieces: Uint8Array[] = [];
    for await (const piece of file.content()) pieces.push(Uint8Array.from(piece));
    files.set(file.key, Buffer.concat(pieces));
  }
  return files;
}

const axes = fc.array(
  fc.record({
    size: fc.integer({ min: 1, max: 7 }),
    chunk: fc.integer({ min: 1, max: 4 }),
    factor: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 3 },
);

describe('an array', () => {
  test('is read as it was written, in chunks and shards, compressed or not, whatever its type and shape', async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        axes,
        fc.constantFrom(...(Object.keys(constructors) as WrittenType[])),
        fc.constantFrom(0, 1),
        fc.boolean(),
        fc.infiniteStream(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 100 }))),
        async (sizes, dtype, level, sharded, stream) => {
          const shape = sizes.map(({ size }) => size);
          const chunk = sizes.map((axis) => axis.chunk);
          const layout: ChunkLayout = {
            chunk,
            ...(sharded && { shard: sizes.map((axis) => axis.chunk * axis.factor) }),
          };
          const numbers = Array.from({ length: shape.reduce((n, each) => n * each, 1) }, () => stream.next().value!);
          const folder = join(root, String(number++));
          const array = arrayOf(numbers, { dtype, shape, layout, level, fill: 0 });
          await writeStore(folder, await filesOf(array));
          const cube = await openZarr(folder);
          const read = await cube.arrays.get('a')!.read();
          await cube.close();
          expect(read.shape).toEqual(shape);
          expect(read.dtype).toBe(dtype);
          expect(Array.from(read.data as Float64Array, Number)).toEqual(numbers);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('keeps NaN, infinities and the sign of zero', async () => {
    const numbers = [NaN, -0, Infinity, -Infinity, 5e-324, 0];
    const layout = { chunk: [2] };
    const folder = join(root, 'odd');
    const files = await filesOf(arrayOf(numbers, { dtype: 'float64', shape: [6], layout, level: 1, fill: NaN }));
    await writeStore(folder, files);
    const cube = await openZarr(folder);
    expect([...(await cube.arrays.get('a')!.read()).data]).toEqual(numbers);
    await cube.close();
  });

  test('stores no chunk that only holds the fill value, in a shard neither', async () => {
    const numbers = Array.from({ length: 16 }, (_, i) => (i === 9 ? 1 : NaN));
    const form = { dtype: 'float32', shape: [16], level: 0, fill: NaN } as const;
    const plain = await filesOf(arrayOf(numbers, { ...form, layout: { chunk: [4] } }));
    expect([...plain.keys()]).toEqual(['a/c/2', 'a/zarr.json', 'zarr.json']);
    const sharded = await filesOf(arrayOf(numbers, { ...form, layout: { chunk: [4], shard: [8] } }));
    expect([...sharded.keys()]).toEqual(['a/c/1', 'a/zarr.json', 'zarr.json']);
    // One chunk of 16 bytes, places of two chunks, a checksum.
    expect(sharded.get('a/c/1')!.length).toBe(16 + 32 + 4);
    const whole = new Array<number>(16).fill(NaN);
    const empty = await filesOf(arrayOf(whole, { ...form, dtype: 'float32', layout: { chunk: [4], shard: [8] } }));
    expect([...empty.keys()]).toEqual(['a/zarr.json', 'zarr.json']);
  });

  test('has its metadata once more in the root', async () => {
    const files = await filesOf(
      arrayOf([1, 2], { dtype: 'uint8', shape: [2], layout: { chunk: [2] }, level: 1, fill: 0 }),
    );
    const json = (key: string) => JSON.parse(new TextDecoder().decode(files.get(key))) as Record<string, any>;
    expect(json('zarr.json')['consolidated_metadata'].metadata).toEqual({ a: json('a/zarr.json') });
    // The byte of gzip that names the system says that it is not known: the same bytes everywhere.
    expect(files.get('a/c/0')![9]).toBe(255);
  });
});
