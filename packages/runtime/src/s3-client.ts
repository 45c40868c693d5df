// Requests to an S3-compatible server: signed, and asked again where the server or the network fails for a moment.

import { createHash, randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { s3Settings, s3Url, type S3Settings } from './s3-settings.ts';
import { textsOf } from './s3-xml.ts';

/** How often a request is made, and how long is waited before the second; each further wait may be twice as long. */
export interface S3Patience {
  readonly tries: number;
  readonly firstPauseMilliseconds: number;
  /** A request is given up after this, and a second more for every 64 KiB that it sends or asks for. */
  readonly timeoutMilliseconds: number;
}

const usual: S3Patience = { tries: 7, firstPauseMilliseconds: 200, timeoutMilliseconds: 30_000 };
const longestPause = 10_000;

/** What is asked. */
export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Bytes that are expected, for the time that they may take. */
  readonly expectedBytes?: number;
  /** Statuses that are no errors, beside 2xx. */
  readonly also?: readonly number[];
  /** Whether an answer of status 200 says in its text that the server failed, which S3 does after long work. */
  readonly mayFailLate?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  /** How often it was asked: the server may have done more than once what it was asked more than once. */
  readonly attempts: number;
}

/** A bucket. */
export interface S3Client {
  readonly bucket: string;
  /**
   * Throws an `InputError` that names bucket and key: `E_S3` where the server refuses, `E_S3_BROKEN` where it or the
   * network failed every time; and a `DeepEarthError` for settings that are missing or wrong.
   */
  send(request: S3Request): Promise<S3Answer>;
  /** The address of a key on the server. */
  urlOf(key: string): URL;
}

type Signer = typeof import('aws4fetch').AwsV4Signer;

/** What is worth asking again. */
class Passing extends Error {
  readonly afterMilliseconds: number;
  constructor(message: string, afterMilliseconds = 0, cause?: unknown) {
    super(message, { cause });
    this.afterMilliseconds = afterMilliseconds;
  }
}

/** A client for one bucket. Settings are read, and the signing library is loaded, with the first request. */
export function s3Client(
  bucket: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  patience: S3Patience = usual,
): S3Client {
  let known: S3Settings | undefined;
  let signer: Promise<Signer> | undefined;
  // Keys of signatures, which hold for a day.
  const cache = new Map<string, ArrayBuffer>();
  const settings = (): S3Settings => (known ??= s3Settings(env));

  async function ask(request: S3Request): Promise<Omit<S3Answer, 'attempts'>> {
    const { method, key, query = {}, headers = {}, body, expectedBytes = 0, also = [], mayFailLate, signal } = request;
    const { accessKeyId, secretAccessKey, sessionToken, region } = settings();
    const url = s3Url(settings(), bucket, key, query);
    const Signer = await (signer ??= import('aws4fetch').then((library) => library.AwsV4Signer));
    const digest = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const signed = await new Signer({
      method,
      url: url.href,
      // The server compares the digest with what arrives.
      headers: { ...headers, 'x-amz-content-sha256': digest },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken && { sessionToken }),
      service: 's3',
      region,
      cache,
    }).sign();
    // Not signed: some gateways change it. Compressed on the way, lengths and versions would be others.
    signed.headers.set('accept-encoding', 'identity');
    const bytes = Math.max(body?.byteLength ?? 0, expectedBytes);
    const timeout = AbortSignal.timeout(patience.timeoutMilliseconds + Math.ceil(bytes / 65_536) * 1000);
    let answer: Omit<S3Answer, 'attempts'>;
    try {
      const response = await fetch(signed.url, {
        method,
        headers: signed.headers,
        redirect: 'manual',
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        ...(body && { body: body as Uint8Array<ArrayBuffer> }),
      });
      answer = {
        status: response.status,
        headers: response.headers,
        bytes: new Uint8Array(await response.arrayBuffer()),
      };
    } catch (error) {
      signal?.throwIfAborted();
      throw new Passing(timeout.aborted ? 'it was silent for too long' : said(error), 0, error);
    }
    const { status } = answer;
    const done = status >= 200 && status < 300;
    const code = done && !mayFailLate ? undefined : textsOf(text(answer), 'Code')[0];
    if (done ? code === undefined : also.includes(status)) return answer;
    const seconds = Number(answer.headers.get('retry-after') ?? 0);
    if (done || passingStatuses.has(status) || passingCodes.has(code ?? ''))
      throw new Passing(`status ${status}${code ? `, ${code}` : ''}`, Number.isFinite(seconds) ? seconds * 1000 : 0);
    throw refusal(`s3://${bucket}${key && `/${key}`}`, answer, code);
  }

  return {
    bucket,
    urlOf: (key) => s3Url(settings(), bucket, key),
    async send(request) {
      for (let attempt = 1; ; attempt++)
        try {
          return { ...(await ask(request)), attempts: attempt };
        } catch (error) {
          if (!(error instanceof Passing)) throw error;
          if (attempt >= patience.tries)
            throw new InputError(
              `s3://${bucket}${request.key && `/${request.key}`}`,
              `the server was asked ${attempt} times, and failed each time (${error.message}).`,
              {
                code: 'E_S3_BROKEN',
                remedy: 'Look at the server and the network (AWS_ENDPOINT_URL_S3), and run again with --resume.',
                cause: error.cause,
              },
            );
          // Jitter: many workers that a server turned away together do not come back together.
          const longest = Math.min(longestPause, patience.firstPauseMilliseconds * 2 ** (attempt - 1));
          const least = Math.min(longestPause, error.afterMilliseconds);
          await pause(
            least + randomInt(Math.ceil(longest) + 1),
            undefined,
            request.signal ? { signal: request.signal } : {},
          );
        }
    },
  };
}

