// Whole objects of a bucket: read, written, listed and removed.

import type { S3Client } from './s3-client.ts';
import { elementsOf, textsOf } from './s3-xml.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An object of text, and what the server calls this version of it. */
export interface S3Text {
  readonly text: string;
  readonly etag: string;
}

/** Reads an object of text; `undefined` where there is none. */
export async function getText(client: S3Client, key: string): Promise<S3Text | undefined> {
  const { status, headers, bytes } = await client.send({ method: 'GET', key, also: [404] });
  return status === 404 ? undefined : { text: decoder.decode(bytes), etag: headers.get('etag') ?? '' };
}

/** Writes an object of text. Returns what the server calls this version of it. */
export async function putText(client: S3Client, key: string, text: string): Promise<string> {
  const { headers } = await client.send({ method: 'PUT', key, body: encoder.encode(text) });
  return headers.get('etag') ?? '';
}

/** A condition of a write: there is no object yet, or it is still this version. */
export type S3Condition = { readonly 'if-none-match': '*' } | { readonly 'if-match': string };

/**
 * Writes an object of text under a condition. Returns what the server calls this version of it; `undefined` where the
 * condition does not hold, or where the server knows no conditions.
 */
export async function putTextIf(
  client: S3Client,
  key: string,
  text: string,
  condition: S3Condition,
): Promise<string | undefined> {
  const { status, headers } = await client.send({
    method: 'PUT',
    key,
    body: encoder.encode(text),
    headers: condition,
    also: [400, 404, 412, 501],
  });
  return status === 200 ? (headers.get('etag') ?? '') : undefined;
}

/**
 * Writes an object of text unless there is one. Of several that do so at the same time the first wins where the server
 * knows conditional writes, else the last: read what is there afterwards.
 */
export async function putTextOnce(client: S3Client, key: string, text: string): Promise<void> {
  if ((await putTextIf(client, key, text, { 'if-none-match': '*' })) !== undefined) return;
  if (!(await getText(client, key))) await putText(client, key, text);
}

/** Removes an object; nothing where there is none. */
export async function removeObject(client: S3Client, key: string): Promise<void> {
  await client.send({ method: 'DELETE', key, also: [404] });
}

/** The objects whose keys begin with a prefix, in the order of the server. */
export async function* listObjects(
  client: S3Client,
  prefix: string,
): AsyncGenerator<{ readonly key: string; readonly bytes: number }> {
  let token: string | undefined;
  do {
    const { bytes } = await client.send({
      method: 'GET',
      key: '',
      // XML cannot hold all characters of keys.
      query: { 'list-type': '2', 'encoding-type': 'url', prefix, ...(token && { 'continuation-token': token }) },
    });
    const xml = decoder.decode(bytes);
    const isEncoded = textsOf(xml, 'EncodingType')[0] === 'url';
    for (const element of elementsOf(xml, 'Contents')) {
      const key = textsOf(element, 'Key')[0]!;
      yield {
        key: isEncoded ? decodeURIComponent(key.replace(/\+/g, ' ')) : key,
        bytes: Number(textsOf(element, 'Size')[0]),
      };
    }
    token = textsOf(xml, 'IsTruncated')[0] === 'true' ? textsOf(xml, 'NextContinuationToken')[0] : undefined;
  } while (token);
}

/**
 * Does something with every item, a few at a time. After a failure no more are begun; it is thrown when all that were
 * begun have ended.
 */
export async function fewAtATime<T>(items: Iterable<T>, act: (item: T) => Promise<void>, few = 8): Promise<void> {
  const rest = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (let next = rest.next(); !next.done && !failure; next = rest.next())
      await act(next.value).catch((error: unknown) => (failure ??= { error }));
  };
  await Promise.all(Array.from({ length: few }, work));
  if (failure) throw failure.error;
}
