// Opens PyTorch's .pt files by their directory and their pickle; nothing in them is ever run.

import { InputError } from '@deepearth/core/errors';
import { elementBytes } from '@deepearth/core/tensor';
import { type ByteSource } from './bytes.ts';
import { entrySource } from './entry-source.ts';
import type { Ndarray } from './numpy-kinds.ts';
import { numpyGlobals } from './numpy-values.ts';
import { findIn, PickleRefusal, refuse } from './pickle-context.ts';
import { checkGraph } from './pickle-graph.ts';
import { parsePickle } from './pickle.ts';
import { show } from './printable.ts';
import { openLegacyPt } from './pt-legacy.ts';
import { readStorageId, type StorageId } from './pt-storage-id.ts';
import type { PtTensor, Storage } from './pt-tensor.ts';
import { isKind, type PyValue } from './python-values.ts';
import { libraryGlobals } from './python-library.ts';
import { pythonGlobals, torchGlobals, torchTypeName } from './torch-globals.ts';
import { swapWidth } from './torch-types.ts';
import type { UnreadTensor } from './unread-tensor.ts';
import { openZip, type Zip, type ZipEntry } from './zip.ts';

/** A .pt file whose directory and pickle have been read. */
export interface Pt {
  readonly source: ByteSource;
  /** What `torch.save` was given; tensors are handles. */
  readonly value: PyValue;
  readonly format: 'zip' | 'legacy';
}

/** How values come out of a pickle. */
export interface PtOptions {
  /** Whole floats are `{ kind: 'float' }`, so that `writePt` writes them as floats again. Default: numbers. */
  readonly keepFloats?: boolean;
}

/** The pickle has names and numbers, not values of tensors; NumPy arrays are the exception. */
const mostPickleBytes = 1 << 30;
/** Deflated entries may grow this much, or to 64 MiB and a pickle to 4 MiB; PyTorch itself never compresses. */
const mostInflation = 64;
const alwaysInflatedBytes = 1 << 26;
const alwaysInflatedPickleBytes = 1 << 22;

/**
 * Opens a file of `torch.save`, of today's ZIP form or of the one before it, pickle protocols 2 to 5. Reads its
 * directory and its pickle only. Throws an `InputError` that gives the reason: a name that is not allowed, a tensor
 * outside its storage, damage, … Tensors of kinds that are not read (sparse, quantized, of other element types) are
 * values of the kind `unread`, and everything beside them is read.
 */
export async function openPt(source: ByteSource, signal?: AbortSignal, options: PtOptions = {}): Promise<Pt> {
  const start = await source.read(0, Math.min(4, source.size), signal);
  try {
    if (start.byteLength === 0) refuse('it is empty');
    if (start[0] === 0x50 && start[1] === 0x4b)
      return { source, format: 'zip', value: await openZipPt(await openZip(source, signal), options, signal) };
    if (start[0] === 0x80) return { source, format: 'legacy', value: await openLegacyPt(source, options, signal) };
    return refuse('it starts neither as a ZIP archive nor as a pickle');
  } catch (error) {
    if (error instanceof PickleRefusal)
      throw new InputError(source.name, `is no .pt file that can be read: ${error.message}.`, {
        code: 'E_PT',
        cause: error,
        ...(error.remedy !== undefined && { remedy: error.remedy }),
      });
    throw error;
  }
}

