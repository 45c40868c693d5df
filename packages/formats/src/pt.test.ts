import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '@deepearth/core/errors';
import { bytesOf, tensor, zeros } from '@deepearth/core/tensor';
import { bytesSource, collect, concat, type ByteSource } from './bytes.ts';
import { openFile } from './file-source-node.ts';
import { inspectFile, inspectionJson } from './inspect.ts';
import { readRows, type LazyTensor } from './lazy-tensor.ts';
import { numpyGlobals } from './numpy-values.ts';
import { findIn, PickleRefusal } from './pickle-context.ts';
import { checkGraph } from './pickle-graph.ts';
import { parsePickle } from './pickle.ts';
import { openPt, tensorsOf, unreadIn, valueAt } from './pt.ts';
import { encodePt } from './pt-writer.ts';
import { tuple } from './python-values.ts';
import { pythonGlobals, torchGlobals } from './torch-globals.ts';
import { readTensorFile } from './tensor-file-node.ts';
import { openZip } from './zip.ts';
import { writeZip, zipBytes } from './zip-writer.ts';

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
const reference = new URL('../../../../shared/reference/pt/', import.meta.url);
const expected = existsSync(reference)
  ? (JSON.parse(readFileSync(new URL('expected.json', reference), 'utf8')) as {
      files: Record<string, { holds?: unknown }>;
      hostile: Record<string, { must: string }>;
    })
  : undefined;

describe.skipIf(!expected)('reference .pt files (skipped where ../shared/reference is absent)', () => {
  it.each(Object.entries(expected?.files ?? {}))('reads %s', async (name, { holds }) => {
    const source = await openFile(new URL(name, reference).pathname);
    try {
      if (name === 'sparse.pt')
        return expect(JSON.stringify((await inspectFile(source)).holds)).toContain('a sparse tensor');
      const found = await inspectFile(source, { digest: true });
      expect(JSON.parse(inspectionJson(found.holds))).toEqual(
        holds ?? { f8: expect.objectContaining({ dtype: 'torch.float8_e4m3fn', shape: [4] }) },
      );
    } finally {
      await source.close();
    }
  });

  it.each(Object.entries(expected?.hostile ?? {}))(
    'refuses %s by its reason, or does as its description allows',
    async (name, { must }) => {
      const source = await openFile(new URL(name, reference).pathname);
      try {
        const answer: unknown = await inspectFile(source, { digest: true }).catch((error: unknown) => error);
        if (must === 'refuse or ignore' && !(answer instanceof Error)) expect(answer).toMatchObject({ holds: {} });
        else expect(answer).toBeInstanceOf(InputError);
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      } finally {
        await source.close();
      }
    },
  );
});

