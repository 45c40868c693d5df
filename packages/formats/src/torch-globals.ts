// The names of PyTorch and of Python's library that a pickle of tensors may use, each with what it builds.

import type { DType } from '@deepearth/core/tensor';
import { global, isGlobal, refuse, type Global } from './pickle-context.ts';
import { viewOf, type PtTensor, type Storage } from './pt-tensor.ts';
import { isKind, torchName, type PyValue } from './python-values.ts';
import { otherTorchDtypes, storageNames, torchDtypes } from './torch-types.ts';

type Args = readonly unknown[];

/** The type of a storage, as a persistent id names it. */
export interface StorageType extends Global {
  /** Absent for `UntypedStorage`. */
  readonly dtype?: DType;
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

/** Names that build tensors; `fileBytes` bounds what repeated values may grow to. */
export function torchGlobals(fileBytes: number): ReadonlyMap<string, unknown> {
  const rebuild = (args: Args): PtTensor => {
    least(args, 4, '_rebuild_tensor');
    const storage = storageOf(args[0]);
    if (!storage.dtype) return refuse('it holds a tensor whose storage has no element type');
    return viewOf(storage, storage.dtype, args[1], sequence(args[2], 'shape'), sequence(args[3], 'stride'), fileBytes);
  };
  const rebuildTyped = (args: Args): PtTensor => {
    least(args, 7, '_rebuild_tensor_v3');
    const storage = storageOf(args[0]);
    const type = args[6];
    if (!isKind(type, 'torch')) return refuse('it holds a tensor with an invalid dtype');
    const dtype = type.name.replace(/^torch\./, '') as DType;
    if (!torchDtypes.has(dtype)) return refuse(`it holds a tensor of ${type.name}, which is not read`);
    if (storage.dtype && storage.dtype !== dtype)
      return refuse(`it holds a tensor of ${type.name} on a storage of ${storage.dtype}`);
    return viewOf(storage, dtype, args[1], sequence(args[2], 'shape'), sequence(args[3], 'stride'), fileBytes);
  };
  const parameter = (args: Args): PtTensor => {
    least(args, 1, '_rebuild_parameter');
    const tensor = args[0];
    return isKind(tensor, 'tensor') ? { ...tensor, parameter: true } : refuse('it holds a parameter that is no tensor');
  };
  // (function, type, arguments, state): a tensor with attributes of its own, which are left out.
  const fromType = (args: Args): unknown => {
    least(args, 3, '_rebuild_from_type_v2');
    const [build, type, inner] = args;
    if (!isGlobal(build) || !build.call || !build.name.startsWith('torch._utils._rebuild_'))
      return refuse('it holds a tensor that is rebuilt by what is no function of torch._utils');
    if (
      !isGlobal(type) ||
      !['torch.Tensor', 'torch.nn.parameter.Parameter', 'torch.nn.parameter.Buffer'].includes(type.name)
    )
      return refuse('it holds a tensor of a class of its own, which is not read');
    const made = build.call(sequence(inner, 'arguments'));
    return type.name.endsWith('Parameter') && isKind(made, 'tensor') ? { ...made, parameter: true } : made;
  };
  const unread = (name: string, what: string): [string, Global] =>
    global('torch._utils', name, () => refuse(`it holds ${what} (torch._utils.${name}), which is not read`));
  return new Map<string, unknown>([
    global('torch._utils', '_rebuild_tensor', rebuild),
    global('torch._utils', '_rebuild_tensor_v2', rebuild),
    global('torch._utils', '_rebuild_tensor_v3', rebuildTyped),
    global('torch._utils', '_rebuild_parameter', parameter),
    global('torch._utils', '_rebuild_parameter_with_state', parameter),
    global('torch._tensor', '_rebuild_from_type_v2', fromType),
    unread('_rebuild_sparse_tensor', 'a sparse tensor'),
    unread('_rebuild_sparse_csr_tensor', 'a sparse tensor'),
    unread('_rebuild_nested_tensor', 'a nested tensor'),
    unread('_rebuild_qtensor', 'a quantized tensor'),
    unread('_rebuild_meta_tensor_no_storage', 'a tensor without values'),
    global('torch.serialization', '_get_layout', ([name]) =>
      typeof name === 'string' ? torchName(name) : refuse('it holds a layout without a name'),
    ),
    ...typeNames,
  ]);
}

const storageType = (module: string, name: string, dtype?: DType): [string, StorageType] => [
  `${module} ${name}`,
  { kind: 'global', name: `${module}.${name}`, storage: true, ...(dtype && { dtype }) },
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
    storageType('torch', name, dtype),
    storageType('torch.cuda', name, dtype),
  ]),
  storageType('torch.storage', 'UntypedStorage'),
  storageType('torch', 'UntypedStorage'),
  ...[...torchDtypes, ...otherTorchDtypes].map(
    (name) => [`torch ${name}`, torchName(`torch.${name}`)] as [string, unknown],
  ),
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