/** Where the pickle is: exactly one `PREFIX/data.pkl`, the prefix being the name under which the file was saved. */
function prefixOf(zip: Zip): string {
  const found = [...zip.entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (found.length === 0) refuse('the archive has no data.pkl');
  if (found.length > 1) refuse(`the archive has several pickles: ${found.slice(0, 4).join(', ')}`);
  const prefix = found[0]!.slice(0, -'/data.pkl'.length);
  if (zip.entries.has(`${prefix}/constants.pkl`)) refuse('it is a TorchScript archive, which holds code');
  return prefix;
}

async function openZipPt(zip: Zip, { keepFloats = false }: PtOptions, signal?: AbortSignal): Promise<PyValue> {
  // What is missing decides too: without `byteorder` values are little-endian, without `constants.pkl` there is no
  // code.
  await zip.checkHeaders(signal);
  const prefix = prefixOf(zip);
  const entry = (name: string): ZipEntry | undefined => zip.entries.get(`${prefix}/${name}`);
  const order = new TextDecoder()
    .decode((await entry('byteorder')?.read(64, signal)) ?? new TextEncoder().encode('little'))
    .trim();
  if (order !== 'little' && order !== 'big') refuse(`its byte order is ${show(order)}`);
  const version = new TextDecoder()
    .decode((await entry('version')?.read(64, signal)) ?? new TextEncoder().encode('3'))
    .trim();
  if (!/^\d+$/.test(version) || Number(version) > 10) refuse(`it is of version ${show(version)}; up to 10 are read`);
  const pickle = entry('data.pkl')!;
  refuseBomb(pickle, alwaysInflatedPickleBytes);
  const bytes = await pickle.read(mostPickleBytes, signal);
  const storages = new Map<string, Storage>();
  const { value } = parsePickle(bytes, {
    keepFloats,
    find: findIn([pythonGlobals, libraryGlobals, torchGlobals(zip.source.size), numpyGlobals], torchTypeName),
    persistent: (id) =>
      readStorageId(id, storages, (about) => storageIn(zip, entry(`data/${about.key}`), about, order === 'big')),
  });
  return checkGraph(value, bytes.byteLength);
}

function refuseBomb({ name, compression, size, compressedSize }: ZipEntry, always = alwaysInflatedBytes): void {
  if (compression === 'deflated' && size > Math.max(always, mostInflation * compressedSize))
    refuse(`entry ${show(name)} would inflate from ${compressedSize} to ${size} bytes`);
}

function storageIn(
  zip: Zip,
  entry: ZipEntry | undefined,
  { key, dtype, elementBytes: width, unread, bytes }: StorageId,
  big: boolean,
): Storage {
  if (!entry) return refuse(`storage ${show(key)} is not in the archive`);
  if (entry.size !== bytes) return refuse(`storage ${show(key)} should have ${bytes} bytes and has ${entry.size}`);
  refuseBomb(entry);
  let opened: ReturnType<typeof entrySource> | undefined;
  return {
    kind: 'storage',
    key,
    ...(dtype && { dtype }),
    ...(unread && { unread }),
    elementBytes: width,
    bytes,
    swapBytes: (type) => (big ? swapWidth(type, elementBytes(type)) : 1),
    open: async (signal) => {
      const entered = await (opened ??= entrySource(zip, entry, signal));
      return { source: entered, offset: entered.offset, verify: entered.verify };
    },
  };
}

/** The value at a path of dict keys and list indices; `undefined` when there is none. */
export function valueAt(value: PyValue, ...path: readonly (string | number)[]): PyValue | undefined {
  let at: PyValue | undefined = value;
  for (const step of path) {
    if (at instanceof Map) at = at.get(step);
    else if (Array.isArray(at)) at = typeof step === 'number' ? at[step] : undefined;
    else if (isKind(at, 'tuple')) at = typeof step === 'number' ? at.items[step] : undefined;
    else return undefined;
    if (at === undefined) return undefined;
  }
  return at;
}

/**
 * All tensors of a value by their path: "encoder.blocks.0.weight" is the tensor at ['encoder']['blocks.0.weight']. A
 * bare tensor is called "tensor". Two tensors that would get the same name get it with "#2" … behind.
 */
export const tensorsOf = (value: PyValue): ReadonlyMap<string, PtTensor> =>
  named(value, (at): at is PtTensor => isKind(at, 'tensor'));

/** Tensors of kinds that are not read, by the same names. */
export const unreadIn = (value: PyValue): ReadonlyMap<string, UnreadTensor> =>
  named(value, (at): at is UnreadTensor => isKind(at, 'unread'));

/** The tensors of a value with the arrays of NumPy among them. */
export const arraysAndTensorsOf = (value: PyValue): ReadonlyMap<string, PtTensor | Ndarray> =>
  named(value, (at): at is PtTensor | Ndarray => isKind(at, 'tensor') || isKind(at, 'ndarray'));

function named<T extends PyValue>(value: PyValue, wanted: (at: PyValue) => at is T): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  const times = new Map<string, number>();
  const walk = (at: PyValue, path: string): void => {
    if (wanted(at)) {
      let name = path || 'tensor';
      while (found.has(name)) {
        const n = (times.get(path) ?? 1) + 1;
        times.set(path, n);
        name = `${path || 'tensor'}#${n}`;
      }
      found.set(name, at);
      return;
    }
    const entries: Iterable<readonly [unknown, PyValue]> =
      at instanceof Map ? at : Array.isArray(at) ? at.entries() : isKind(at, 'tuple') ? at.items.entries() : [];
    for (const [key, inner] of entries)
      walk(inner, `${path}${path && '.'}${isKind(key, 'tuple') ? key.items.join(',') : String(key)}`);
  };
  walk(value, '');
  return found;
}
