// Reads JSON documents of a STAC catalog, from disk or from a server, and finds what they link to.

import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '@deepearth/core';
import { openFile } from '@deepearth/formats/file-source-node';
import { fetchValue, isHttp, type HttpOptions } from '../http-source.ts';

/** A JSON object. */
export type JsonObject = { readonly [name: string]: unknown };

/** A document that is larger is refused. */
const mostBytes = 2 ** 28;

/** The bytes of a document. Throws an `InputError` that names it. */
export async function readDocument(uri: string, options: HttpOptions): Promise<Uint8Array> {
  if (isHttp(uri)) {
    const found = await fetchValue(uri, { ...options, mostBytes });
    if (found) return found;
    throw new InputError(uri, 'is not on the server (status 404).', {
      code: 'E_FILE_MISSING',
      remedy: 'Look at the address, or at the link that leads there.',
    });
  }
  if (hasScheme(uri))
    throw new InputError(uri, 'is neither a file nor an address that is read (https://).', {
      code: 'E_ASSET',
      remedy: 'Download it, or name a catalog whose links lead to https://.',
    });
  const file = await openFile(uri);
  try {
    if (file.size > mostBytes)
      throw new InputError(uri, `has ${file.size} bytes; documents of more than ${mostBytes} are refused.`, {
        code: 'E_EXCESSIVE',
        remedy: 'Split it into several, and name them all.',
      });
    return await file.read(0, file.size, options.signal);
  } finally {
    await file.close();
  }
}

/** Whether a place is an address; one letter is a drive of Windows. */
export const hasScheme = (place: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(place);

/** Whether a value is a JSON object. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Throws an `InputError` with the code E_STAC for what is no JSON object. */
export function parseDocument(bytes: Uint8Array, uri: string): JsonObject {
  let value: unknown;
  try {
    // A byte order mark is no part of JSON, and some editors write one.
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw notStac(uri, `is no JSON: ${cause instanceof Error ? cause.message : String(cause)}.`, cause);
  }
  if (!isObject(value)) throw notStac(uri, 'is JSON, but no object of STAC.');
  return value;
}

/** The error for what is no STAC. */
export const notStac = (uri: string, finding: string, cause?: unknown): InputError =>
  new InputError(uri, finding, {
    code: 'E_STAC',
    remedy:
      'Name a STAC item, a collection of items as a search returns it, a collection or a catalog; a failed download is often an HTML page.',
    ...(cause !== undefined && { cause }),
  });

/**
 * Where a link leads, seen from the document it stands in: a path, or an address of any scheme. A path may be written
 * as in an address (`%20` for a space) or as it is. A document on a server leads to no file on this machine: `file://`
 * stays an address there, which is not read.
 */
export async function resolveHref(base: string, href: string): Promise<string> {
  if (isHttp(base)) return hasScheme(href) ? href : new URL(href, base).href;
  if (/^file:\/\//i.test(href)) return fileURLToPath(href);
  if (hasScheme(href)) return href;
  const path = isAbsolute(href) ? href : join(dirname(base), href);
  if (!path.includes('%') || (await stat(path).catch(() => undefined))) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
