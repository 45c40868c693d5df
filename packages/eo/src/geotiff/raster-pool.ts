// Keeps the files of a series open while frames are read from them, and notices when one is no longer what it was.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { InputError, lineage, type InputFile } from '@deepearth/core';
import { withoutUrlSecrets } from '@deepearth/core/secrets';
import { sha256Of } from '@deepearth/core/sha256';
import { isHttp } from '../http-source.ts';
import { openGeoTiff, type GeoTiff } from './open-geotiff.ts';
import { presentSidecars } from './sidecars.ts';

/** What tells one content of a file from another. */
export interface RasterIdentity {
  /** SHA-256 of a file on disk. */
  readonly sha256?: string;
  /** Files beside it that it is read with; absent where there are none. */
  readonly sidecars?: readonly InputFile[];
  /** A digest of what those are called and hold. */
  readonly beside?: string;
  /** What a server calls this version of the file, and its length. */
  readonly version?: string;
  readonly bytes: number;
}

/** Open files by path or address. */
export interface RasterPool {
  /** Works with an open file; it stays open as long as the work takes, and as long as there is room after that. */
  use<T>(uri: string, work: (raster: GeoTiff) => Promise<T> | T): Promise<T>;
  /**
   * What the file is, and those beside it. Reads files on disk whole, once. Throws an `InputError` with the code
   * E_INPUT_CHANGED where `known` says something else.
   */
  identify(uri: string, known?: Partial<RasterIdentity>): Promise<RasterIdentity>;
  close(): Promise<void>;
}

/** Files that stay open at a time. */
const mostOpen = 24;

const changed = (uri: string): InputError =>
  new InputError(uri, 'has changed since it was first read.', {
    code: 'E_INPUT_CHANGED',
    remedy: 'Run again when nothing writes to it any more.',
  });

/** With the times of change of its files. */
type Found = RasterIdentity & { readonly modified: ReadonlyMap<string, number> };

interface Open {
  readonly raster: Promise<GeoTiff>;
  users: number;
}

/** Opens files as they are needed. Requests are given up with `signal`. */
export function rasterPool(signal: AbortSignal | undefined, timeoutSeconds?: number): RasterPool {
  const open = new Map<string, Open>();
  const known = new Map<string, Promise<Found>>();
  let closed = false;

  const use = <T>(uri: string, work: (raster: GeoTiff) => Promise<T> | T): Promise<T> =>
    opened(uri, async (raster) => {
      await sameAsBefore(uri, raster);
      return work(raster);
    });

  async function opened<T>(uri: string, work: (raster: GeoTiff) => Promise<T> | T): Promise<T> {
    if (closed) return alone(uri, work);
    let entry = open.get(uri);
    if (!entry) {
      entry = { raster: openGeoTiff(uri, { signal, timeoutSeconds }), users: 0 };
      entry.raster.catch(() => open.delete(uri));
    }
    // Used longest ago first.
    open.delete(uri);
    open.set(uri, entry);
    entry.users++;
    try {
      return await work(await entry.raster);
    } finally {
      entry.users--;
      await evict();
    }
  }

  /** Frames may be read after their run has ended; nothing is kept open for them. */
  async function alone<T>(uri: string, work: (raster: GeoTiff) => Promise<T> | T): Promise<T> {
    const raster = await openGeoTiff(uri, { timeoutSeconds });
    try {
      return await work(raster);
    } finally {
      await raster.close();
    }
  }

  async function evict(): Promise<void> {
    for (const [uri, { raster, users }] of open) {
      if (open.size <= mostOpen) return;
      if (users > 0) continue;
      open.delete(uri);
      await (await raster).close();
    }
  }

  /** A file that was opened again may be another one. */
  async function sameAsBefore(uri: string, { version, size }: GeoTiff): Promise<void> {
    const before = await known.get(uri)?.catch(() => undefined);
    if (!before) return;
    if (size !== before.bytes || version !== before.version) throw changed(uri);
    for (const [path, modified] of before.modified)
      if ((await stat(path).catch(() => undefined))?.mtimeMs !== modified) throw changed(path);
  }

  async function find(uri: string): Promise<Found> {
    // Not by `use`, which waits for what is found here.
    if (isHttp(uri))
      return opened(uri, ({ version, size }) => ({
        bytes: size,
        ...(version !== undefined && { version }),
        modified: new Map(),
      }));
    const modified = new Map<string, number>();
    const read = async (path: string): Promise<InputFile> => {
      const { size: bytes, mtimeMs } = await stat(path);
      modified.set(path, mtimeMs);
      return { path, bytes, sha256: await sha256Of(createReadStream(path, { highWaterMark: 1 << 20, signal })) };
    };
    const { bytes, sha256 } = await read(uri);
    const sidecars: InputFile[] = [];
    for (const path of await presentSidecars(uri)) sidecars.push(await read(path));
    const beside = sidecars.flatMap((file) => [file.path.slice(uri.length), file.sha256]);
    return { bytes, sha256, ...(sidecars.length > 0 && { sidecars, beside: lineage(...beside) }), modified };
  }

  return {
    use,
    async identify(uri, before) {
      let found = known.get(uri);
      if (!found) {
        found = find(uri);
        found.catch(() => known.delete(uri));
        known.set(uri, found);
      }
      const { modified: _, ...identity } = await found;
      if (before?.sha256 !== undefined && before.sha256 !== identity.sha256) throw changed(uri);
      if (before?.version !== undefined && before.version !== identity.version) throw changed(uri);
      if (before?.sha256 !== undefined && before.beside !== identity.beside) throw changed(uri);
      return identity;
    },
    async close() {
      closed = true;
      for (const { raster } of open.values()) await (await raster.catch(() => undefined))?.close();
      open.clear();
    },
  };
}

/** The part of a key that stands for the bytes of a file: their digest, or what a server calls them. */
export const keyOf = (uri: string, { sha256, beside, version, bytes }: RasterIdentity): string =>
  sha256 === undefined
    ? lineage('remote raster', unsigned(uri), version ?? null, bytes)
    : beside === undefined
      ? sha256
      : lineage('raster with files beside it', sha256, beside);

/**
 * An address that is signed anew each day is that of the same file: without the query of the signature, and without
 * users.
 */
function unsigned(uri: string): string {
  if (withoutUrlSecrets(uri) === uri) return uri;
  const { origin, pathname } = new URL(uri);
  return origin + pathname;
}

/** For the manifest; none for a file on a server, whose digest nobody knows. */
export const inputFiles = (path: string, { sha256, bytes, sidecars = [] }: RasterIdentity): readonly InputFile[] =>
  sha256 === undefined ? [] : [{ path, bytes, sha256 }, ...sidecars];
