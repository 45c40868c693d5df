// Digests a file of any length.

import { createSha256 } from '@deepearth/core/sha256';
import { fileError } from '@deepearth/core/file-trouble';
import { openRegularFile } from '@deepearth/core/regular-file';

const pieceBytes = 1 << 20;

/** Bytes of a file and their SHA-256, read piece by piece; `progress` is told how many bytes are done. */
export async function digestOfFile(
  path: string,
  {
    signal,
    progress,
  }: { readonly signal?: AbortSignal; readonly progress?: (done: number, total: number) => void } = {},
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  try {
    const file = await openRegularFile(path);
    try {
      const { size } = await file.stat();
      const hash = createSha256();
      const piece = new Uint8Array(pieceBytes);
      let bytes = 0;
      for (;;) {
        signal?.throwIfAborted();
        const { bytesRead } = await file.read(piece, 0, piece.length, null);
        if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
        hash.update(piece.subarray(0, bytesRead));
        bytes += bytesRead;
        if (bytes % (64 * pieceBytes) === 0) progress?.(bytes, size);
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError(cause, path);
  }
}
