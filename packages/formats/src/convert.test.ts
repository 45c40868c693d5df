import {
  bytesOf,
  dtypes,
  elementBytes,
  elementCount,
  tensor,
  viewAs,
  type DType,
  type Tensor,
} from '@deepearth/core/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesSource, collect } from './bytes.ts';
import { encodeContent, openContent, tensorFormats, type TensorContent, type TensorFormat } from './convert.ts';
import { encodeNpy } from './npy.ts';
import { encodeNpz, openNpz } from './npz.ts';
import { openPt, tensorsOf } from './pt.ts';
import { encodePt } from './pt-writer.ts';
import type { PtWritable } from './pt-pickle-writer.ts';
import { float, tuple, torchSize } from './python-values.ts';
import type { TensorType } from './retype.ts';
import { encodeSafetensors, openSafetensors } from './safetensors.ts';
import { openZip } from './zip.ts';

const open = (bytes: Uint8Array): Promise<TensorContent> => openContent(bytesSource(bytes, 'a'));
async function convert(bytes: Uint8Array, to: TensorFormat, dtype: TensorType = 'same', name?: string) {
  const { chunks, remarks } = encodeContent(await open(bytes), to, { dtype, file: 'a', tensor: name });
  return { bytes: await collect(chunks), remarks };
}
/** Names, types, shapes and values. */
async function tensorsIn(bytes: Uint8Array): Promise<Record<string, Tensor>> {
  const { value } = await open(bytes);
  const all: Record<string, Tensor> = {};
  for (const [name, t] of tensorsOf(value as never)) all[name] = await t.read();
  if (!(value instanceof Map) && Object.keys(all).length === 0)
    all['tensor'] = await (value as never as { read(): Promise<Tensor> }).read();
  else if (value instanceof Map)
    for (const [name, t] of value as Map<string, { read?(): Promise<Tensor> }>) if (t?.read) all[name] = await t.read();
  return all;
}

/** A value with dicts as objects and tensors as their types and shapes. */
function plainTree(value: unknown): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [key as string, plainTree(item)]));
  if (Array.isArray(value)) return value.map(plainTree);
  if (typeof value === 'object' && value !== null && 'readBytes' in value) {
    const { dtype, shape } = value as unknown as Tensor;
    return { dtype, shape };
  }
  return value;
}

const everywhere = dtypes.filter((dtype) => !/bfloat16|float8|complex128/.test(dtype));
const anyTensor = (types: readonly DType[]) =>
  fc
    .record({ dtype: fc.constantFrom(...types), shape: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }) })
    .chain(({ dtype, shape }) => {
      const bytes = elementCount(shape) * elementBytes(dtype);
      return fc
        .uint8Array({ minLength: bytes, maxLength: bytes })
        .map((values): Tensor =>
          tensor(dtype, shape, viewAs(dtype, dtype === 'bool' ? values.map((v) => v & 1) : values)),
        );
    });
const named = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,6}$/).filter((name) => name !== 'metadata'),
  anyTensor(everywhere),
  { minKeys: 1, maxKeys: 4 },
);

