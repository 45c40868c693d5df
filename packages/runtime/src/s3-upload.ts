// Writes an object that comes in pieces: small ones at once, large ones in parts. Nothing is seen before the commit.

import { createHash, randomBytes } from 'node:crypto';
import { InputError } from '@deepearth/core/errors';
import type { Scratch } from '@deepearth/core/stage';
import type { Stored, StoreWriter } from '@deepearth/core/store';
import type { S3Client } from './s3-client.ts';
import { fewAtATime, putText, removeObject } from './s3-objects.ts';
import { elementsOf, escaped, textsOf } from './s3-xml.ts';

/** An object up to this is one request; parts have this at least. */
export const partBytes = 8 << 20;
const mostParts = 10_000;
const partsAtATime = 4;

/** Where an upload puts what it needs. */
export interface UploadPlaces {
  /** The key of a path. */
  readonly keyOf: (path: string) => string;
  /** Keys below it name the uploads under way, for the run that follows one that was killed. */
  readonly uploads: string;
  /** Room on this machine for what is larger than a part. */
  readonly room: () => Promise<Scratch & { close(): Promise<void> }>;
  /** Throws where the right to write is lost. */
  readonly hold: () => Promise<void>;
}

/**
 * A writer for a path. The key may become known with the commit only, and parts belong to a key from the first on: so
 * what is larger than a part waits in a file on this machine until then.
 */
export function s3Upload(client: S3Client, target: string, places: UploadPlaces): StoreWriter {
  const hash = createHash('sha256');
  let gathered = Buffer.alloc(0);
  let gatheredBytes = 0;
  let bytes = 0;
  let room: (Scratch & { close(): Promise<void> }) | undefined;
  let state: 'open' | 'committing' | 'done' = 'open';

  async function flush(): Promise<void> {
    room ??= await places.room();
    await room.append(gathered.subarray(0, gatheredBytes));
    gatheredBytes = 0;
  }

  function gather(piece: Uint8Array): void {
    const needed = gatheredBytes + piece.byteLength;
    if (needed > gathered.byteLength) {
      const larger = Buffer.allocUnsafe(Math.min(partBytes, Math.max(needed, 2 * gathered.byteLength, 1 << 16)));
      larger.set(gathered.subarray(0, gatheredBytes));
      gathered = larger;
    }
    gathered.set(piece, gatheredBytes);
    gatheredBytes = needed;
  }

  return {
    async append(piece) {
      hash.update(piece);
      bytes += piece.byteLength;
      for (let at = 0; at < piece.byteLength;) {
        if (gatheredBytes === partBytes) await flush();
        const part = piece.subarray(at, at + partBytes - gatheredBytes);
        gather(part);
        at += part.byteLength;
      }
    },
    async commit(record, path = target): Promise<Stored> {
      if (state !== 'open') throw new Error(`${path} was let go`);
      state = 'committing';
      const stored = { bytes, sha256: hash.digest('hex') };
      const key = places.keyOf(path);
      const recorded = async (): Promise<void> => {
        await record?.(stored);
        await places.hold();
      };
      if (room) {
        await flush();
        await uploadParts(client, key, room, places, recorded);
      } else {
        await recorded();
        await client.send({ method: 'PUT', key, body: gathered.subarray(0, gatheredBytes) });
      }
      state = 'done';
      await letGo();
      return stored;
    },
    async discard() {
      if (state === 'done') return;
      state = 'done';
      await letGo();
    },
  };

  async function letGo(): Promise<void> {
    gathered = Buffer.alloc(0);
    await room?.close();
    room = undefined;
  }
}

/** Uploads a file in parts of one size, and the last. What fails is taken back. */
async function uploadParts(
  client: S3Client,
  key: string,
  file: Scratch,
  { uploads, hold }: UploadPlaces,
  recorded: () => Promise<void>,
): Promise<void> {
  await hold();
  const token = randomBytes(16).toString('hex');
  const mark = `${uploads}${token}`;
  // Before it begins: whoever is killed before it knows the number leaves an upload that the next run finds by its key.
  await putText(client, mark, JSON.stringify({ key }));
  const begun = await client.send({
    method: 'POST',
    key,
    query: { uploads: '' },
    headers: { 'x-amz-meta-deepearth-upload': token },
  });
  const id = textsOf(new TextDecoder().decode(begun.bytes), 'UploadId')[0];
  if (!id) {
    await removeObject(client, mark);
    throw new InputError(`s3://${client.bucket}/${key}`, 'the server gave no number to an upload in parts.', {
      code: 'E_S3',
      remedy: 'Look whether AWS_ENDPOINT_URL_S3 names a server for S3.',
    });
  }
  try {
    await putText(client, mark, JSON.stringify({ key, id }));
    // Some servers want parts of one size.
    const size = Math.max(partBytes, Math.ceil(file.length / mostParts));
    const etags: string[] = [];
    const numbers = Array.from({ length: Math.ceil(file.length / size) }, (_, index) => index);
    await fewAtATime(
      numbers,
      async (index) => {
        const body = await file.read(index * size, Math.min(size, file.length - index * size));
        const query = { partNumber: String(index + 1), uploadId: id };
        etags[index] = (await client.send({ method: 'PUT', key, query, body })).headers.get('etag') ?? '';
      },
      partsAtATime,
    );
    await recorded();
    const parts = etags.map(
      (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`,
    );
    const { status } = await client.send({
      method: 'POST',
      key,
      query: { uploadId: id },
      body: new TextEncoder().encode(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`),
      also: [404],
      mayFailLate: true,
      expectedBytes: file.length,
    });
    // The answer to a request that succeeded may have been lost: asked again, the server knows no such upload any more.
    if (status === 404 && !(await isOurs(client, key, token)))
      throw new InputError(`s3://${client.bucket}/${key}`, 'its parts are gone from the server.', {
        code: 'E_S3',
        remedy: 'Look whether a rule of the bucket removes parts of uploads, and run again with --resume.',
      });
  } catch (error) {
    // What cannot be taken back now is taken back by the next run, which finds the mark.
    await abortUpload(client, { key, id })
      .then(() => removeObject(client, mark))
      .catch(() => undefined);
    throw error;
  }
  // Of a request whose answer was lost, another upload was begun.
  if (begun.attempts > 1) await abortUpload(client, { key });
  await removeObject(client, mark);
}

async function isOurs(client: S3Client, key: string, token: string): Promise<boolean> {
  const { status, headers } = await client.send({ method: 'HEAD', key, also: [404] });
  return status === 200 && headers.get('x-amz-meta-deepearth-upload') === token;
}

/** What is known of an upload in parts: its number is not, where the run was killed before it was told. */
export interface BegunUpload {
  readonly key: string;
  readonly id?: string;
}

/**
 * Takes back the upload in parts of a number, and those of the same key; nothing where the server knows none, or cannot
 * do so.
 */
export async function abortUpload(client: S3Client, { key, id }: BegunUpload): Promise<void> {
  const ids = new Set(id === undefined ? [] : [id]);
  // A server that does not list uploads (400, 405, 501) has those left that it has no number of.
  const { status, bytes } = await client.send({
    method: 'GET',
    key: '',
    query: { uploads: '', prefix: key },
    also: [400, 403, 404, 405, 501],
  });
  if (status === 200)
    for (const upload of elementsOf(new TextDecoder().decode(bytes), 'Upload'))
      if (textsOf(upload, 'Key')[0] === key) ids.add(textsOf(upload, 'UploadId')[0] ?? '');
  for (const uploadId of ids)
    if (uploadId) await client.send({ method: 'DELETE', key, query: { uploadId }, also: [404, 405, 501] });
}
