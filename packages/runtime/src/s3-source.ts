// An object of a bucket as a byte source: read in ranges, and noticed when it changes.

import type { ByteSource } from '@deepearth/core/byte-source';
import { InputError } from '@deepearth/core/errors';
import { checkRange } from '@deepearth/formats/bytes';
import type { S3Client } from './s3-client.ts';

/** Asked for at least, so that a file that is read through in small pieces takes few requests. */
const windowBytes = 1 << 22;

/** Opens an object; `undefined` where there is none. */
export async function openObject(client: S3Client, key: string): Promise<ByteSource | undefined> {
  const head = await client.send({ method: 'HEAD', key, also: [404] });
  if (head.status === 404) return undefined;
  const name = `s3://${client.bucket}/${key}`;
  const size = Number(head.headers.get('content-length'));
  const etag = head.headers.get('etag');
  let start = 0;
  let window: Uint8Array = new Uint8Array();

  async function fetchRange(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const { status, headers, bytes } = await client.send({
      method: 'GET',
      key,
      headers: { range: `bytes=${offset}-${offset + length - 1}` },
      expectedBytes: length,
      also: [404, 416],
      signal,
    });
    // A server that ignores ranges sends everything.
    const piece = status === 200 ? bytes.subarray(offset, offset + length) : bytes;
    if (status > 299 || headers.get('etag') !== etag || piece.byteLength !== length)
      throw new InputError(name, 'is not what was there a moment ago.', {
        code: 'E_FILE_CHANGED',
        remedy: 'Let nothing else write into the output folder, and run again.',
      });
    return piece;
  }

  const source: ByteSource = {
    name,
    size,
    async read(offset, length, signal) {
      checkRange(source, offset, length);
      signal?.throwIfAborted();
      if (length === 0) return new Uint8Array();
      if (offset < start || offset + length > start + window.byteLength) {
        const found = await fetchRange(offset, Math.min(Math.max(length, windowBytes), size - offset), signal);
        if (length >= windowBytes) return found;
        [start, window] = [offset, found];
        return found.subarray(0, length);
      }
      return window.subarray(offset - start, offset - start + length);
    },
    close: async () => void (window = new Uint8Array()),
  };
  return source;
}
