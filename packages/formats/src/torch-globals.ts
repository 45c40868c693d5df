// The names of PyTorch and of Python's library that a pickle of tensors may use, each with what it builds.

import type { DType } from '@deepearth/core/tensor';
import { global, isGlobal, refuse, type Global } from './pickle-context.ts';
import type { Ndarray } from './numpy-kinds.ts';
import { viewOf, type PtTensor, type Storage, type TurnedSigns } from './pt-tensor.ts';
import { show } from './printable.ts';
import { isKind, torchName, type PyValue, type TorchName } from './python-values.ts';
import { storageNames, torchDtypes, torchValues, unreadStorages } from './torch-types.ts';
import type { UnreadTensor } from './unread-tensor.ts';

type Args = readonly unknown[];

/** The type of a storage, as a persistent id names it. */
export interface StorageType extends Global {
  /** Absent for `UntypedStorage`, and where the type is not read. */
  readonly dtype?: DType;
  /** An element type that is not read, and its size. */
  readonly unread?: { readonly name: string; readonly bytes: number };
  readonly storage: true;
}

export const isStorageType = (value: unknown): value is StorageType => isGlobal(value) && 'storage' in value;

const sequence = (value: unknown, what: string): readonly unknown[] => {
  if (isKind(value, 'tuple') || isKind(value, 'size')) return value.items;
  return Array.isArray(value) ? value : refuse(`it holds a tensor whose ${what} is no tuple`);
};

const storageOf = (value: unknown): Storage =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'storage'
    ? (value as Storage)
    : refuse('it holds a tensor without a storage');

const least = (args: Args, count: number, name: string): void => {
  if (args.length < count) refuse(`its pickle calls ${name} with ${args.length} arguments instead of ${count}`);
};

const unread = (what: string): UnreadTensor => ({ kind: 'unread', what });

/** What a rebuild function was given to be a tensor: one that is read, or one that is not. */
const tensorOf = (value: unknown, what: string): PtTensor | UnreadTensor =>
  isKind(value, 'tensor') || isKind(value, 'unread') ? value : refuse(`it holds ${what} that is no tensor`);

const dtypeNamed = (value: unknown): string =>
  isKind(value, 'torch') && value.name.startsWith('torch.')
    ? value.name.slice('torch.'.length)
    : refuse('it holds a tensor with an invalid dtype');

/**
 * What `metadata` asks for, as `torch._utils.set_tensor_metadata` takes it: signs to turn round, or what is not known.
 */
function signsOf(metadata: unknown): { readonly signs?: TurnedSigns; readonly other?: string } {
  if (metadata === undefined || metadata === null) return {};
  if (!(metadata instanceof Map)) return refuse('it holds a tensor whose metadata is no dict');
  const set = [...(metadata as Map<unknown, unknown>)].filter(([, value]) => value !== false && value !== null);
  const other = set.find(([key, value]) => (key !== 'conj' && key !== 'neg') || value !== true);
  if (other) return { other: String(other[0]) };
  const has = (name: string): boolean => set.some(([key]) => key === name);
  return set.length ? { signs: { conj: has('conj'), neg: has('neg') } } : {};
}

