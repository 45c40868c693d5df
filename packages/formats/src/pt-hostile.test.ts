import { describe, expect, it } from 'vitest';
import { InputError } from '@deepearth/core/errors';
import { bytesSource, collect, concat } from './bytes.ts';
import { inspectFile } from './inspect.ts';
import { writeZip, zipBytes, type ZipInput } from './zip-writer.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const str = (value: string): Uint8Array =>
  concat([Uint8Array.of(0x58, value.length & 255, value.length >> 8, 0, 0), text(value)]);
const int = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(18);
  bytes.set([0x8a, 16]);
  new DataView(bytes.buffer).setBigInt64(2, BigInt.asIntN(64, value), true);
  new DataView(bytes.buffer).setBigInt64(10, value >> 64n, true);
  return bytes;
};
const name = (module: string, item: string): Uint8Array => text(`c${module}\n${item}\n`);
const wrap = (open: string, parts: Uint8Array[], close: string): Uint8Array =>
  concat([text(open), ...parts, text(close)]);
const ints = (values: readonly bigint[]): Uint8Array => wrap('(', values.map(int), 't');

interface Parts {
  shape?: bigint[];
  stride?: bigint[];
  offset?: bigint;
  type?: [string, string];
  key?: string;
  count?: bigint;
  /** The last argument: values by name. */
  metadata?: Uint8Array;
}
/** A tensor as PyTorch pickles it, with any numbers. */
const tensor = ({
  shape = [2n, 2n],
  stride = [2n, 1n],
  offset = 0n,
  type = ['torch', 'FloatStorage'],
  key = '0',
  count = 4n,
  metadata,
}: Parts = {}): Uint8Array =>
  concat([
    name('torch._utils', '_rebuild_tensor_v2'),
    wrap(
      '(',
      [
        wrap('(', [str('storage'), name(...type), str(key), str('cpu'), int(count)], 'tQ'),
        int(offset),
        ints(shape),
        ints(stride),
        Uint8Array.of(0x89),
        name('collections', 'OrderedDict'),
        text(')R'),
        ...(metadata ? [metadata] : []),
      ],
      'tR',
    ),
  ]);
const pickle = (...parts: Uint8Array[]): Uint8Array => concat([Uint8Array.of(0x80, 2), ...parts, text('.')]);
const archive = (
  content: Uint8Array,
  more: ZipInput[] = [zipBytes('a/data/0', new Uint8Array(16))],
  byteorder = 'little',
  version = '3\n',
): Promise<Uint8Array> =>
  collect(
    writeZip([
      zipBytes('a/data.pkl', content),
      zipBytes('a/byteorder', text(byteorder)),
      ...more,
      zipBytes('a/version', text(version)),
    ]),
  );
const inspect = async (bytes: Uint8Array): Promise<unknown> =>
  (await inspectFile(bytesSource(bytes, 'test.pt'), { digest: true })).holds;