describe('.pt', () => {
  it('reads what PyTorch wrote: tensors of every kind, views, parameters, NumPy arrays, plain values', async () => {
    const { value, format } = await openPt(bytesSource(fixture('torch.pt'), 'torch.pt'));
    const read = async (...path: string[]): Promise<unknown> => (valueAt(value, ...path) as LazyTensor).read();
    const counted = Float32Array.from({ length: 12 }, (_, i) => i);
    expect(format).toBe('zip');
    expect(await read('base')).toEqual(tensor('float32', [3, 4], counted));
    expect(await read('transposed')).toEqual(
      tensor('float32', [4, 3], Float32Array.of(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11)),
    );
    expect(await read('corner')).toEqual(tensor('float32', [2, 2], Float32Array.of(6, 7, 10, 11)));
    expect(await read('expanded')).toEqual(tensor('float32', [2, 3], Float32Array.of(1.5, 1.5, 1.5, 2.5, 2.5, 2.5)));
    expect(await read('half')).toEqual(tensor('float16', [2], Uint16Array.of(0x3c00, 0xb800)));
    expect(await read('brain')).toEqual(tensor('bfloat16', [2], Uint16Array.of(0x3f80, 0xbf00)));
    expect(await read('small')).toEqual(tensor('float8_e5m2', [2], Uint8Array.of(0x3c, 0xb8)));
    expect(await read('large')).toEqual(tensor('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)));
    expect(await read('unsigned')).toEqual(tensor('uint16', [1], Uint16Array.of(65535)));
    expect(await read('scalar')).toEqual(tensor('float64', [], Float64Array.of(3.25)));
    expect(await read('empty')).toEqual(zeros('float32', [0, 5]));
    expect(await read('array')).toEqual(tensor('int16', [2, 3], Int16Array.of(0, 1, 2, 3, 4, 5)));
    expect(valueAt(value, 'number')).toEqual({ kind: 'numpy-scalar', dtype: 'float32', value: 0.5 });
    expect(valueAt(value, 'module', 'weight')).toMatchObject({ kind: 'tensor', parameter: true, shape: [2] });
    expect(valueAt(value, 'plain')).toEqual(
      new Map<unknown, unknown>([
        ['text', 'ü'],
        ['int', 2n ** 70n],
        ['float', 1.5],
        ['none', null],
        ['tuple', tuple(1, 'a')],
        ['set', new Set([7])],
        ['bytes', Uint8Array.of(0, 255)],
        ['__proto__', 1],
        [3, { kind: 'size', items: [2, 3] }],
      ]),
    );
    expect([...tensorsOf(value).keys()]).toEqual([
      'base',
      'transposed',
      'corner',
      'expanded',
      'half',
      'brain',
      'small',
      'large',
      'unsigned',
      'scalar',
      'empty',
      'module.weight',
    ]);
  });

  it('reads the format before ZIP', async () => {
    const bytes = fixture('torch_legacy.pt');
    const { value, format } = await openPt(bytesSource(bytes));
    const tensors = tensorsOf(value);
    expect(format).toBe('legacy');
    expect((await tensors.get('transposed')!.read()).data).toEqual(
      Float32Array.of(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11),
    );
    const { offset, bytes: length } = (await tensors.get('half')!.locate())!;
    expect(bytes.subarray(offset, offset + length)).toEqual(Uint8Array.of(0x00, 0x3c, 0x00, 0xb8));
    expect(await tensors.get('transposed')!.locate()).toBeUndefined();
  });

  it('says where a tensor lies in the file, and whose values it shares', async () => {
    const bytes = fixture('torch.pt');
    const tensors = tensorsOf((await openPt(bytesSource(bytes))).value);
    const base = tensors.get('base')!;
    const { offset, bytes: length } = (await base.locate())!;
    expect([offset % 64, length]).toEqual([0, 48]);
    expect(bytes.subarray(offset, offset + length)).toEqual(bytesOf(await base.read()));
    expect(await tensors.get('corner')!.locate()).toBeUndefined();
    expect(tensors.get('corner')!.storage).toBe(base.storage);
    expect(tensors.get('half')!.storage).not.toBe(base.storage);
  });

  it('opens by the directory and the pickle alone, however large the tensors are', async () => {
    const size = 2 ** 20;
    const bytes = await encodePt({ a: zeros('float32', [size]), b: { c: zeros('float16', [size]) } });
    const inner = bytesSource(bytes);
    let asked = 0;
    const source: ByteSource = {
      ...inner,
      read: async (offset, length) => ((asked += length), inner.read(offset, length)),
    };
    const { value } = await openPt(source);
    expect(asked).toBeLessThan(150_000);
    await tensorsOf(value).get('a')!.locate();
    expect(asked).toBeLessThan(150_000);
    await readRows(tensorsOf(value).get('b.c')!, 5, 7);
    expect(asked).toBeLessThan(150_000);
  });

  it.each(['torch_kinds.pt', 'torch_kinds_legacy.pt'])(
    'turns signs of conjugated and negated views round, and names what it does not read: %s',
    async (name) => {
      const { value } = await openPt(bytesSource(fixture(name), name));
      const read = async (key: string): Promise<unknown> => {
        const t = valueAt(value, 'deep', 0, key) as LazyTensor;
        expect(await t.locate()).toBeUndefined();
        // In parts that begin and end inside of a value, too.
        const parts: Uint8Array[] = [];
        for (let at = 0; at < t.bytes; at += 5) parts.push(await t.readBytes(at, Math.min(5, t.bytes - at)));
        const { data } = await t.read();
        expect(concat(parts)).toEqual(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        return data;
      };
      // As `resolve_conj().resolve_neg()` of PyTorch has them.
      expect(await read('conj')).toEqual(Float32Array.of(1, -3, -2, -4, 0, 5));
      expect(await read('both')).toEqual(Float32Array.of(-1, 3, 2, 4, -0, -5));
      expect(await read('imaginary')).toEqual(Float32Array.of(-3, -4, 5));
      expect(await read('neg')).toEqual(Float64Array.from({ length: 12 }, (_, i) => -i));
      const whole = name === 'torch_kinds.pt';
      if (whole)
        expect((await (valueAt(value, 'module', 'weight') as LazyTensor).read()).data).toEqual(
          Float32Array.of(1, -3, -2, -4, 0, 5),
        );
      expect(await (valueAt(value, 'tokens') as LazyTensor).read()).toMatchObject({ shape: [3, 4] });
      expect(Object.fromEntries([...unreadIn(value)].map(([key, { what }]) => [key, what]))).toEqual({
        ...(whole && {
          e8m0: 'a tensor of torch.float8_e8m0fnu',
          channels: 'a quantized tensor (torch._utils._rebuild_qtensor)',
          rows: 'a sparse tensor (torch._utils._rebuild_sparse_tensor)',
          nested: 'a nested tensor (torch._utils._rebuild_nested_tensor)',
        }),
        quantized: 'a quantized tensor (torch._utils._rebuild_qtensor)',
        sparse: 'a sparse tensor (torch._utils._rebuild_sparse_tensor)',
        meta: 'a tensor without values (torch._utils._rebuild_meta_tensor_no_storage)',
      });
    },
  );

  it('names a tensor that is not read when it is asked for', async () => {
    const file = await readTensorFile(new URL('../fixtures/torch_sparse.pt', import.meta.url).pathname);
    try {
      expect(file.tensor().shape).toEqual([3, 4]);
      expect(() => file.tensor('sparse')).toThrow(
        'torch_sparse.pt: tensor "sparse" is a sparse tensor (torch._utils._rebuild_sparse_tensor), which is not read.',
      );
    } finally {
      await file.close();
    }
  });

  it.each(['torch.pt', 'torch_legacy.pt'])(
    'reads or refuses whatever becomes of %s, and never fails otherwise',
    async (name) => {
      const good = fixture(name);
      const change = fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }));
      await fc.assert(
        fc.asyncProperty(
          fc.array(change, { minLength: 1, maxLength: 6 }),
          fc.option(fc.nat({ max: good.length })),
          async (changes, cut) => {
            const bytes = good.slice(0, cut ?? good.length);
            for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
            let asked = 0;
            const inner = bytesSource(bytes);
            const source: ByteSource = {
              ...inner,
              read: async (offset, length) => ((asked = Math.max(asked, length)), inner.read(offset, length)),
            };
            try {
              await inspectFile(source, { digest: true });
            } catch (error) {
              expect(error).toBeInstanceOf(InputError);
            }
            expect(asked).toBeLessThanOrEqual(good.length);
          },
        ),
        { numRuns: 1000 },
      );
    },
  );

  it('reads or refuses any pickle in a sound archive, whole', async () => {
    const { entries } = await openZip(bytesSource(fixture('torch.pt')));
    const all = await Promise.all(
      [...entries.values()].map(async (entry) => ({ name: entry.name, bytes: await entry.read() })),
    );
    const good = all.find(({ name }) => name.endsWith('data.pkl'))!.bytes;
    await fc.assert(
      fc.asyncProperty(anyDamage(good), async (pickle) => {
        const archive = await collect(
          writeZip(
            all.map(({ name, bytes }) => zipBytes(name, name.endsWith('data.pkl') ? pickle : bytes)),
            { alignment: 64 },
          ),
        );
        try {
          await inspectFile(bytesSource(archive), { digest: true });
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 700 },
    );
  });

  it('reads or refuses any pickle', async () => {
    const good = await (await openZip(bytesSource(fixture('torch.pt')))).entries.get('torch/data.pkl')!.read();
    const storage = {
      kind: 'storage',
      key: '0',
      bytes: 48,
      dtype: 'float32',
      swapBytes: () => 1,
      open: async () => ({ source: bytesSource(new Uint8Array(48)) }),
    };
    const context = { find: findIn([pythonGlobals, torchGlobals(1000), numpyGlobals]), persistent: () => storage };
    fc.assert(
      fc.property(anyDamage(good), (pickle) => {
        try {
          checkGraph(parsePickle(pickle, context).value, pickle.byteLength);
        } catch (error) {
          expect(error).toBeInstanceOf(PickleRefusal);
        }
      }),
      { numRuns: 4000 },
    );
  });
});

const opcodes = [...'().0125ABCGJKMNQRTUX]abcehjqrstu}']
  .map((c) => c.charCodeAt(0))
  .concat([0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8f, 0x90, 0x91, 0x93, 0x94, 0x95, 0x96]);

/** A pickle in which a few bytes are others, missing or twice. */
function anyDamage(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(
    fc.nat({ max: good.length - 1 }),
    fc.oneof(fc.constantFrom(...opcodes), fc.nat({ max: 255 })),
    fc.constantFrom('set', 'set', 'set', 'insert', 'remove', 'copy'),
    fc.nat({ max: 60 }),
  );
  return fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
    let bytes = [...good];
    for (const [at, value, how, length] of changes) {
      if (how === 'set') bytes[at] = value;
      else if (how === 'insert') bytes.splice(at, 0, value);
      else if (how === 'remove') bytes.splice(at, length);
      else bytes = [...bytes.slice(0, at + length), ...bytes.slice(at)];
    }
    return Uint8Array.from(bytes);
  });
}