/** Server errors, too many requests, and two conditional writes that met (409). */
const passingStatuses: ReadonlySet<number> = new Set([408, 409, 429, 500, 502, 503, 504]);
/** Errors that S3 gives other statuses to. */
const passingCodes: ReadonlySet<string> = new Set(['RequestTimeout', 'SlowDown', 'InternalError', 'OperationAborted']);

const text = ({ bytes }: Pick<S3Answer, 'bytes'>): string => new TextDecoder().decode(bytes.subarray(0, 65_536));

const said = (error: unknown): string => {
  const cause = (error as { cause?: { code?: unknown; message?: unknown } }).cause;
  return String(cause?.code ?? cause?.message ?? (error as Error).message);
};

/** By the codes of S3; anything else is said with the status. */
const remedies: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Make the bucket first, or look at its name and at AWS_ENDPOINT_URL_S3.',
  AccessDenied: 'Ask for the right to read, list, write and delete there.',
  InvalidAccessKeyId: 'Look at AWS_ACCESS_KEY_ID, and whether the endpoint is the one that knows it.',
  SignatureDoesNotMatch: 'Look at AWS_SECRET_ACCESS_KEY and AWS_REGION.',
  ExpiredToken: 'Get new keys (AWS_SESSION_TOKEN), and run again with --resume.',
  RequestTimeTooSkewed: 'Set the clock of this machine.',
};

function refusal(
  name: string,
  { status, headers }: Pick<S3Answer, 'status' | 'headers'>,
  code: string | undefined,
): DeepEarthError {
  const region = headers.get('x-amz-bucket-region');
  const elsewhere = status >= 300 && status < 400;
  return new InputError(name, `the server refuses (status ${status}${code ? `, ${code}` : ''}).`, {
    code: 'E_S3',
    remedy: elsewhere
      ? `The bucket is elsewhere: set AWS_REGION${region ? ` to ${region}` : ''}.`
      : (remedies[code ?? ''] ??
        (status === 403 ? remedies.AccessDenied! : 'Look at the address, the keys and AWS_ENDPOINT_URL_S3.')),
  });
}
