// A file on a web server as a byte source: it is read in ranges, and noticed when it changes.

import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { ByteSource } from '@deepearth/core/byte-source';
import { concat } from '@deepearth/core/concat';
import { InputError } from '@deepearth/core/errors';

/** How patient reading from a server is. */
export interface HttpOptions {
  /** Seconds without a single byte until a request is given up; 30 by default. */
  readonly timeoutSeconds?: number | undefined;
  /** How often a request is repeated after it was given up, dropped, or answered with 429 or 5xx; 3 by default. */
  readonly retries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes on a server. */
export interface HttpSource extends ByteSource {
  /**
   * What the server calls this version of the file: an `ETag`, or else the date of its last change; absent without
   * both.
   */
  readonly version?: string;
}

/** The first request asks for this much: the directories of most cloud-optimised files. */
const firstBytes = 1 << 16;

const remedies = {
  ranges: 'Download it, or serve it from where ranges of bytes can be asked for (object stores, nginx, Apache can).',
  again: 'Run again; with `onError: skip` beside its `with`, the source goes on without it.',
  address: 'Look at the address, and whether it needs you to be signed in.',
  changed: 'Run again when nothing replaces the file any more.',
} as const;

/** What is worth asking again. */
class Passing extends Error {}

/**
 * Opens `http://…` or `https://…`. Throws an `InputError` that names the address: E_HTTP_RANGES for a server that
 * ignores ranges, E_HTTP for one that refuses, E_HTTP_BROKEN for one that drops the connection or keeps silent, and
 * from then on E_INPUT_CHANGED where `ETag`, date or length are no longer those of the first answer.
 */
export async function openHttp(url: string, options: HttpOptions = {}): Promise<HttpSource> {
  const first = await fetchRange(url, 0, firstBytes, options);
  const start = first.bytes;
  const { size, version } = first;
  return {
    name: url,
    size,
    ...(version !== undefined && { version }),
    async read(offset, length, signal = options.signal) {
      if (offset < 0 || length < 0 || offset + length > size)
        throw new InputError(url, `has ${size} bytes, and bytes ${offset} to ${offset + length} of it are asked for.`, {
          code: 'E_FILE_TRUNCATED',
          remedy: 'It was cut short: upload it again.',
        });
      if (offset + length <= start.length) return start.subarray(offset, offset + length);
      if (length === 0) return new Uint8Array();
      const found = await fetchRange(url, offset, length, { ...options, signal });
      if (found.size !== size || found.version !== version)
        throw new InputError(url, 'has changed on the server since it was opened.', {
          code: 'E_INPUT_CHANGED',
          remedy: remedies.changed,
        });
      return found.bytes;
    },
    close: () => Promise.resolve(),
  };
}

/** Whether a path is an address that is read over HTTP. */
export const isHttp = (path: string): boolean => /^https?:\/\//i.test(path);

interface Range {
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly version: string | undefined;
}

/**
 * A whole file; `undefined` where the server has none (status 404). Throws an `InputError` as `openHttp` does, and
 * E_EXCESSIVE for one of more than `mostBytes`.
 */
export const fetchValue = (url: string, options: HttpOptions & { readonly mostBytes?: number } = {}) =>
  patiently(url, options, () =>
    ask(url, {}, options, async (answer, awaken) => {
      const { status, headers } = answer;
      if (status !== 200) await answer.body?.cancel();
      if (status === 404) return undefined;
      if (status !== 200) throw refusal(url, status, headers);
      const { mostBytes = 2 ** 31 } = options;
      // Of what was compressed on the way the length is that of the compressed bytes.
      const declared = headers.get('content-encoding') ? null : headers.get('content-length');
      const pieces: Uint8Array[] = [];
      let done = 0;
      for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
        awaken();
        done += piece.length;
        if (done > mostBytes) throw new InputError(url, `sends more than ${mostBytes} bytes.`, { code: 'E_EXCESSIVE' });
        pieces.push(piece);
      }
      if (declared !== null && done < Number(declared)) throw new Passing(`ended after ${done} of ${declared} bytes`);
      return concat(pieces);
    }),
  );

