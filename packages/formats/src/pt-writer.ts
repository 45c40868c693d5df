// Writes .pt files that torch.load reads with weights_only=True and mmap=True.

import { bytesOf } from '@deepearth/core/tensor';
import { collect } from './bytes.ts';
import { lazyTensor, type LazyTensor } from './lazy-tensor.ts';
import { isTensor, pickleForTorch, type PtWritable, type StorageToWrite } from './pt-pickle-writer.ts';
import { writeZip, zipBytes, type ZipInput } from './zip-writer.ts';

/** The alignment that PyTorch itself gives storages. */
const alignment = 64;

/**
 * Writes a value as `torch.save` would: a ZIP of a pickle and one stored, aligned entry per storage, little-endian. The
 * same value always gives the same bytes; tensors of other files are copied in chunks. Throws a `TypeError` for values
 * that a .pt file cannot hold, before the first byte.
 */
export function writePt(value: PtWritable): AsyncGenerator<Uint8Array> {
  const { pickle, storages } = pickleForTorch(value);
  return writeZip(entriesOf(pickle, storages), { alignment });
}

const textEntry = (name: string, content: string): ZipInput =>
  zipBytes(`archive/${name}`, new TextEncoder().encode(content));

// No closures of the writers: V8 holds what a generator function closes over until the next full collection, tensors
// and all.
function* entriesOf(pickle: Uint8Array, storages: readonly StorageToWrite[]): Generator<ZipInput> {
  yield zipBytes('archive/data.pkl', pickle);
  yield textEntry('byteorder', 'little');
  for (const [i, storage] of storages.entries()) yield storageEntry(i, storage);
  yield textEntry('version', '3\n');
}

const storageEntry = (index: number, { tensor, bytes }: StorageToWrite): ZipInput =>
  'data' in tensor
    ? zipBytes(`archive/data/${index}`, bytesOf(tensor))
    : { name: `archive/data/${index}`, size: bytes, chunks: () => tensor.chunks() };

/**
 * Writes a dict as `torch.save` would, entry by entry as they come: the values of one entry are in memory at a time,
 * and the pickle, which names them all, stands at the end of the archive. Throws a `TypeError` for values that a .pt
 * file cannot hold and for a name that comes twice.
 */
export const writePtDict = (entries: AsyncIterable<readonly [string, PtWritable]>): AsyncGenerator<Uint8Array> =>
  writeZip(entriesOfDict(entries), { alignment });

async function* entriesOfDict(entries: AsyncIterable<readonly [string, PtWritable]>): AsyncGenerator<ZipInput> {
  const dict = new Map<string, PtWritable>();
  let count = 0;
  yield textEntry('byteorder', 'little');
  for await (const [name, value] of entries) {
    if (dict.has(name)) throw new TypeError(`two entries are called ${JSON.stringify(name)}`);
    const { storages } = pickleForTorch(value);
    for (const storage of storages) yield storageEntry(count++, storage);
    dict.set(name, withoutValues(value, new Map()));
  }
  yield textEntry('version', '3\n');
  yield zipBytes('archive/data.pkl', pickleForTorch(dict).pickle);
}

/** A value whose tensors are names of what has been written; those that shared memory are one tensor. */
function withoutValues(value: PtWritable, known: Map<unknown, LazyTensor>): PtWritable {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: PtWritable) => withoutValues(item, known));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, withoutValues(item, known)]));
  if (isTensor(value)) {
    const memory = 'data' in value ? value.data : value;
    const { dtype, shape } = value;
    const former = known.get(memory);
    if (former?.dtype === dtype && former.shape.join() === shape.join()) return former;
    const gone = lazyTensor({ dtype, shape, readBytes: () => Promise.reject(new Error('its values are written')) });
    known.set(memory, gone);
    return gone;
  }
  if (value instanceof Uint8Array || value instanceof Set || 'kind' in value) return value;
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, PtWritable>>).map(([key, item]) => [
      key,
      withoutValues(item, known),
    ]),
  );
}

/** A whole .pt file in memory. */
export const encodePt = (value: PtWritable): Promise<Uint8Array> => collect(writePt(value));
