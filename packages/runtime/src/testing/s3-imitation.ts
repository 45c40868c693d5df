// As much of a server for S3 as a run store asks for, for tests that look into it and make it fail.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const xmlText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

interface Stored {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly token?: string;
}

/** Paths are below /bucket. */
export class S3Imitation {
  readonly objects = new Map<string, Stored>();
  readonly uploads = new Map<string, { key: string; token: string; parts: Map<number, Buffer> }>();
  readonly log: string[] = [];
  conditional = true;
  /** What becomes of a request instead of its answer: a status, a reset before it is done, or one after. */
  fault: (request: string) => number | 'reset' | 'lost' | undefined = () => undefined;
  readonly server: Server = createServer((request, response) => void this.answer(request, response));

  /** Begins; returns what programs for S3 read of the environment. The bucket is `bucket`. */
  async start(): Promise<Record<string, string>> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const { port } = this.server.address() as AddressInfo;
    return { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'hidden', AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
  }

  end(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const url = new URL(request.url!, 'http://s3');
    const key = decodeURIComponent(url.pathname).slice('/bucket/'.length);
    const query = url.searchParams;
    const said = `${request.method} ${key}${url.search}`;
    this.log.push(said);
    const fault = this.fault(said);
    if (fault === 'reset') return void request.socket.destroy();
    const send = (status: number, text: string | Uint8Array = '', headers: Record<string, string> = {}): void => {
      if (fault === 'lost') return void request.socket.destroy();
      response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(text)) });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    const error = (status: number, code: string): void => send(status, `<Error><Code>${code}</Code></Error>`);
    if (typeof fault === 'number') return error(fault, 'SlowDown');
    if (!/^AWS4-HMAC-SHA256 Credential=KEY\//.test(request.headers.authorization ?? ''))
      return error(403, 'AccessDenied');
    if (request.headers['x-amz-content-sha256'] !== sha(body)) return error(400, 'XAmzContentSHA256Mismatch');
    const found = this.objects.get(key);
    const id = query.get('uploadId') ?? '';
    const upload = this.uploads.get(id);
    if (key === '' && query.has('uploads'))
      return send(
        200,
        [...this.uploads]
          .filter(([, { key }]) => key.startsWith(query.get('prefix') ?? ''))
          .map(([id, { key }]) => `<Upload><Key>${xmlText(key)}</Key><UploadId>${id}</UploadId></Upload>`)
          .join(''),
      );
    if (key === '') return send(200, this.listing(query));
    if (request.method === 'POST' && query.has('uploads')) {
      const next = `id-${this.log.length}`;
      this.uploads.set(next, { key, token: String(request.headers['x-amz-meta-deepearth-upload']), parts: new Map() });
      return send(200, `<R><UploadId>${next}</UploadId></R>`);
    }
    if (id && !upload) return error(404, 'NoSuchUpload');
    if (request.method === 'POST') {
      const bytes = Buffer.concat([...upload!.parts].sort(([a], [b]) => a - b).map(([, part]) => part));
      this.objects.set(key, { bytes, etag: `"${md5(bytes)}-${upload!.parts.size}"`, token: upload!.token });
      this.uploads.delete(id);
      return send(200, '<R/>');
    }
    if (request.method === 'PUT' && upload) {
      upload.parts.set(Number(query.get('partNumber')), body);
      return send(200, '', { etag: `"${md5(body)}"` });
    }
    if (request.method === 'PUT') {
      const { 'if-match': match, 'if-none-match': none } = request.headers;
      if (this.conditional && ((none && found) || (match && match !== found?.etag)))
        return error(412, 'PreconditionFailed');
      const etag = `"${md5(body)}"`;
      this.objects.set(key, { bytes: body, etag });
      return send(200, '', { etag });
    }
    if (request.method === 'DELETE') {
      if (upload) this.uploads.delete(id);
      else this.objects.delete(key);
      return send(204);
    }
    if (!found) return error(404, 'NoSuchKey');
    const headers = { etag: found.etag, ...(found.token && { 'x-amz-meta-deepearth-upload': found.token }) };
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    return from
      ? send(206, found.bytes.subarray(Number(from), Number(to) + 1), headers)
      : send(200, found.bytes, headers);
  }

  /** Two keys at a time. */
  listing(query: URLSearchParams): string {
    const after = query.get('continuation-token') ?? '';
    const prefix = query.get('prefix') ?? '';
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const shown = keys.slice(0, 2);
    const contents = shown.map(
      (key) =>
        `<Contents><Key>${encodeURIComponent(key)}</Key><Size>${this.objects.get(key)!.bytes.length}</Size></Contents>`,
    );
    const more = keys.length > 2;
    return `<L><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${xmlText(shown.at(-1)!)}</NextContinuationToken>` : ''}${contents.join('')}</L>`;
  }
}
