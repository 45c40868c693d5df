import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  dtypes,
  elementBytes,
  elementCount,
  reshape,
  tensor,
  viewAs,
  zeros,
  type Tensor,
} from '@deepearth/core/tensor';
import { bytesSource, collect } from './bytes.ts';
import { lazyTensor, type LazyTensor } from './lazy-tensor.ts';
import { openPt, tensorsOf, valueAt } from './pt.ts';
import type { PtWritable } from './pt-pickle-writer.ts';
import { encodePt, writePt } from './pt-writer.ts';
import { float, torchName, torchSize, tuple, type PyValue } from './python-values.ts';
import { openZip } from './zip.ts';

const anyTensor = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }) })
  .chain(({ dtype, shape }) => {
    const bytes = elementCount(shape) * elementBytes(dtype);
    return fc
      .uint8Array({ minLength: bytes, maxLength: bytes })
      .map((values): Tensor => tensor(dtype, shape, viewAs(dtype, values)));
  });
const wellFormed = fc.string({ unit: 'grapheme' });
const plain = fc.letrec<{ value: PtWritable }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.bigInt().filter((n) => !Number.isSafeInteger(Number(n))),
    fc.double(),
    wellFormed,
    fc.uint8Array(),
    fc.array(fc.nat()).map((items) => torchSize(items)),
    fc.constantFrom(torchName('torch.bfloat16'), torchName('cpu'), torchName('cuda:1')),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(tie('value'), { maxLength: 5 }).map((items) => tuple(...(items as PyValue[]))),
    fc
      .array(
        fc.tuple(
          fc.oneof(
            wellFormed,
            fc.integer(),
            fc.tuple(fc.nat(), wellFormed).map((items) => tuple(...items)),
          ),
          tie('value'),
        ),
        { maxLength: 5 },
      )
      .map(
        (entries) =>
          new Map(
            entries.filter(
              ([key], i) => entries.findIndex(([other]) => JSON.stringify(other) === JSON.stringify(key)) === i,
            ),
          ),
      ),
    fc.uniqueArray(wellFormed, { maxLength: 4 }).map((items) => new Set(items)),
  ),
})).value;

const read = async (value: PtWritable): Promise<PyValue> => (await openPt(bytesSource(await encodePt(value)))).value;

describe('writing .pt', () => {
  it('gives back every plain value', async () => {
    await fc.assert(
      fc.asyncProperty(plain, async (value) => {
        expect(await read(value)).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  it('gives back tensors of every type and shape, bit by bit, aligned to 64 bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyTensor, { maxLength: 4 }), async (tensors) => {
        const bytes = await encodePt(tensors);
        expect(await encodePt(tensors)).toEqual(bytes);
        const { value } = await openPt(bytesSource(bytes));
        for (const [i, t] of tensors.entries()) {
          const lazy = valueAt(value, i) as LazyTensor;
          const back = await lazy.read();
          expect([back.dtype, back.shape, bytesOf(back)]).toEqual([t.dtype, t.shape, bytesOf(t)]);
          expect((await lazy.locate())!.offset % 64).toBe(0);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps a storage that tensors share, and a tensor that comes twice', async () => {
    const t = tensor('float32', [2, 3], new Float32Array(6));
    const { value } = await openPt(
      bytesSource(await encodePt({ t, again: t, flat: reshape(t, [6]), other: zeros('float32', [6]) })),
    );
    const storages = [...tensorsOf(value).values()].map(({ storage }) => storage);
    expect(storages).toEqual(['0', '0', '0', '1']);
    const bits = new Uint16Array(4);
    expect(tensorsOf(await read([tensor('float16', [4], bits), tensor('bfloat16', [4], bits)])).size).toBe(2);
  });

  it('copies tensors of other files in chunks', async () => {
    const size = 2 ** 25 + 64;
    let most = 0;
    const large = lazyTensor({
      dtype: 'uint8',
      shape: [size],
      readBytes: async (start, length) => {
        most = Math.max(most, length);
        return new Uint8Array(length).fill(start >> 22);
      },
    });
    const small = tensor('float32', [2], Float32Array.of(1, 2));
    const { value } = await openPt(bytesSource(await encodePt({ large, small })));
    expect(most).toBeLessThanOrEqual(1 << 22);
    const tensors = tensorsOf(value);
    expect((await tensors.get('large')!.locate())!.bytes).toBe(size);
    expect((await tensors.get('large')!.readBytes(5 << 22, 2))[1]).toBe(5);
    expect(await tensors.get('small')!.read()).toEqual(small);
  });

  it('has the entries that PyTorch looks for, stored', async () => {
    const { entries } = await openZip(bytesSource(await encodePt({ a: zeros('int8', [3]) })));
    expect([...entries.values()].map(({ name, compression }) => `${name} ${compression}`)).toEqual([
      'archive/data.pkl stored',
      'archive/byteorder stored',
      'archive/data/0 stored',
      'archive/version stored',
    ]);
    expect(new TextDecoder().decode(await entries.get('archive/version')!.read())).toBe('3\n');
    expect(new TextDecoder().decode(await entries.get('archive/byteorder')!.read())).toBe('little');
  });

  it('uses opcodes of protocol 2 only, which torch.load takes with weights_only', async () => {
    const bytes = await encodePt({ value: [1.5, 2 ** 40, 'text', tuple(1, 2, 3, 4), Uint8Array.of(200)] });
    const pickle = await (await openZip(bytesSource(bytes))).entries.get('archive/data.pkl')!.read();
    expect([...pickle.subarray(0, 2)]).toEqual([0x80, 2]);
  });

  it('tells ints from floats where it is told to', async () => {
    const { pickleForTorch } = await import('./pt-pickle-writer.ts');
    expect([...pickleForTorch(1).pickle]).toEqual([0x80, 2, 0x4b, 1, 0x2e]);
    expect([...pickleForTorch(float(1)).pickle]).toEqual([0x80, 2, 0x47, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x2e]);
    expect(Object.is(await read(-0), -0)).toBe(true);
    expect(await read({ left: undefined, kept: 1 })).toEqual(new Map([['kept', 1]]));
  });

  const loop: PtWritable[] = [];
  loop.push(loop);
  it.each<[string, unknown, string]>([
    ['a function', { a: [() => 1] }, 'the value["a"][0] is a function'],
    ['a date', { a: new Date(0) }, 'the value["a"] is a Date'],
    ['undefined in a list', [undefined], 'the value[0] is a undefined'],
    ['a value inside itself', loop, 'contains itself'],
    ['half a surrogate pair', '\ud800', 'no valid Unicode'],
    ['a list as key', new Map([[[1], 1]]), 'neither text, number nor tuple'],
    ['an unknown dtype', torchName('torch.os'), 'no dtype'],
    ['an unknown device', torchName('cpu; rm'), 'no device'],
    ['too deep a value', Array.from({ length: 300 }).reduce<unknown>((inner) => [inner], 1), 'nested more than'],
  ])('does not write %s, and says where it is', (_, value, message) => {
    expect(() => writePt(value as PtWritable)).toThrow(message);
  });

  it('fails when the values of a tensor end early', async () => {
    const short: LazyTensor = {
      ...lazyTensor({ dtype: 'int8', shape: [4], readBytes: async () => new Uint8Array(0) }),
      chunks: async function* () {
        yield new Uint8Array(3);
      },
    };
    await expect(collect(writePt(short))).rejects.toThrow('4 bytes and has 3');
  });
});
