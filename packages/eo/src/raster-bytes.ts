// Opens the bytes of a raster file, wherever it lies.

import { InputError } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';
import { openFile } from '@deepearth/formats/file-source-node';
import { isHttp, openHttp, type HttpOptions } from './http-source.ts';

/** Opens a path or an `http(s)://` address. Close it when done. Throws what `openFile` and `openHttp` throw. */
export const openBytes = (uri: string, options: HttpOptions = {}): Promise<ByteSource & { version?: string }> =>
  isHttp(uri) ? openHttp(uri, options) : openFile(uri);

const pageBytes = 1 << 15;
const mostPages = 64;

/**
 * Reads small pieces through pages that are kept, so that a directory and what it points to cost few requests. Pieces
 * that leave the file throw an `InputError` with the code E_FILE_TRUNCATED.
 */
export function readPages(source: ByteSource): ByteSource['read'] {
  const pages = new Map<number, Promise<Uint8Array>>();
  const page = (index: number, signal?: AbortSignal): Promise<Uint8Array> => {
    let found = pages.get(index);
    if (!found) {
      const offset = index * pageBytes;
      found = source.read(offset, Math.min(pageBytes, source.size - offset), signal);
      // What failed is asked for again next time.
      found.catch(() => pages.delete(index));
      pages.set(index, found);
      if (pages.size > mostPages) pages.delete(pages.keys().next().value!);
    }
    return found;
  };
  return async (offset, length, signal) => {
    if (offset < 0 || offset + length > source.size)
      throw new InputError(
        source.name,
        `has ${source.size} bytes, but its directory points to bytes ${offset} to ${offset + length}.`,
        { code: 'E_FILE_TRUNCATED', remedy: 'It was cut short: copy it again.' },
      );
    if (length > pageBytes * 4) return source.read(offset, length, signal);
    const out = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = offset + done;
      const index = Math.floor(at / pageBytes);
      const bytes = await page(index, signal);
      const part = bytes.subarray(at - index * pageBytes, at - index * pageBytes + length - done);
      out.set(part, done);
      done += part.length;
    }
    return out;
  };
}
