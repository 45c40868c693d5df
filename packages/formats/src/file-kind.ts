// Tells formats apart by their first bytes and, for archives, by the names in them; file names do not count.

import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from './bytes.ts';
import { show } from './printable.ts';
import { openZip } from './zip.ts';

/** The formats that are told apart by the first bytes of a file. */
export type FileKind = 'pt' | 'safetensors' | 'npy' | 'npz' | 'zip';

/** The format of a file. Throws an `InputError` that says what the file starts with when it is none of them. */
export async function fileKind(source: ByteSource, signal?: AbortSignal): Promise<FileKind> {
  const start = await source.read(0, Math.min(16, source.size), signal);
  const is = (...bytes: number[]): boolean =>
    start.length >= bytes.length && bytes.every((byte, i) => start[i] === byte);
  if (is(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)) return 'npy';
  if (is(0x80) && start[1]! >= 2 && start[1]! <= 5) return 'pt';
  if (is(0x50, 0x4b)) {
    const names = [...(await openZip(source, signal)).entries.keys()];
    // Without its pickle it is a .pt file all the same, if there is nothing else in it: one that cannot be read.
    if (
      names.some((name) => /^[^/]+\/data\.pkl$/.test(name)) ||
      (names.length > 0 && names.every((name) => /^[^/]+\/(version|byteorder|data\/[^/]+|\..+)$/.test(name)))
    )
      return 'pt';
    return names.length > 0 && names.every((name) => name.endsWith('.npy')) ? 'npz' : 'zip';
  }
  if (start[8] === 0x7b) return 'safetensors';
  if (start.length === 0) throw new InputError(source.name, 'is empty.', { code: 'E_FILE_EMPTY' });
  const text = new TextDecoder().decode(start).replace(/[^\x20-\x7e]/g, '.');
  throw new InputError(source.name, `is none of .pt, .safetensors, .npy, .npz, .zip: it starts with ${show(text)}.`, {
    code: 'E_FORMAT',
  });
}
