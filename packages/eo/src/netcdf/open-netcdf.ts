// Opens a NetCDF file of any format, by its first bytes.

import { InputError, lineage } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';
import type { Cube } from '../cube.ts';
import type { HttpOptions } from '../http-source.ts';
import { openBytes } from '../raster-bytes.ts';
import { checkHdf5 } from './hdf5-head.ts';
import { openNetcdf3 } from './netcdf3.ts';

/** Bytes at the start and the end of an HDF5 file that tell one version of it from another. */
const edgeBytes = 4096;

/**
 * Opens a path, or an address: of NetCDF-3 the ranges that are needed are read from there, NetCDF-4 is downloaded whole
 * first, and once. Throws an `InputError` for what is no NetCDF file (E_NOT_NETCDF), damaged or cut short.
 */
export async function openNetcdf(path: string, signal?: AbortSignal, http: HttpOptions = {}): Promise<Cube> {
  const source = await openBytes(path, { ...http, signal });
  try {
    const { name, size } = source;
    const head = await source.read(0, Math.min(16, size), signal);
    if (head[0] === 0x43 && head[1] === 0x44 && head[2] === 0x46 && head.length > 3)
      return await openNetcdf3(source, signal);
    if ((await checkHdf5(source, signal)) === undefined)
      throw new InputError(name, `is no NetCDF file: ${size ? `it begins with ${shown(head)}` : 'it is empty'}.`, {
        code: 'E_NOT_NETCDF',
        remedy: 'Look at it with a text editor: a failed download is often an HTML page.',
      });
    const digest = await edgesOf(source, signal);
    const { openNetcdf4 } = await import('./netcdf4.ts');
    const local = await localFile(path, source, signal);
    const cube = await openNetcdf4(local, name, digest);
    await source.close();
    return cube;
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function localFile(
  path: string,
  source: ByteSource & { version?: string },
  signal?: AbortSignal,
): Promise<string> {
  const { isHttp } = await import('../http-source.ts');
  if (!isHttp(path)) return path;
  const { downloaded } = await import('./downloaded.ts');
  return downloaded(source, signal);
}

async function edgesOf(source: ByteSource, signal: AbortSignal | undefined): Promise<string> {
  const edge = Math.min(edgeBytes, source.size);
  const [first, last] = [await source.read(0, edge, signal), await source.read(source.size - edge, edge, signal)];
  return lineage(...[first, last].map((bytes) => Buffer.from(bytes).toString('base64')));
}

const shown = (bytes: Uint8Array): string =>
  JSON.stringify(Array.from(bytes, (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·')).join(''));