/** Names that build tensors; `fileBytes` bounds what repeated values may grow to. */
export function torchGlobals(fileBytes: number): ReadonlyMap<string, unknown> {
  const view = (
    [storageValue, offset, shape, stride]: Args,
    typed: string | undefined,
    metadata: unknown,
  ): PtTensor | UnreadTensor => {
    const storage = storageOf(storageValue);
    const type = typed ?? storage.unread ?? storage.dtype;
    if (type === undefined) return refuse('it holds a tensor whose storage has no element type');
    const dtype = type as DType;
    if (storage.unread !== undefined || !torchDtypes.has(dtype)) return unread(`a tensor of torch.${type}`);
    if (storage.dtype && storage.dtype !== dtype)
      return refuse(`it holds a tensor of torch.${type} on a storage of ${storage.dtype}`);
    const { signs, other } = signsOf(metadata);
    if (other !== undefined) return unread(`a tensor with the metadata ${show(other)}`);
    if (signs && !/^(?:complex|float|bfloat)/.test(dtype)) return unread(`a negated view of torch.${type}`);
    return viewOf(storage, dtype, offset, sequence(shape, 'shape'), sequence(stride, 'stride'), fileBytes, signs);
  };
  // (storage, offset, size, stride, requires_grad, backward_hooks, …): gradients and hooks are no values.
  const rebuild = (name: string) => (args: Args) => (least(args, 4, name), view(args, undefined, args[6]));
  const rebuildTyped = (args: Args): PtTensor | UnreadTensor => {
    least(args, 7, '_rebuild_tensor_v3');
    return view(args, dtypeNamed(args[6]), args[7]);
  };
  const parameter = (args: Args): PtTensor | UnreadTensor => {
    least(args, 1, '_rebuild_parameter');
    const tensor = tensorOf(args[0], 'a parameter');
    return tensor.kind === 'tensor' ? { ...tensor, parameter: true } : tensor;
  };
  // (function, type, arguments, state): a tensor with attributes of its own, which are left out.
  const fromType = (args: Args): unknown => {
    least(args, 3, '_rebuild_from_type_v2');
    const [build, type, inner] = args;
    if (!isGlobal(build) || !build.call || !build.name.startsWith('torch._utils._rebuild_'))
      return refuse('it holds a tensor that is rebuilt by what is no function of torch._utils');
    if (!isGlobal(type) || !tensorClasses.has(type.name))
      return refuse('it holds a tensor of a class of its own, which is not read');
    const made = build.call(sequence(inner, 'arguments'));
    return type.name.endsWith('Parameter') && isKind(made, 'tensor') ? { ...made, parameter: true } : made;
  };
  // (values, dtype, device, requires_grad): the values of a device without storages, as a tensor or a NumPy array.
  const onDevice =
    (name: string) =>
    (args: Args): PtTensor | UnreadTensor => {
      least(args, 2, name);
      const [data, type] = args;
      const dtype = dtypeNamed(type);
      if (isKind(data, 'ndarray'))
        return data.dtype === dtype
          ? { ...tensorOfArray(data) }
          : unread(`a tensor of torch.${dtype} kept as ${data.dtype}`);
      const tensor = tensorOf(data, 'a tensor of a device');
      return tensor.kind === 'unread' || tensor.dtype === dtype
        ? tensor
        : unread(`a tensor of torch.${dtype} kept as ${tensor.dtype}`);
    };
  const other = (name: string, what: string): [string, Global] =>
    global('torch._utils', name, () => unread(`${what} (torch._utils.${name})`));
  return new Map<string, unknown>([
    global('torch._utils', '_rebuild_tensor', rebuild('_rebuild_tensor')),
    global('torch._utils', '_rebuild_tensor_v2', rebuild('_rebuild_tensor_v2')),
    global('torch._utils', '_rebuild_tensor_v3', rebuildTyped),
    global('torch._utils', '_rebuild_parameter', parameter),
    global('torch._utils', '_rebuild_parameter_with_state', parameter),
    global(
      'torch._utils',
      '_rebuild_device_tensor_from_cpu_tensor',
      onDevice('_rebuild_device_tensor_from_cpu_tensor'),
    ),
    global('torch._utils', '_rebuild_device_tensor_from_numpy', onDevice('_rebuild_device_tensor_from_numpy')),
    global('torch._utils', '_rebuild_xla_tensor', onDevice('_rebuild_xla_tensor')),
    global('torch._tensor', '_rebuild_from_type', fromType),
    global('torch._tensor', '_rebuild_from_type_v2', fromType),
    other('_rebuild_sparse_tensor', 'a sparse tensor'),
    other('_rebuild_sparse_csr_tensor', 'a sparse tensor'),
    other('_rebuild_nested_tensor', 'a nested tensor'),
    other('_rebuild_qtensor', 'a quantized tensor'),
    other('_rebuild_meta_tensor_no_storage', 'a tensor without values'),
    other('_rebuild_wrapper_subclass', 'a tensor of a class of its own'),
    global('torch.serialization', '_get_layout', ([name]) =>
      typeof name === 'string' ? torchName(name) : refuse('it holds a layout without a name'),
    ),
    ...typeNames,
  ]);
}

/** Classes whose instances are plain tensors. */
const tensorClasses: ReadonlySet<string> = new Set([
  'torch.Tensor',
  'torch.nn.parameter.Parameter',
  'torch.nn.parameter.Buffer',
]);

const tensorOfArray = (array: Ndarray): PtTensor => ({
  ...array,
  kind: 'tensor',
  stride: array.shape.map((_, axis) => array.shape.slice(axis + 1).reduce((n, size) => n * size, 1)),
  storageOffset: 0,
  contiguous: true,
  parameter: false,
  storage: 'numpy',
});

