// Says what a file or store of Earth observation holds, whatever its kind.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, type Json } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';
import type { CubeInspectionOptions } from './cube-inspection.ts';
import type { Cube } from './cube.ts';
import { isHttp } from './http-source.ts';
import { openBytes } from './raster-bytes.ts';

/** A description as JSON, and for people. */
export interface Inspected {
  readonly json: { readonly [field: string]: Json };
  readonly text: string;
}

/** A kind of files that is described here. */
interface Kind {
  /** Whether a path is of this kind: by its first bytes, or by its name where there is nothing to read. */
  matches(path: string): Promise<boolean>;
  inspect(path: string, options: CubeInspectionOptions): Promise<Inspected>;
}

const pathname = (path: string): string => (isHttp(path) ? new URL(path).pathname : path);

/** Whether the first bytes of a file on disk, or on a server, are as `test` says. */
async function begins(path: string, test: (source: ByteSource) => Promise<boolean> | boolean): Promise<boolean> {
  if (!isHttp(path) && !(await stat(path).catch(() => undefined))?.isFile()) return false;
  const source = await openBytes(path);
  try {
    return await test(source);
  } finally {
    await source.close();
  }
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;

const cubeKind = (matches: Kind['matches'], open: (path: string, options: CubeInspectionOptions) => Promise<Cube>): Kind => ({
  matches,
  async inspect(path, options) {
    const cube = await open(path, options);
    try {
      const { cubeText, inspectCube } = await import('./cube-inspection.ts');
      const json = await inspectCube(cube, options);
      return { json, text: cubeText(json) };
    } finally {
      await cube.close();
    }
  },
});

const kinds: readonly Kind[] = [
  cubeKind(
    async (path) => {
      if (/\.zarr(?:\.zip)?\/?$/i.test(pathname(path))) return true;
      for (const name of ['zarr.json', '.zgroup', '.zarray', '.zmetadata']) if (await exists(join(path, name))) return true;
      return false;
    },
    async (path, { variable, signal }) =>
      (await import('./zarr/open-zarr.ts')).openZarr(path, { names: variable === undefined ? [] : [variable], signal }),
  ),
  cubeKind(
    async (path) => {
      if (/\.(?:nc|nc4|cdf)$/i.test(pathname(path))) return true;
      return begins(path, async (source) => {
        const head = Buffer.from(await source.read(0, Math.min(8, source.size))).toString('latin1');
        return /^CDF[\x01\x02\x05]/.test(head) || head === '\x89HDF\r\n\x1a\n';
      });
    },
    async (path, { signal }) => (await import('./netcdf/open-netcdf.ts')).openNetcdf(path, signal),
  ),
  {
    matches: (path) => begins(path, async (source) => (await import('./geotiff/inspect.ts')).isTiff(source)),
    async inspect(path, { variable, digest = false, signal }) {
      if (variable !== undefined)
        throw new InputError(path, 'has bands and no variables.', {
          code: 'E_VARIABLE',
          remedy: 'Leave `--variable` out.',
        });
      const { inspectGeoTiff } = await import('./geotiff/inspect.ts');
      const source = await openBytes(path, { signal });
      try {
        const json = await inspectGeoTiff(source, { digest, signal });
        const lines = Object.entries(json).map(
          ([name, value]) => `${name.padEnd(16)} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
        );
        return { json, text: lines.join('\n') };
      } finally {
        await source.close();
      }
    },
  },
];

/**
 * Describes a Zarr store or a NetCDF file, with the fields of `inspectCube`, or a TIFF, with those of `inspectGeoTiff`; `undefined` for what is of no kind that this
 * package reads. Throws an `InputError` for one that is damaged.
 */
export async function inspectEarth(path: string, options: CubeInspectionOptions = {}): Promise<Inspected | undefined> {
  for (const kind of kinds) if (await kind.matches(path)) return kind.inspect(path, options);
  return undefined;
}