const fetchRange = (url: string, offset: number, length: number, options: HttpOptions): Promise<Range> =>
  patiently(url, options, () =>
    ask(url, { range: `bytes=${offset}-${offset + length - 1}` }, options, async (answer, awaken) => {
      const { status } = answer;
      if (status !== 206) {
        await answer.body?.cancel();
        throw refusal(url, status, answer.headers);
      }
      const { from, size } = contentRange(url, answer.headers.get('content-range'));
      const expected = Math.min(length, size - offset);
      if (from !== offset) throw new Passing(`sent bytes from ${from} where those from ${offset} were asked for`);
      const bytes = new Uint8Array(expected);
      let done = 0;
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        awaken();
        if (done + chunk.length > expected)
          throw new Passing(`sent more than the ${expected} bytes that were asked for`);
        bytes.set(chunk, done);
        done += chunk.length;
      }
      if (done < expected) throw new Passing(`ended after ${done} of ${expected} bytes`);
      return { bytes, size, version: answer.headers.get('etag') ?? answer.headers.get('last-modified') ?? undefined };
    }),
  );

/** Asks again, after a random pause that grows, as long as what went wrong may pass. */
async function patiently<T>(url: string, { retries = 3, signal }: HttpOptions, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++)
    try {
      return await work();
    } catch (cause) {
      signal?.throwIfAborted();
      if (!(cause instanceof Passing)) throw cause;
      if (tries >= retries)
        throw new InputError(url, `${cause.message} (asked ${tries + 1} times).`, {
          code: 'E_HTTP_BROKEN',
          remedy: remedies.again,
          cause,
        });
      // Jitter: many workers that a server turned away together do not come back together.
      await pause(50 * 4 ** tries + randomInt(100 * 4 ** tries), undefined, signal ? { signal } : {});
    }
}

/** One request, given up after a silence; `take` calls `awaken` whenever something has come. */
async function ask<T>(
  url: string,
  headers: Readonly<Record<string, string>>,
  { timeoutSeconds = 30, signal }: HttpOptions,
  take: (answer: Response, awaken: () => void) => Promise<T>,
): Promise<T> {
  const silence = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const awaken = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), timeoutSeconds * 1000);
  };
  awaken();
  try {
    const answer = await fetch(url, {
      headers: { ...headers, 'accept-encoding': 'identity' },
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    });
    return await take(answer, awaken);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof InputError || cause instanceof Passing) throw cause;
    throw silence.signal.aborted
      ? new Passing(`sent nothing for ${timeoutSeconds} seconds`, { cause })
      : new Passing(`could not be read: ${reasonOf(cause)}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** Undici hides what happened behind "fetch failed". */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message : String(inner);
}

function refusal(url: string, status: number, headers: Headers): Error {
  if (status === 200)
    return new InputError(url, 'comes from a server that ignores ranges: it sends the whole file for any part of it.', {
      code: 'E_HTTP_RANGES',
      remedy: remedies.ranges,
    });
  if (status === 416 || headers.get('content-length') === '0')
    return new InputError(url, 'is empty.', { code: 'E_FILE_EMPTY', remedy: 'Upload it again.' });
  if (status === 429 || status >= 500) return new Passing(`was refused with status ${status}`);
  return new InputError(url, `was refused by the server with status ${status}.`, {
    code: status === 404 ? 'E_FILE_MISSING' : 'E_HTTP',
    remedy: remedies.address,
  });
}

function contentRange(url: string, header: string | null): { from: number; size: number } {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(header ?? '');
  if (!match)
    throw new InputError(url, 'comes from a server that does not say how long the file is.', {
      code: 'E_HTTP_RANGES',
      remedy: remedies.ranges,
    });
  return { from: Number(match[1]), size: Number(match[2]) };
}
