// A Zarr store on a web server: every value is a file of its own, and a folder cannot be listed.

import { InputError } from '@deepearth/core';
import { fetchValue, openHttp, type HttpOptions, type HttpSource } from '../http-source.ts';
import { isZip, zipStore } from './zip-store.ts';
import type { ZarrStore } from './store.ts';

/** Values of which several parts were asked for and that are kept open. */
const mostOpen = 32;

/**
 * The values below an address; an address that ends with `.zip` is an archive, read in ranges. A value that the server
 * does not have (status 404) is missing, as in a folder. Throws what `fetchValue` and `openHttp` throw.
 */
export async function httpStore(address: string, signal?: AbortSignal, options: HttpOptions = {}): Promise<ZarrStore> {
  const { pathname } = new URL(address);
  if (/\.zip$/i.test(pathname)) {
    const source = await openHttp(address, { ...options, signal });
    if (await isZip(source, signal)) return zipStore(source, signal);
    throw new InputError(address, 'is no ZIP archive.', { code: 'E_NOT_ZARR', remedy: 'Look at the address.' });
  }
  const urlOf = (key: string): string => {
    const url = new URL(address);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${key.split('/').map(encodeURIComponent).join('/')}`;
    return url.href;
  };
  /** What has been opened in parts: it has to stay the same from one part to the next. */
  const opened = new Map<string, Promise<HttpSource | undefined>>();
  const open = (key: string, abort: AbortSignal | undefined): Promise<HttpSource | undefined> => {
    const known = opened.get(key);
    if (known) return known;
    const source = openHttp(urlOf(key), { ...options, signal: abort }).catch((error: unknown) => {
      opened.delete(key);
      if (error instanceof InputError && error.code === 'E_FILE_MISSING') return undefined;
      throw error;
    });
    opened.set(key, source);
    if (opened.size > mostOpen) opened.delete(opened.keys().next().value!);
    return source;
  };
  return {
    name: address,
    async get(key, part, abort) {
      if (!part) return fetchValue(urlOf(key), { ...options, signal: abort });
      const source = await open(key, abort);
      if (!source) return undefined;
      const { offset, length } = 'last' in part ? { offset: source.size - part.last, length: part.last } : part;
      return source.read(offset, length, abort);
    },
    list: async () => undefined,
    sizes: async () => undefined,
    close: async () => opened.clear(),
  };
}
