// Opens a NetCDF file of any format, by its first bytes.

import { InputError, lineage } from '@deepearth/core';
import { openFile } from '@deepearth/formats/file-source-node';
import type { Cube } from '../cube.ts';
import { checkHdf5 } from './hdf5-head.ts';
import { openNetcdf3 } from './netcdf3.ts';

/** Bytes at the start and the end of an HDF5 file that tell one version of it from another. */
const edgeBytes = 4096;

/** Opens a local file. Throws an `InputError` for one that is no NetCDF file (E_NOT_NETCDF), damaged or cut short. */
export async function openNetcdf(path: string, signal?: AbortSignal): Promise<Cube> {
  const source = await openFile(path);
  try {
    const { name, size } = source;
    const head = size >= 4 ? await source.read(0, 4, signal) : new Uint8Array(4);
    if (head[0] === 0x43 && head[1] === 0x44 && head[2] === 0x46) return await openNetcdf3(source, signal);
    if ((await checkHdf5(source, signal)) === undefined)
      throw new InputError(name, `is no NetCDF file: ${size ? `it begins with ${shown(await source.read(0, Math.min(16, size), signal))}` : 'it is empty'}.`, {
        code: 'E_NOT_NETCDF',
        remedy: 'Look at it with a text editor: a failed download is often an HTML page.',
      });
    const edge = Math.min(edgeBytes, size);
    const digest = lineage(
      ...[await source.read(0, edge, signal), await source.read(size - edge, edge, signal)].map((bytes) =>
        Buffer.from(bytes).toString('base64'),
      ),
    );
    const { openNetcdf4 } = await import('./netcdf4.ts');
    const cube = await openNetcdf4(path, name, digest);
    await source.close();
    return cube;
  } catch (error) {
    await source.close();
    throw error;
  }
}

const shown = (bytes: Uint8Array): string =>
  JSON.stringify(Array.from(bytes, (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·')).join(''));