describe('a hand-made .pt file', () => {
  it('reads when it is sound', async () => {
    expect(await inspect(await archive(pickle(tensor())))).toMatchObject({
      tensor: true,
      dtype: 'float32',
      shape: [2, 2],
      first: [0, 0, 0, 0],
    });
    expect(await inspect(await archive(pickle(tensor({ shape: [3n], stride: [0n], offset: 3n }))))).toMatchObject({
      shape: [3],
      stride: [0],
      storage_offset: 3,
    });
    expect(
      await inspect(await archive(pickle(tensor({ shape: [0n, 2n ** 40n], stride: [9n, 9n], offset: 7n })))),
    ).toMatchObject({
      shape: [0, 2 ** 40],
      first: [],
    });
  });

  it.each<[string, Parts, string]>([
    ['a shape of 2^60 elements', { shape: [2n ** 40n, 2n ** 20n], stride: [2n ** 20n, 1n] }, 'more than any memory'],
    [
      'a shape whose product is 2^64',
      { shape: [2n ** 32n, 2n ** 32n], stride: [2n ** 32n, 1n] },
      'more than any memory',
    ],
    ['a size beyond 2^64', { shape: [2n ** 70n], stride: [1n] }, 'whole numbers'],
    ['an expanded value of 256 GiB', { shape: [2n ** 36n], stride: [0n] }, 'repeats values'],
    [
      'an empty tensor of impossible size',
      { shape: [0n, 2n ** 50n, 2n ** 50n], stride: [0n, 0n, 0n] },
      'more than any memory',
    ],
    ['an offset outside', { offset: 1n }, 'needs 5 elements'],
    ['a negative offset', { offset: -1n }, 'offset -1'],
    ['a stride outside', { stride: [3n, 1n] }, 'needs 5 elements'],
    ['a negative stride', { stride: [-2n, 1n], offset: 2n }, 'whole numbers'],
    ['a negative size', { shape: [-2n, 2n] }, 'whole numbers'],
    ['a stride for other axes', { stride: [1n] }, 'different length'],
    ['100 axes', { shape: Array<bigint>(100).fill(1n), stride: Array<bigint>(100).fill(1n) }, '100 axes'],
    ['a storage of 2^50 floats', { count: 2n ** 50n }, 'should have'],
    ['a storage of 2^62 floats', { count: 2n ** 62n }, 'a storage of'],
    ['a storage of negative size', { count: -4n }, 'a storage of -4'],
    ['a storage of another size', { count: 5n }, 'should have 20 bytes and has 16'],
    ['a storage that is not there', { key: '9' }, 'not in the archive'],
    ['a storage outside of the archive', { key: '../../etc/passwd' }, 'not in the archive'],
    ['a storage that is the pickle', { key: '../data.pkl' }, 'not in the archive'],
    ['an unknown storage class', { type: ['torch', 'PwnStorage'] }, 'torch.PwnStorage'],
    ['a storage class that is a dtype', { type: ['torch', 'float32'] }, 'no known type'],
    ['a storage of bytes without a type', { type: ['torch.storage', 'UntypedStorage'], count: 16n }, 'no element type'],
  ])('refuses %s', async (_, parts, message) => {
    const bytes = await archive(pickle(tensor(parts)));
    await expect(inspect(bytes)).rejects.toThrow(InputError);
    await expect(inspect(bytes)).rejects.toThrow(message);
  });

  const metadata = (key: string, value = 0x88): Uint8Array => wrap('}', [str(key), Uint8Array.of(value)], 's');
  it.each<[string, Parts, string]>([
    ['metadata of another kind', { metadata: metadata('lazy') }, 'a tensor with the metadata "lazy"'],
    ['a conj bit that is no bit', { metadata: metadata('conj', 0x5d) }, 'a tensor with the metadata "conj"'],
    [
      'a negated view of whole numbers',
      { type: ['torch', 'IntStorage'], metadata: metadata('neg') },
      'a negated view of torch.int32',
    ],
    ['quantized values', { type: ['torch', 'QInt32Storage'] }, 'a tensor of torch.qint32'],
  ])('names what it does not read, beside what it does: %s', async (_, parts, what) => {
    const both = wrap('(', [tensor({ key: '1' }), tensor(parts)], 't');
    const files = [zipBytes('a/data/0', new Uint8Array(16)), zipBytes('a/data/1', new Uint8Array(16))];
    expect(await inspect(await archive(pickle(both), files))).toMatchObject({
      tuple: [{ shape: [2, 2] }, { unread: what }],
    });
  });
  it('reads on where metadata says that nothing is turned round', async () => {
    const bytes = await archive(pickle(tensor({ metadata: metadata('conj', 0x89) })));
    expect(await inspect(bytes)).toMatchObject({ tensor: true });
    const list = await archive(pickle(tensor({ metadata: text(']') })));
    await expect(inspect(list)).rejects.toThrow('metadata is no dict');
  });
  it('takes values that a device without storages left beside their type', async () => {
    const rebuilt = (dtype: string): Uint8Array =>
      concat([
        name('torch._utils', '_rebuild_device_tensor_from_cpu_tensor'),
        wrap('(', [tensor(), name('torch', dtype), str('xla:0'), Uint8Array.of(0x89)], 'tR'),
      ]);
    expect(await inspect(await archive(pickle(rebuilt('float32'))))).toMatchObject({ tensor: true, shape: [2, 2] });
    expect(await inspect(await archive(pickle(rebuilt('uint3'))))).toEqual({
      unread: 'a tensor of torch.uint3 kept as float32',
    });
  });

  it.each<[string, Promise<Uint8Array>, string]>([
    [
      'one storage under two types',
      archive(pickle(wrap('(', [tensor(), tensor({ type: ['torch', 'IntStorage'] })], 't'))),
      'twice, with different types',
    ],
    ['an unknown byte order', archive(pickle(tensor()), undefined, 'middle'), 'byte order is "middle"'],
    ['an unknown version', archive(pickle(tensor()), undefined, 'little', '99'), 'version "99"'],
    [
      'TorchScript',
      archive(pickle(tensor()), [
        zipBytes('a/constants.pkl', pickle(tensor())),
        zipBytes('a/data/0', new Uint8Array(16)),
      ]),
      'TorchScript',
    ],
    ['two pickles', archive(pickle(tensor()), [zipBytes('b/data.pkl', pickle(tensor()))]), 'several pickles'],
    ['no pickle', collect(writeZip([zipBytes('a/version', text('3\n'))])), 'no data.pkl'],
    [
      'a storage that inflates beyond reason',
      archive(pickle(tensor({ type: ['torch', 'ByteStorage'], count: 2n ** 27n })), [
        zipBytes('a/data/0', new Uint8Array(2 ** 27), 'deflated'),
      ]),
      'would inflate',
    ],
    [
      'an entry that the directory calls otherwise than its own header: byteorder would be missing',
      archive(pickle(tensor()), undefined, 'big').then((bytes) => {
        const copy = bytes.slice();
        copy[new TextDecoder('latin1').decode(copy).lastIndexOf('byteorder')]! ^= 1;
        return copy;
      }),
      'has another name in its own header',
    ],
    ['a plain pickle', Promise.resolve(pickle(str('hello'))), 'not one of torch.save'],
    [
      'a legacy file that ends in its pickle',
      Promise.resolve(concat([pickle(int(0x1950a86a20f9469cfc6cn)), pickle(int(1001n))])),
      'no STOP',
    ],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(inspect(await bytes)).rejects.toThrow(InputError);
    await expect(inspect(await bytes)).rejects.toThrow(message);
  });

  const legacy = (...rest: Uint8Array[]): Uint8Array =>
    concat([
      pickle(int(0x1950a86a20f9469cfc6cn)),
      pickle(int(1001n)),
      pickle(wrap('}', [str('little_endian'), Uint8Array.of(0x88)], 's')),
      ...rest,
    ]);
  const keys = (...names: string[]): Uint8Array => pickle(wrap('](', names.map(str), 'e'));
  const values = (count: number): Uint8Array =>
    concat([new Uint8Array(BigUint64Array.of(BigInt(count)).buffer), new Uint8Array(count * 4)]);
  it('reads in the format before ZIP when it is sound', async () => {
    expect(await inspect(legacy(pickle(tensor()), keys('0'), values(4)))).toMatchObject({
      shape: [2, 2],
      first: [0, 0, 0, 0],
    });
  });
  it.each<[string, Uint8Array, string]>([
    [
      'a storage that is cut',
      legacy(pickle(tensor()), keys('0'), values(4).subarray(0, 20)),
      'cut short in storage "0"',
    ],
    ['no storages', legacy(pickle(tensor()), keys()), 'storage "0" is not in the file'],
    ['no size', legacy(pickle(tensor()), keys('0')), 'cut short before storage "0"'],
    ['another size', legacy(pickle(tensor()), keys('0'), values(5)), 'should have 4 elements and has 5'],
    ['a storage twice', legacy(pickle(tensor()), keys('0', '0'), values(4), values(4)), 'twice'],
    ['a storage that no tensor uses', legacy(pickle(tensor()), keys('0', 'x'), values(4)), 'no tensor uses'],
    ['a huge storage', legacy(pickle(tensor({ count: 2n ** 40n })), keys('0'), values(4)), 'elements and has 4'],
    ['code', legacy(pickle(name('os', 'system'), str('true'), Uint8Array.of(0x85), text('R')), keys()), 'os.system'],
    ['code in the list of keys', legacy(pickle(tensor()), pickle(name('os', 'system')), values(4)), 'os.system'],
  ])('refuses in the format before ZIP %s', async (_, bytes, message) => {
    await expect(inspect(bytes)).rejects.toThrow(InputError);
    await expect(inspect(bytes)).rejects.toThrow(message);
  });
});