/**
 * The name of an element type that PyTorch has and this package does not know: "torch.uint4". Tensors of it are not
 * read, and what stands beside them is.
 */
export const torchTypeName = (module: string, name: string): TorchName | undefined =>
  module === 'torch' && /^(?:b?float|complex|q?u?int|bits)\d+(?:x\d+|_[a-z0-9_]+)?$/.test(name)
    ? torchName(`torch.${name}`)
    : undefined;

const storageType = (
  module: string,
  name: string,
  about: Pick<StorageType, 'dtype' | 'unread'> = {},
): [string, StorageType] => [
  `${module} ${name}`,
  { kind: 'global', name: `${module}.${name}`, storage: true, ...about },
];

function sizes(args: Args): PyValue {
  const [value = { kind: 'tuple', items: [] }] = args;
  const items = sequence(value, 'size');
  if (!items.every((item) => Number.isSafeInteger(item))) refuse('it holds a torch.Size of what are no whole numbers');
  return { kind: 'size', items: items as number[] };
}

function device([name, index]: Args): PyValue {
  if (typeof name !== 'string' || (index !== undefined && !Number.isSafeInteger(index)))
    return refuse('it holds a torch.device without a name');
  return torchName(index === undefined ? name : `${name}:${index as number}`);
}

const typeNames: readonly [string, unknown][] = [
  ...[...storageNames].flatMap(([dtype, name]) => [
    storageType('torch', name, { dtype }),
    storageType('torch.cuda', name, { dtype }),
  ]),
  ...[...unreadStorages].map(([name, unread]) => storageType('torch', name, { unread })),
  storageType('torch.storage', 'UntypedStorage'),
  storageType('torch', 'UntypedStorage'),
  ...[...torchDtypes, ...torchValues].map((name) => [`torch ${name}`, torchName(`torch.${name}`)] as [string, unknown]),
  global('torch', 'Size', sizes),
  global('torch', 'device', device),
  global('torch', 'Tensor'),
  global('torch.nn.parameter', 'Parameter'),
  global('torch.nn.parameter', 'Buffer'),
];

const pairsOf = (value: unknown): Map<unknown, unknown> => {
  if (value === undefined) return new Map();
  if (value instanceof Map) return new Map(value as Map<unknown, unknown>);
  if (!Array.isArray(value)) return refuse('it holds a dict that is made of no list of pairs');
  const dict = new Map<unknown, unknown>();
  for (const pair of value) {
    const items = isKind(pair, 'tuple') ? pair.items : Array.isArray(pair) ? (pair as unknown[]) : [];
    if (items.length !== 2 || typeof items[0] !== 'string')
      return refuse('it holds a dict that is made of what are no pairs');
    dict.set(items[0], items[1]);
  }
  return dict;
};

function bytesFrom(args: Args): Uint8Array {
  const [text, encoding = 'latin1'] = args;
  if (text instanceof Uint8Array) return text;
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1'))
    return text === undefined ? new Uint8Array(0) : refuse('it holds bytes that are made of what is no text');
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) return refuse('it holds bytes that are made of text beyond latin-1');
    bytes[i] = code;
  }
  return bytes;
}

const setOf = ([items = []]: Args): Set<unknown> => {
  if (isKind(items, 'tuple')) return new Set(items.items);
  return Array.isArray(items) || items instanceof Set
    ? new Set(items as Iterable<unknown>)
    : refuse('it holds a set that is made of no list');
};

/**
 * What Python's own library contributes: containers, numbers, bytes. `list` and `int` are values only (a
 * defaultdict's default).
 */
export const pythonGlobals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  global('collections', 'OrderedDict', ([pairs]) => pairsOf(pairs)),
  global('collections', 'defaultdict', ([, pairs]) => pairsOf(pairs)),
  global('collections', 'Counter', ([pairs]) => pairsOf(pairs)),
  global('builtins', 'set', setOf),
  global('builtins', 'frozenset', setOf),
  global('builtins', 'complex', ([real = 0, imaginary = 0]) =>
    typeof real === 'number' && typeof imaginary === 'number'
      ? { kind: 'complex', real, imaginary }
      : refuse('it holds an invalid complex number'),
  ),
  global('builtins', 'bytes', bytesFrom),
  global('builtins', 'bytearray', bytesFrom),
  global('_codecs', 'encode', bytesFrom),
  ...['list', 'dict', 'int', 'float', 'str', 'tuple', 'bool'].map((name) => global('builtins', name)),
]);
