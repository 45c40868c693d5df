// Opens what a picture of a series is read from, and notices when a file of it is no longer what it was.

import { InputError, lineage, type InputFile, type Json } from '@deepearth/core';
import type { z } from 'zod';
import { inputFiles as filesOf, keyOf, type RasterIdentity, type RasterPool } from './raster-pool.ts';
import { fileRef, isFile, withPath, type RasterRef, type storedStack } from './raster-ref.ts';
import { stackRasters, type SeriesRaster } from './raster-stack.ts';

/** Opens what a picture is read from, as long as the work takes. */
export async function useRaster<T>(
  pool: RasterPool,
  ref: RasterRef,
  work: (raster: SeriesRaster) => Promise<T> | T,
): Promise<T> {
  const { parts } = ref;
  if (isFile(ref)) return pool.use(parts[0]!.uri, work);
  const opened: SeriesRaster[] = [];
  const open = (index: number): Promise<T> =>
    index === parts.length
      ? Promise.resolve(work(stackRasters(opened, ref)))
      : pool.use(parts[index]!.uri, (raster) => {
          opened[index] = raster;
          return open(index + 1);
        });
  return open(0);
}

/** What tells one content of a picture from another: the identities of its files. */
export interface RefIdentity {
  readonly parts: readonly RasterIdentity[];
  /** Stands for the bytes of all files in keys. */
  readonly content: string;
}

/** Throws what `RasterPool.identify` throws. */
export async function identifyRef(pool: RasterPool, ref: RasterRef): Promise<RefIdentity> {
  const parts: RasterIdentity[] = [];
  for (const { uri } of ref.parts) parts.push(await pool.identify(uri));
  const keys = parts.map((identity, i) => keyOf(ref.parts[i]!.uri, identity));
  return { parts, content: keys.length === 1 ? keys[0]! : lineage('rasters together', ...keys) };
}

/** The files of a picture for the manifest; those on servers are left out. */
export const inputFiles = ({ parts }: RasterRef, identity: RefIdentity): InputFile[] =>
  parts.flatMap(({ uri }, i) => filesOf(uri, identity.parts[i]!));

/** What a locator keeps of the identity of a file. */
export interface KnownIdentity {
  readonly sha256?: string | undefined;
  readonly beside?: string | undefined;
  readonly version?: string | undefined;
}

const known = ({ sha256, beside, version }: KnownIdentity): Partial<RasterIdentity> => ({
  ...(sha256 !== undefined && { sha256 }),
  ...(beside !== undefined && { beside }),
  ...(version !== undefined && { version }),
});

/** The files of a picture, how they are put together, and what tells their content. */
export function stackJson(ref: RasterRef, identity: RefIdentity): Json | undefined {
  if (isFile(ref)) return undefined;
  const { parts, grid, resampling } = ref;
  return {
    parts: parts.map((part, i) => ({ ...part, ...known(identity.parts[i]!) })),
    ...(grid && { grid }),
    resampling,
  } as unknown as Json;
}

/** What a locator kept. Throws an `InputError` where a file is no longer what it was. */
export async function refOfStored(
  pool: RasterPool,
  uri: string,
  identity: KnownIdentity,
  stack: z.output<typeof storedStack>,
): Promise<RasterRef> {
  if (!stack) {
    await pool.identify(uri, known(identity));
    return fileRef(uri);
  }
  for (const part of [{ ...stack.parts[0]!, uri }, ...stack.parts.slice(1)]) await pool.identify(part.uri, known(part));
  const parts = stack.parts.map(({ sha256: _, beside: __, version: ___, ...part }) => part);
  return withPath({ ...stack, parts }, uri);
}

/**
 * Names the item that a picture belongs to where one of its files cannot be read; a file by itself has told its name.
 */
export async function naming<T>(
  { name, ref }: { readonly name: string; readonly ref: RasterRef },
  work: () => Promise<T> | T,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InputError) || ref.parts.some(({ uri }) => uri === name) || error.subject === name)
      throw error;
    throw new InputError(name, error.message, { code: error.code, cause: error });
  }
}
