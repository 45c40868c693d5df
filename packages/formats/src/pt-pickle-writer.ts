// Pickles a value for torch.save's format: protocol 2, which torch.load reads with weights_only, the same value always
// as the same bytes.

import { elementBytes, type DType, type Tensor } from '@deepearth/core/tensor';
import { concat } from './bytes.ts';
import type { LazyTensor } from './lazy-tensor.ts';
import { isKind, type PyComplex, type PyFloat, type PyTuple, type TorchName, type TorchSize } from './python-values.ts';
import { contiguousStride } from './strided.ts';
import { storageNames, torchDtypes, torchValues } from './torch-types.ts';

/**
 * What can be written. A whole number becomes an int (`float(1)` says otherwise), an array a list, a `Map` or a plain
 * object a dict, a `Set` a set, a `Uint8Array` bytes; tensors may lie in memory or in other files.
 */
export type PtWritable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PtWritable[]
  | ReadonlyMap<PtWritable, PtWritable>
  | ReadonlySet<PtWritable>
  | PyTuple
  | PyComplex
  | PyFloat
  | TorchSize
  | TorchName
  | Tensor
  | LazyTensor
  | { readonly [key: string]: PtWritable | undefined };

/** Values of one storage, in the order of their keys. */
export interface StorageToWrite {
  readonly tensor: Tensor | LazyTensor;
  readonly bytes: number;
}

export interface PickledValue {
  readonly pickle: Uint8Array;
  readonly storages: readonly StorageToWrite[];
}

const deepest = 256;

/** Whether an object is a tensor, in memory or in a file. */
export const isTensor = (value: object): value is Tensor | LazyTensor =>
  'dtype' in value && 'shape' in value && ('data' in value || 'readBytes' in value);

/**
 * Pickles a value. Throws a `TypeError` that gives the path of what cannot be written (a function, a date, a value
 * inside itself).
 */
