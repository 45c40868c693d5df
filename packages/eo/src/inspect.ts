// Says what a file or store of Earth observation holds, whatever its kind.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '@deepearth/core';
import { openFile } from '@deepearth/formats/file-source-node';
import type { CubeInspectionOptions } from './cube-inspection.ts';
import type { Cube } from './cube.ts';

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

const isAddress = (path: string): boolean => /^https?:\/\//i.test(path);
const pathname = (path: string): string => (isAddress(path) ? new URL(path).pathname : path);

/** The first bytes of a file; none where there is none. */
async function firstBytes(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return new Uint8Array(0);
  const source = await openFile(path);
  try {
    return await source.read(0, Math.min(8, source.size));
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
      const head = Buffer.from(await firstBytes(path)).toString('latin1');
      return /^CDF[\x01\x02\x05]/.test(head) || head === '\x89HDF\r\n\x1a\n';
    },
    async (path, { signal }) => (await import('./netcdf/open-netcdf.ts')).openNetcdf(path, signal),
  ),
];

/**
 * Describes a Zarr store or a NetCDF file, with the fields of `inspectCube`; `undefined` for what is of no kind that this
 * package reads. Throws an `InputError` for one that is damaged.
 */
export async function inspectEarth(path: string, options: CubeInspectionOptions = {}): Promise<Inspected | undefined> {
  for (const kind of kinds) if (await kind.matches(path)) return kind.inspect(path, options);
  return undefined;
}
