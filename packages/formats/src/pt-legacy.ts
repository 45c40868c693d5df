// Opens .pt files of the form before ZIP: a magic number, a version, a description of the machine, the pickle, keys,
// storages.

import { sliceSource, type ByteSource } from './bytes.ts';
import { numpyGlobals } from './numpy-values.ts';
import { findIn, PickleRefusal, refuse, type PickleContext } from './pickle-context.ts';
import { checkGraph } from './pickle-graph.ts';
import { parsePickle } from './pickle.ts';
import { show } from './printable.ts';
import { readStorageId } from './pt-storage-id.ts';
import type { Storage, StorageBytes } from './pt-tensor.ts';
import type { PyValue } from './python-values.ts';
import { libraryGlobals } from './python-library.ts';
import { pythonGlobals, torchGlobals, torchTypeName } from './torch-globals.ts';

const magic = 0x1950a86a20f9469cfc6cn;
const version = 1001;
/** How much is read first; doubled until the pickles end. */
const firstBytes = 1 << 20;
const mostPickleBytes = 1 << 30;

/** Finds where each storage lies, and checks that all are there. */
export async function openLegacyPt(
  source: ByteSource,
  { keepFloats = false }: Pick<PickleContext, 'keepFloats'>,
  signal?: AbortSignal,
): Promise<PyValue> {
  const { value, keys, end, storages, places } = await readPickles(source, keepFloats, signal);
  let at = end;
  for (const key of keys) {
    const storage = typeof key === 'string' || typeof key === 'number' ? storages.get(String(key)) : undefined;
    if (!storage) return refuse(`it lists the storage ${show(String(key))}, which no tensor uses`);
    const name = show(storage.key);
    if (places.has(storage.key)) refuse(`it lists storage ${name} twice`);
    if (at + 8 > source.size) refuse(`it is cut short before storage ${name}`);
    const head = await source.read(at, 8, signal);
    const count = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
    const expected = storage.bytes / storage.elementBytes;
    if (count !== BigInt(expected)) refuse(`storage ${name} should have ${expected} elements and has ${count}`);
    if (at + 8 + storage.bytes > source.size) refuse(`it is cut short in storage ${name}`);
    places.set(storage.key, at + 8);
    at += 8 + storage.bytes;
  }
  for (const key of storages.keys()) if (!places.has(key)) refuse(`storage ${show(key)} is not in the file`);
  return checkGraph(value, end);
}

interface Pickles {
  readonly value: unknown;
  readonly keys: readonly unknown[];
  readonly end: number;
  readonly storages: ReadonlyMap<string, Storage>;
  /** Where each storage's values start, filled in later. */
  readonly places: Map<string, number>;
}

/** Nothing says how long the pickles are: more is read until they end. */
async function readPickles(source: ByteSource, keepFloats: boolean, signal?: AbortSignal): Promise<Pickles> {
  for (let length = Math.min(firstBytes, source.size); ; length = Math.min(length * 2, source.size)) {
    const bytes = await source.read(0, length, signal);
    try {
      return parsePickles(source, bytes, keepFloats);
    } catch (error) {
      if (!(error instanceof PickleRefusal) || !error.ended || length === source.size) throw error;
      if (length >= mostPickleBytes) refuse(`its pickle has more than ${mostPickleBytes} bytes`);
    }
  }
}

const plain: PickleContext = {
  find: findIn([]),
  persistent: () => refuse('its pickle has a persistent id in its description'),
};

function parsePickles(source: ByteSource, bytes: Uint8Array, keepFloats: boolean): Pickles {
  const number = parsePickle(bytes, plain);
  if (number.value !== magic) refuse('it is a pickle, but not one of torch.save');
  const protocol = parsePickle(bytes, plain, number.end);
  if (protocol.value !== version) refuse(`it is of version ${String(protocol.value)}; only ${version} is read`);
  const machine = parsePickle(bytes, plain, protocol.end);
  if (!(machine.value instanceof Map) || machine.value.get('little_endian') !== true)
    refuse('it was not written by a little-endian machine, which is not read in this form');
  const storages = new Map<string, Storage>();
  const places = new Map<string, number>();
  const content = parsePickle(
    bytes,
    {
      keepFloats,
      find: findIn([pythonGlobals, libraryGlobals, torchGlobals(source.size), numpyGlobals], torchTypeName),
      persistent: (id) =>
        readStorageId(id, storages, ({ key, bytes: size, ...about }) => ({
          kind: 'storage',
          key,
          ...about,
          bytes: size,
          swapBytes: () => 1,
          open: async (): Promise<StorageBytes> => ({
            source: sliceSource(source, places.get(key)!, size, `${source.name}: storage ${key}`),
            offset: places.get(key),
          }),
        })),
    },
    machine.end,
  );
  const keys = parsePickle(bytes, plain, content.end);
  if (!Array.isArray(keys.value)) return refuse('it has no list of storages');
  return { value: content.value, keys: keys.value, end: keys.end, storages, places };
}