export function pickleForTorch(value: PtWritable): PickledValue {
  const parts: Uint8Array[] = [Uint8Array.of(0x80, 2)];
  const memo = new Map<unknown, number>();
  const storages: StorageToWrite[] = [];
  const storageKeys = new Map<unknown, { readonly key: string; readonly dtype: DType; readonly bytes: number }>();
  const encoder = new TextEncoder();

  const code = (...bytes: number[]): void => void parts.push(Uint8Array.from(bytes));
  const word = (opcode: number, n: number): void => {
    const bytes = new Uint8Array(5);
    bytes[0] = opcode;
    new DataView(bytes.buffer).setUint32(1, n, true);
    parts.push(bytes);
  };
  /** Writes something once and refers to it from then on. */
  const once = (key: unknown, write: () => void): void => {
    const known = memo.get(key);
    if (known !== undefined) return known < 256 ? code(0x68, known) : word(0x6a, known);
    write();
    const index = memo.size;
    memo.set(key, index);
    if (index < 256) code(0x71, index);
    else word(0x72, index);
  };
  const name = (module: string, item: string): void =>
    once(`c${module}\n${item}`, () => parts.push(encoder.encode(`c${module}\n${item}\n`)));
  const text = (value_: string, path: string): void => {
    if (/\p{Surrogate}/u.test(value_)) throw new TypeError(`${path} is text that is no valid Unicode`);
    once(`s${value_}`, () => {
      const bytes = encoder.encode(value_);
      word(0x58, bytes.byteLength);
      parts.push(bytes);
    });
  };
  const float = (n: number): void => {
    const bytes = new Uint8Array(9);
    bytes[0] = 0x47;
    new DataView(bytes.buffer).setFloat64(1, n, false);
    parts.push(bytes);
  };
  const integer = (n: bigint): void => {
    if (n >= 0n && n < 256n) code(0x4b, Number(n));
    else if (n >= 0n && n < 65536n) code(0x4d, Number(n) & 255, Number(n) >> 8);
    else if (n >= -(2n ** 31n) && n < 2n ** 31n) word(0x4a, Number(n) >>> 0);
    else {
      let length = 1;
      while (BigInt.asIntN(length * 8, n) !== n) length++;
      if (length > 255) throw new TypeError(`an int of ${length} bytes`);
      code(0x8a, length, ...Array.from({ length }, (_, i) => Number(BigInt.asUintN(8, n >> BigInt(8 * i)))));
    }
  };
  const tuple = (items: readonly (() => void)[]): void => {
    if (items.length > 3) code(0x28);
    for (const item of items) item();
    code([0x29, 0x85, 0x86, 0x87][items.length] ?? 0x74);
  };
  const call = (module: string, item: string, args: readonly (() => void)[]): void => {
    name(module, item);
    tuple(args);
    code(0x52);
  };
  const ints = (values: readonly number[]): void => tuple(values.map((n) => () => integer(BigInt(n))));

  const tensor = (t: Tensor | LazyTensor): void => {
    if (!torchDtypes.has(t.dtype)) throw new TypeError(`PyTorch has no ${t.dtype}`);
    const classic = storageNames.get(t.dtype);
    const count = t.shape.reduce((n, size) => n * size, 1);
    const bytes = count * elementBytes(t.dtype);
    // Tensors over one array share their storage, as they do in PyTorch.
    const shared = 'data' in t ? t.data : t;
    const known = storageKeys.get(shared);
    const key = known?.dtype === t.dtype && known.bytes === bytes ? known.key : String(storages.length);
    if (key !== known?.key) {
      storageKeys.set(shared, { key, dtype: t.dtype, bytes });
      storages.push({ tensor: t, bytes });
    }
    const storage = (): void => {
      tuple([
        () => text('storage', 'storage'),
        () => (classic ? name('torch', classic) : name('torch.storage', 'UntypedStorage')),
        () => text(key, 'key'),
        () => text('cpu', 'device'),
        () => integer(BigInt(classic ? count : bytes)),
      ]);
      code(0x51);
    };
    const hooks = (): void => call('collections', 'OrderedDict', []);
    const args = [
      storage,
      () => integer(0n),
      () => ints(t.shape),
      () => ints(contiguousStride(t.shape)),
      () => code(0x89),
      hooks,
    ];
    if (classic) call('torch._utils', '_rebuild_tensor_v2', args);
    else call('torch._utils', '_rebuild_tensor_v3', [...args, () => name('torch', t.dtype)]);
  };

  const open = new Set<object>();
  const write = (at: PtWritable, path: string): void => {
    if (at === null) return code(0x4e);
    if (typeof at === 'boolean') return code(at ? 0x88 : 0x89);
    if (typeof at === 'string') return text(at, path);
    if (typeof at === 'bigint') return integer(at);
    if (typeof at === 'number') return Number.isSafeInteger(at) && !Object.is(at, -0) ? integer(BigInt(at)) : float(at);
    if (typeof at !== 'object') throw new TypeError(`${path} is a ${typeof at}, which a .pt file cannot hold`);
    if (open.has(at)) throw new TypeError(`${path} contains itself`);
    if (open.size > deepest) throw new TypeError(`${path} is nested more than ${deepest} deep`);
    open.add(at);
    composite(at, path);
    open.delete(at);
  };
  const list = (items: readonly PtWritable[], path: string): void => {
    code(0x5d);
    if (items.length) code(0x28);
    items.forEach((item, i) => write(item, `${path}[${i}]`));
    if (items.length) code(0x65);
  };
  const dict = (entries: readonly (readonly [PtWritable, PtWritable])[], path: string): void => {
    code(0x7d);
    if (entries.length) code(0x28);
    for (const [key, item] of entries) {
      const hashable = key === null || typeof key !== 'object' || isKind(key, 'tuple');
      if (!hashable) throw new TypeError(`${path} has a key that is neither text, number nor tuple`);
      write(key, `${path} key`);
      write(item, `${path}[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`);
    }
    if (entries.length) code(0x75);
  };
  const composite = (at: Exclude<PtWritable, null | boolean | number | bigint | string>, path: string): void => {
    if (at instanceof Uint8Array)
      return call('_codecs', 'encode', [
        () => text(Array.from(at, (byte) => String.fromCharCode(byte)).join(''), path),
        () => text('latin1', path),
      ]);
    if (Array.isArray(at)) return list(at as readonly PtWritable[], path);
    if (at instanceof Map) return dict([...(at as ReadonlyMap<PtWritable, PtWritable>)], path);
    if (at instanceof Set) return call('__builtin__', 'set', [() => list([...(at as ReadonlySet<PtWritable>)], path)]);
    if (isTensor(at)) return once(at, () => tensor(at));
    if (isKind(at, 'tuple')) return tuple(at.items.map((item, i) => () => write(item as PtWritable, `${path}[${i}]`)));
    if (isKind(at, 'float')) return float(at.value);
    if (isKind(at, 'complex')) return call('__builtin__', 'complex', [() => float(at.real), () => float(at.imaginary)]);
    if (isKind(at, 'size')) return call('torch', 'Size', [() => ints(at.items)]);
    if (isKind(at, 'torch')) return torch(at.name, path);
    const prototype: unknown = Object.getPrototypeOf(at);
    if (prototype !== Object.prototype && prototype !== null)
      throw new TypeError(`${path} is a ${(at as object).constructor.name}, which a .pt file cannot hold`);
    return dict(
      Object.entries(at as Record<string, PtWritable | undefined>).filter(
        (entry): entry is [string, PtWritable] => entry[1] !== undefined,
      ),
      path,
    );
  };
  const torch = (full: string, path: string): void => {
    const dtype = full.replace(/^torch\./, '');
    if (dtype !== full) {
      if (!torchDtypes.has(dtype as DType) && !torchValues.includes(dtype))
        throw new TypeError(`${path} names ${full}, which is no dtype`);
      return name('torch', dtype);
    }
    const [, device, index] = /^([a-z]+)(?::(\d+))?$/.exec(full) ?? [];
    if (!device) throw new TypeError(`${path} names ${JSON.stringify(full)}, which is no device`);
    call('torch', 'device', [() => text(device, path), ...(index ? [() => integer(BigInt(index))] : [])]);
  };
  write(value, 'the value');
  code(0x2e);
  return { pickle: concat(parts), storages };
}
