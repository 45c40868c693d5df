// Reads the text of a list, piece by piece, in the encoding that its first bytes show.

import { createHash } from 'node:crypto';
import { InputError } from '@deepearth/core';
import { fileError } from '@deepearth/core/file-trouble';
import { openRegularFile } from '@deepearth/core/regular-file';

/** A file that was read to its end. */
export interface ReadFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

const pieceBytes = 1 << 16;

const marks: readonly (readonly [encoding: string, bytes: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/**
 * The text of a file without its byte order mark, its lines ended by `\n` alone; UTF-16 only with one, as Excel writes
 * it. `whole` is told of the file at its end. Throws an `InputError` for text that is not UTF-8, and as
 * `openRegularFile` does.
 */
export async function* textOf(
  path: string,
  { signal, whole }: { readonly signal: AbortSignal; whole?(file: ReadFile): void },
): AsyncGenerator<string> {
  const file = await openRegularFile(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  const hash = createHash('sha256');
  let decoder: TextDecoder | undefined;
  let [bytes, lines] = [0, 1];
  /** The end of a piece, where it may be half of a line's end. */
  let held = '';
  try {
    for (;;) {
      signal.throwIfAborted();
      const { buffer, bytesRead } = await file.read(new Uint8Array(pieceBytes), 0, pieceBytes, bytes);
      const piece = buffer.subarray(0, bytesRead);
      decoder ??= new TextDecoder(
        marks.find(([, mark]) => mark.every((byte, index) => piece[index] === byte))?.[0] ?? 'utf-8',
        { fatal: true },
      );
      let text: string;
      try {
        text = decoder.decode(piece, { stream: bytesRead > 0 });
      } catch (cause) {
        throw new InputError(path, `is not UTF-8, some way after line ${lines}.`, {
          code: 'E_LIST',
          cause,
          remedy: 'Save it as UTF-8; spreadsheets call it "CSV UTF-8".',
        });
      }
      text = held + text;
      held = text.endsWith('\r') && bytesRead > 0 ? '\r' : '';
      text = text.slice(0, text.length - held.length).replaceAll(/\r\n?/g, '\n');
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
      if (text !== '') yield text;
      if (bytesRead === 0) break;
      hash.update(piece);
      bytes += bytesRead;
    }
  } finally {
    await file.close();
  }
  whole?.({ path, bytes, sha256: hash.digest('hex') });
}
