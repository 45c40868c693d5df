// Reads and writes NumPy's .npz archives: a ZIP of .npy files.

import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from './bytes.ts';
import { concat } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { entrySource } from './entry-source.ts';
import { namedTensors, type LazyTensor, type NamedValues } from './lazy-tensor.ts';
import { npyHeader, openNpy } from './npy.ts';
import { show } from './printable.ts';
import { openZip, type Zip } from './zip.ts';
import { writeZip, type ZipInput } from './zip-writer.ts';

/**
 * Opens an archive of arrays by its directory and the headers of its arrays. Throws an `InputError` when an entry is no
 * array.
 */
export async function openNpz(source: ByteSource, signal?: AbortSignal): Promise<ReadonlyMap<string, LazyTensor>> {
  return arraysOf(await openZip(source, signal), signal);
}

/** The arrays of an archive that is open already, by name without ".npy". */
export async function arraysOf(zip: Zip, signal?: AbortSignal): Promise<ReadonlyMap<string, LazyTensor>> {
  const arrays = new Map<string, LazyTensor>();
  for (const entry of zip.entries.values()) {
    if (!entry.name.endsWith('.npy'))
      throw new InputError(zip.source.name, `entry ${show(entry.name)} is no .npy file, so this is no .npz archive.`, {
        code: 'E_NPY',
      });
    arrays.set(entry.name.slice(0, -4), await openNpy(await entrySource(zip, entry, signal), signal));
  }
  return arrays;
}

/**
 * Writes an archive piece by piece, in the order given; values start at multiples of 64 bytes unless they are deflated.
 */
export async function* writeNpz(
  tensors: NamedValues,
  compression: 'stored' | 'deflated' = 'stored',
): AsyncGenerator<Uint8Array> {
  const inputs = [...namedTensors(tensors)].map(([name, t]): ZipInput => {
    const header = npyHeader(t.dtype, t.shape);
    return {
      name: `${name}.npy`,
      size: header.byteLength + t.bytes,
      compression,
      ...(t.values && { crc32: crc32(t.values, crc32(header)) }),
      chunks: () => withHeader(header, t),
    };
  });
  yield* writeZip(inputs, { alignment: 64 });
}

async function* withHeader(
  header: Uint8Array,
  values: { chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array> },
): AsyncGenerator<Uint8Array> {
  yield header;
  yield* values.chunks();
}

/** A whole archive in memory. */
export async function encodeNpz(
  tensors: NamedValues,
  compression: 'stored' | 'deflated' = 'stored',
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of writeNpz(tensors, compression)) parts.push(chunk);
  return concat(parts);
}