describe('files of tensors in other formats', () => {
  it('hold the same names, types, shapes and bytes, along any chain', () =>
    fc.assert(
      fc.asyncProperty(
        named,
        fc.array(fc.constantFrom<TensorFormat>('pt', 'npz', 'safetensors'), { minLength: 1, maxLength: 4 }),
        async (tensors, chain) => {
          let bytes = await encodeSafetensors(tensors);
          for (const to of chain) ({ bytes } = await convert(bytes, to));
          const found = await tensorsIn(bytes);
          expect(Object.keys(found).sort()).toEqual(Object.keys(tensors).sort());
          for (const [name, t] of Object.entries(tensors)) {
            expect([found[name]!.dtype, found[name]!.shape]).toEqual([t.dtype, t.shape]);
            expect(bytesOf(found[name]!)).toEqual(bytesOf(t));
          }
        },
      ),
      { numRuns: 40 },
    ));

  it('come from one array, and become one', async () => {
    const t = tensor('float32', [2, 2], Float32Array.of(1, 2, 3, 4));
    const npy = encodeNpy(t);
    expect((await convert((await convert(npy, 'pt')).bytes, 'npy')).bytes).toEqual(npy);
    expect((await convert((await convert(npy, 'safetensors')).bytes, 'npy')).bytes).toEqual(npy);
    expect((await openPt(bytesSource((await convert(npy, 'pt')).bytes))).value).toMatchObject({ kind: 'tensor' });
  });

  it('keep texts: safetensors, .pt and back', async () => {
    const bytes = await encodeSafetensors(
      { a: tensor('int8', [1], Int8Array.of(1)) },
      { note: 'made "here"', axes: '["x"]' },
    );
    const pt = await convert(bytes, 'pt');
    expect(plainTree((await openPt(bytesSource(pt.bytes))).value)).toMatchObject({
      metadata: { axes: '["x"]', note: 'made "here"' },
    });
    expect((await convert(pt.bytes, 'safetensors')).bytes).toEqual(bytes);
    const npz = await convert(bytes, 'npz');
    expect(npz.remarks).toEqual([expect.stringMatching(/axes, note are left out/)]);
  });

  it('do not take the mark of a file of weights for a weight', async () => {
    const { bytes } = await convert(
      await encodeSafetensors({ w: tensor('int8', [1], Int8Array.of(1)) }, { format: 'pt' }),
      'pt',
    );
    expect([...((await openPt(bytesSource(bytes))).value as Map<string, unknown>).keys()]).toEqual(['w']);
  });

  it('have what stands beside the tensors of a .pt file as texts', async () => {
    const pt = await encodePt({
      features: tensor('float32', [1, 2], Float32Array.of(1, 2)),
      shape: torchSize([1, 2]),
      dtype: 'torch.float32',
      about: { numbers: [1, float(2), NaN, 2n ** 70n], none: null, pair: tuple(true, 'x'), raw: Uint8Array.of(1, 255) },
      layers: [{ weight: tensor('int8', [1], Int8Array.of(3)), name: 'first' }],
    });
    const file = await openSafetensors(bytesSource((await convert(pt, 'safetensors')).bytes));
    expect([...file.tensors.keys()].sort()).toEqual(['features', 'layers.0.weight']);
    expect(Object.fromEntries(file.metadata)).toEqual({
      shape: '[1,2]',
      dtype: 'torch.float32',
      about: '{"numbers":[1,2.0,"NaN",1180591620717411303424],"none":null,"pair":[true,"x"],"raw":"01ff"}',
      'layers.0.name': 'first',
    });
  });

  it('have the same value in a .pt file where nothing changes, floats included', async () => {
    const t = tensor('float32', [2], Float32Array.of(1, 2));
    const pt = await encodePt({
      a: t,
      b: [t, { c: float(3), d: 3, e: tuple(float(0), -0) }],
      f: new Set([1, 'x']),
      g: null,
    });
    const again = (await convert(pt, 'pt')).bytes;
    const shown = async (bytes: Uint8Array) =>
      plainTree((await openPt(bytesSource(bytes), undefined, { keepFloats: true })).value);
    expect(await shown(again)).toEqual(await shown(pt));
    expect(await shown(again)).toMatchObject({ b: [{}, { c: float(3), d: 3 }] });
    expect((await convert(again, 'pt')).bytes).toEqual(again);
  });

  it('keep tensors that are the same view of the same values once', async () => {
    const t = tensor('float32', [64], new Float32Array(64).fill(2));
    const pt = await encodePt(
      new Map<string, PtWritable>([
        ['a', t],
        ['b', { ...t }],
      ]),
    );
    for (const dtype of ['same', 'float16'] as const) {
      const zip = await openZip(bytesSource((await convert(pt, 'pt', dtype)).bytes));
      expect([...zip.entries.keys()].filter((name) => name.includes('/data/'))).toEqual(['archive/data/0']);
    }
  });

  it.each(tensorFormats.filter((to) => to !== 'npy'))(
    'in eight bits have scales beside them, and become floats again (%s)',
    async (to) => {
      const t = tensor('float32', [2, 3], Float32Array.of(1, -2, 3, 0.1, 0.2, -0.4));
      const count = tensor('int64', [1], BigInt64Array.of(7n));
      const { bytes } = await convert(await encodePt({ t, count }), to, 'int8');
      const found = await tensorsIn(bytes);
      expect(Object.keys(found).sort()).toEqual(['count', 't', 't.scale']);
      expect(found['t']).toMatchObject({ dtype: 'int8', shape: [2, 3] });
      expect(found['t.scale']).toMatchObject({ dtype: 'float32', shape: [2, 1] });
      // Again in eight bits, nothing changes.
      expect(await tensorsIn((await convert(bytes, to, 'int8')).bytes)).toEqual(found);
      for (const dtype of ['float32', 'float16'] as const) {
        const back = await tensorsIn((await convert(bytes, 'safetensors', dtype)).bytes);
        expect(Object.keys(back).sort()).toEqual(['count', 't']);
        expect(back['t']).toMatchObject({ dtype, shape: [2, 3] });
      }
      const { t: back } = await tensorsIn((await convert(bytes, 'npz', 'float32')).bytes);
      for (const [i, value] of t.data.entries()) expect(back!.data[i]).toBeCloseTo(value, 1);
    },
  );

  it('say the new type where the extractor says the old one', async () => {
    const pt = await encodePt({ features: tensor('float32', [1], Float32Array.of(1)), dtype: 'torch.float32' });
    const dtypeOf = async (dtype: TensorType) =>
      ((await openPt(bytesSource((await convert(pt, 'pt', dtype)).bytes))).value as Map<string, unknown>).get('dtype');
    expect(await Promise.all((['same', 'float16', 'int8'] as const).map(dtypeOf))).toEqual([
      'torch.float32',
      'torch.float16',
      'torch.int8',
    ]);
  });

  it('say which floats have no place for scales', async () => {
    const t = tensor('float32', [1], Float32Array.of(1));
    const { remarks, bytes } = await convert(await encodePt({ list: [t], a: t, 'a.scale': 1 }), 'pt', 'int8');
    expect(remarks).toEqual([expect.stringMatching(/^list\.0, a stay/)]);
    expect(Object.keys(await tensorsIn(bytes))).toContain('a');
    expect((await convert(encodeNpy(t), 'pt', 'int8')).bytes).toEqual(
      (await convert(await encodePt(t), 'pt', 'int8')).bytes,
    );
  });

  it('hold one tensor where one is named', async () => {
    const pt = await encodePt({
      a: tensor('int8', [1], Int8Array.of(1)),
      b: { c: tensor('int8', [2], Int8Array.of(2, 3)) },
    });
    expect((await convert(pt, 'npy', 'same', 'b.c')).bytes).toEqual(encodeNpy(tensor('int8', [2], Int8Array.of(2, 3))));
    await expect(convert(pt, 'npy', 'same', 'b')).rejects.toMatchObject({
      code: 'E_TENSOR_MISSING',
      message: expect.stringContaining('a, b.c') as string,
    });
    await expect(convert(pt, 'npy')).rejects.toMatchObject({ code: 'E_TENSOR_UNNAMED' });
    await expect(convert(await encodePt({}), 'npy')).rejects.toMatchObject({ code: 'E_NO_TENSORS' });
  });

  it('have names in a .npz file that an archive may have', async () => {
    const t = tensor('int8', [1], Int8Array.of(1));
    const { bytes, remarks } = await convert(
      await encodePt({ '/photos/a.jpg': { features: t }, '..\\x': t, '': t }),
      'npz',
    );
    expect([...(await openNpz(bytesSource(bytes))).keys()]).toEqual(['photos/a.jpg.features', '_/x', 'tensor']);
    expect(remarks).toHaveLength(1);
    await expect(convert(await encodePt({ '/a': t, a: t }), 'npz')).rejects.toMatchObject({ code: 'E_NOT_HELD' });
  });

  it('refuse what the format does not have, before anything is written', async () => {
    const pt = await encodePt({
      b: tensor('bfloat16', [1], Uint16Array.of(0x3f80)),
      c: tensor('complex128', [1], Float64Array.of(1, 2)),
    });
    await expect(convert(pt, 'npz')).rejects.toMatchObject({
      code: 'E_NOT_HELD',
      message: expect.stringContaining('"b" is bfloat16') as string,
    });
    await expect(convert(pt, 'safetensors')).rejects.toMatchObject({
      code: 'E_NOT_HELD',
      message: expect.stringContaining('"c" is complex128') as string,
    });
    await expect(convert(encodeNpy(tensor('float32', [1], Float32Array.of(1))), 'npy', 'int8')).rejects.toMatchObject({
      code: 'E_NOT_HELD',
    });
    const sd = await encodeNpz({ x: tensor('int8', [1], Int8Array.of(1)) });
    await expect(convert(sd, 'npy', 'same', 'y')).rejects.toMatchObject({ code: 'E_TENSOR_MISSING' });
  });

  it('refuse a value that its type does not hold, by name', async () => {
    const pt = await encodePt({ window: { features: tensor('float32', [1], Float32Array.of(NaN)) } });
    await expect(convert(pt, 'pt', 'int8')).rejects.toMatchObject({
      code: 'E_VALUE_RANGE',
      message: expect.stringContaining('"window.features"') as string,
    });
  });
});
