// Says what a file or store of Earth observation holds, whatever its kind.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, type Json } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';
import type { CubeInspectionOptions } from './cube-inspection.ts';
import type { Cube } from './cube.ts';
import { isHttp } from './http-source.ts';
import type { Quicklook } from './quicklook.ts';

/** A description as JSON, and for people. */
export interface Inspected {
  readonly json: { readonly [field: string]: Json };
  readonly text: string;
  /** Where one was asked for. */
  readonly quicklook?: Quicklook;
}

/** How much is looked at. */
export interface InspectEarthOptions extends CubeInspectionOptions {
  /** Draws a small picture, too: of `variable` where one is named. */
  readonly quicklook?: boolean | undefined;
}

/** What is known of a path before it is opened as anything. */
interface Seen {
  /** Without address and query. */
  readonly path: string;
  /** The bytes of a file; absent for a folder, and for an address whose name says enough. */
  readonly source: ByteSource | undefined;
  /** The first of them, as text of one byte each. */
  readonly head: string;
}

/** A kind of files that is described here. */
interface Kind {
  matches(seen: Seen): boolean;
  inspect(path: string, seen: Seen, options: InspectEarthOptions): Promise<Inspected>;
}

const cubeKind = (
  matches: Kind['matches'],
  open: (path: string, options: CubeInspectionOptions) => Promise<Cube>,
): Kind => ({
  matches,
  async inspect(path, _, options) {
    const cube = await open(path, options);
    try {
      const { cubeText, inspectCube } = await import('./cube-inspection.ts');
      const json = await inspectCube(cube, options);
      const described = { json, text: cubeText(json) };
      if (!options.quicklook) return described;
      const { cubeQuicklook } = await import('./quicklook.ts');
      return { ...described, quicklook: await cubeQuicklook(cube, options) };
    } finally {
      await cube.close();
    }
  },
});

const kinds: readonly Kind[] = [
  cubeKind(
    ({ path }) => isZarrName(path),
    async (path, { variable, signal }) =>
      (await import('./zarr/open-zarr.ts')).openZarr(path, { names: variable === undefined ? [] : [variable], signal }),
  ),
  cubeKind(
    ({ path, head }) =>
      /\.(?:nc|nc4|cdf)$/i.test(path) || /^CDF[\x01\x02\x05]/.test(head) || head.startsWith('\x89HDF\r\n\x1a\n'),
    async (path, { signal }) => (await import('./netcdf/open-netcdf.ts')).openNetcdf(path, signal),
  ),
  {
    matches: ({ head }) => /^(?:II[*+]\0|MM\0[*+])/.test(head),
    async inspect(path, { source }, { variable, digest = false, quicklook = false, signal }) {
      if (variable !== undefined)
        throw new InputError(path, 'has bands and no variables.', {
          code: 'E_VARIABLE',
          remedy: 'Leave `--variable` out.',
        });
      const [{ inspectGeoTiff }, { openSidecars }] = await Promise.all([
        import('./geotiff/inspect.ts'),
        import('./geotiff/sidecars.ts'),
      ]);
      const beside = await openSidecars(path);
      try {
        const json = await inspectGeoTiff(source!, { digest, signal, beside });
        const lines = Object.entries(json).map(
          ([name, value]) => `${name.padEnd(16)} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
        );
        const described = { json, text: lines.join('\n') };
        if (!quicklook) return described;
        const [{ geotiffOf }, { rasterQuicklook }] = await Promise.all([
          import('./geotiff/open-geotiff.ts'),
          import('./quicklook.ts'),
        ]);
        const raster = await geotiffOf({ ...source!, close: () => Promise.resolve() }, signal, beside);
        return { ...described, quicklook: await rasterQuicklook(raster, signal) };
      } finally {
        await beside.close();
      }
    },
  },
  {
    // Files of tensors may begin with such a byte too, but not without a zero after it.
    matches: ({ head }) => /^(?:\xef\xbb\xbf)?\s*\{[^\0]*$/.test(head),
    async inspect(path, { source }, { variable, quicklook = false, signal }) {
      if (variable !== undefined)
        throw new InputError(path, 'has items and no variables.', {
          code: 'E_VARIABLE',
          remedy: 'Leave `--variable` out.',
        });
      const { inspectStac, stacQuicklook, stacText } = await import('./stac/inspect.ts');
      const { json, found } = await inspectStac(path, source!.size, signal);
      const described = { json, text: stacText(json) };
      return quicklook ? { ...described, quicklook: await stacQuicklook(path, found, signal) } : described;
    },
  },
];

const isZarrName = (path: string): boolean => /\.zarr(?:\.zip)?\/?$/i.test(path);

/** Whether a path is that of a Zarr store: by its name, or a folder that holds the metadata of one. */
export async function isZarr(path: string): Promise<boolean> {
  if (isZarrName(isHttp(path) ? new URL(path).pathname : path)) return true;
  for (const name of ['zarr.json', '.zgroup', '.zarray', '.zmetadata'])
    if (await stat(join(path, name)).catch(() => undefined)) return true;
  return false;
}

/**
 * Describes a Zarr store or a NetCDF file, with the fields of `inspectCube`, a TIFF, with those of `inspectGeoTiff`, or
 * a STAC document, with those of `inspectStac`; `undefined` for what is of no kind that this package reads. `source`
 * holds the bytes of the path, unless it is a Zarr store; it stays open. Throws an `InputError` for what is damaged.
 */
export async function inspectEarth(
  path: string,
  source: ByteSource | undefined,
  options: InspectEarthOptions = {},
): Promise<Inspected | undefined> {
  const bytes = source && (await source.read(0, Math.min(8, source.size), options.signal));
  const seen: Seen = {
    // A folder without the name of a store is one all the same: `isZarr` has looked into it.
    path: source ? (isHttp(path) ? new URL(path).pathname : path) : 'store.zarr',
    source,
    head: bytes ? Buffer.from(bytes).toString('latin1') : '',
  };
  return kinds.find((kind) => kind.matches(seen))?.inspect(path, seen, options);
}
