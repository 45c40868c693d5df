// Files that lie on a web server or in S3-compatible storage: whole, and listed.

import { InputError } from '@deepearth/core/errors';
import { fetchValue, isHttp } from './http-source.ts';
import { isS3, parseS3Address } from './s3-address.ts';
import { s3Client } from './s3-client.ts';
import { listObjects } from './s3-objects.ts';

/** Whether a place is an address that is read here: "https://…", "http://…" or "s3://bucket/key". */
export const isRemote = (place: string): boolean => isHttp(place) || isS3(place);

/** What lies in a folder, by the folder's address and a path in it. */
export const remotePath = (folder: string, path: string): string => `${folder.replace(/\/+$/, '')}/${path}`;

/** For the time that a request may take, where the length is not known. */
const usualBytes = 1 << 26;

/**
 * The bytes of a file. A server or a network that fails for a moment is asked again, after random pauses. Throws an
 * `InputError` that names the address: `E_FILE_MISSING` where there is none, `E_EXCESSIVE` for more than `mostBytes`,
 * else as `openHttp` and `s3Client` do.
 */
export async function readRemote(
  place: string,
  { mostBytes, signal }: { readonly mostBytes: number; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  if (isHttp(place)) return (await fetchValue(place, { mostBytes, signal })) ?? missing(place);
  const { bucket, prefix: key } = parseS3Address(place);
  const { status, bytes } = await s3Client(bucket).send({
    method: 'GET',
    key,
    also: [404],
    expectedBytes: usualBytes,
    signal,
  });
  if (status === 404) return missing(place);
  if (bytes.byteLength > mostBytes)
    throw new InputError(place, `has more than ${mostBytes} bytes.`, { code: 'E_EXCESSIVE' });
  return bytes;
}

function missing(place: string): never {
  throw new InputError(place, 'there is no such file on the server (any more).', {
    code: 'E_FILE_MISSING',
    remedy: 'Look at the address; with `onError: skip` beside its `with`, the source goes on without it.',
  });
}

/**
 * The paths below "s3://bucket/prefix", in the order of the server; without those of folders and of files whose name,
 * or one of whose folders, begins with a dot. Throws as `s3Client` does, and an `InputError` (`E_FOLDER_MISSING`) where
 * nothing lies there, and for a web server, which has no list of its files.
 */
export async function listRemote(folder: string): Promise<string[]> {
  if (isHttp(folder))
    throw new InputError(folder, 'lies on a web server, which cannot be asked what files it has.', {
      code: 'E_FOLDER_MISSING',
      remedy: 'Write the addresses of the pictures into a list (CSV or JSON lines) and read it with source/list.',
    });
  const { bucket, prefix } = parseS3Address(folder);
  const before = prefix && `${prefix}/`;
  const found: string[] = [];
  for await (const { key } of listObjects(s3Client(bucket), before)) {
    const path = key.slice(before.length);
    if (path !== '' && !path.endsWith('/') && !/(?:^|\/)\./.test(path)) found.push(path);
  }
  if (found.length === 0)
    throw new InputError(folder, 'there is nothing there.', {
      code: 'E_FOLDER_MISSING',
      remedy: 'Look at the bucket and the prefix, and at AWS_ENDPOINT_URL_S3.',
    });
  return found;
}
