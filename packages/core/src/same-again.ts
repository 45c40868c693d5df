// Writes a file that an earlier run has most likely left already: nothing is written while the bytes are the same.

import { InputError } from './errors.ts';
import type { ManifestOutput } from './manifest.ts';
import { createSha256 } from './sha256.ts';
import type { RunStore, Stored, StoreWriter } from './store.ts';

/** How much of a file is in memory at a time. */
const pieceBytes = 1 << 20;

/**
 * A writer that compares what is appended with the file at `path`, and begins to write, with a copy of what was the
 * same, where they differ. A file that stays the same to its end is left where it is: a run that resumes a finished one
 * needs no room for it twice. `former` is what its run said of it. Throws, as the file is read, an `InputError` where
 * somebody else changes it meanwhile.
 */
export async function sameAgain(
  store: RunStore,
  path: string,
  { bytes, sha256 }: Pick<ManifestOutput, 'bytes' | 'sha256'>,
): Promise<StoreWriter> {
  let old = await store.get(path);
  if (old && old.size !== bytes) {
    await old.close();
    old = undefined;
  }
  if (!old) return store.writer(path);
  const file = old;
  const hash = createSha256();
  let known: string | undefined;
  const digest = (): string => (known ??= hash.digest('hex'));
  let same = 0;
  let writing: StoreWriter | undefined;

  /** Starts to write: what was the same comes from the file, if it still is. */
  const begin = async (): Promise<StoreWriter> => {
    const writer = await store.writer(path);
    const copied = createSha256();
    try {
      for (let at = 0; at < same; at += pieceBytes) {
        const piece = await file.read(at, Math.min(pieceBytes, same - at));
        copied.update(piece);
        await writer.append(piece);
      }
      if (copied.digest('hex') !== digest())
        throw new InputError(path, 'is not what was there a moment ago.', {
          code: 'E_FILE_CHANGED',
          remedy: 'Let nothing else write into the output folder, and run again.',
        });
      return writer;
    } catch (error) {
      await writer.discard();
      throw error;
    }
  };

  return {
    async append(piece) {
      if (!writing && !(await isNext(piece))) writing = await begin();
      if (writing) return writing.append(piece);
      hash.update(piece);
      same += piece.byteLength;
    },
    async commit(record, as = path): Promise<Stored> {
      if (!writing && same === bytes && as === path && digest() === sha256) {
        await file.close();
        await record?.({ bytes, sha256 });
        return { bytes, sha256 };
      }
      writing ??= await begin();
      await file.close();
      return writing.commit(record, as);
    },
    async discard() {
      await file.close();
      await writing?.discard();
    },
  };

  /** Whether the file goes on with these bytes. */
  async function isNext(piece: Uint8Array): Promise<boolean> {
    if (same + piece.byteLength > bytes) return false;
    for (let at = 0; at < piece.byteLength; at += pieceBytes) {
      const part = piece.subarray(at, at + pieceBytes);
      const there = await file.read(same + at, part.byteLength);
      for (let i = 0; i < part.byteLength; i++) if (part[i] !== there[i]) return false;
    }
    return true;
  }
}
