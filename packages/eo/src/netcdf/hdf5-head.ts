// The first bytes of an HDF5 file: whether it is one, and how long it has to be (HDF5 File Format Specification, II.A).

import { InputError } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** A user block may stand in front of the signature, of 512 bytes or a power of two more. */
const mostUserBlock = 2 ** 24;

/**
 * Where the signature stands; `undefined` where there is none. Throws an `InputError` for a file that is shorter than
 * its superblock says: the library would read on and fail later, without a reason.
 */
export async function checkHdf5(source: ByteSource, signal?: AbortSignal): Promise<number | undefined> {
  for (let at = 0; at + 8 <= source.size && at <= mostUserBlock; at = at === 0 ? 512 : at * 2) {
    const bytes = await source.read(at, Math.min(64, source.size - at), signal);
    if (!signature.every((byte, i) => bytes[i] === byte)) continue;
    const end = endOfFile(bytes);
    if (end === undefined || end + at > source.size)
      throw new InputError(
        source.name,
        end === undefined
          ? `is cut short: its header goes on after its ${source.size} bytes.`
          : `is cut short: it has ${source.size} bytes, its header says ${end + at}.`,
        { code: 'E_FILE_TRUNCATED', remedy: 'Copy or download it again.' },
      );
    return at;
  }
  return undefined;
}

/** The end-of-file address, from the base address on; `undefined` where the superblock is cut short. */
function endOfFile(superblock: Uint8Array): number | undefined {
  const view = new DataView(superblock.buffer, superblock.byteOffset, superblock.byteLength);
  const version = superblock[8]!;
  const sizeAt = version < 2 ? 13 : 9;
  const size = superblock[sizeAt]!;
  // Base address, then one more address, then that of the end.
  const base = version === 0 ? 24 : version === 1 ? 28 : 12;
  const at = base + 2 * size;
  if (at + size > superblock.length) return undefined;
  return size === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
