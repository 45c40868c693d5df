// Writes .pt files that torch.load reads with weights_only=True and mmap=True.

import { bytesOf } from '@deepearth/core/tensor';
import { collect } from './bytes.ts';
import { pickleForTorch, type PtWritable } from './pt-pickle-writer.ts';
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
  const text = (name: string, content: string): ZipInput =>
    zipBytes(`archive/${name}`, new TextEncoder().encode(content));
  const inputs = function* (): Generator<ZipInput> {
    yield zipBytes('archive/data.pkl', pickle);
    yield text('byteorder', 'little');
    for (const [i, { tensor, bytes }] of storages.entries()) {
      if ('data' in tensor) yield zipBytes(`archive/data/${i}`, bytesOf(tensor));
      else yield { name: `archive/data/${i}`, size: bytes, chunks: () => tensor.chunks() };
    }
    yield text('version', '3\n');
  };
  return writeZip(inputs(), { alignment });
}

/** A whole .pt file in memory. */
export const encodePt = (value: PtWritable): Promise<Uint8Array> => collect(writePt(value));
