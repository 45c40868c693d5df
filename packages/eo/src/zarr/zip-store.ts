// A Zarr store in a ZIP archive.

import { InputError, type ByteSource } from '@deepearth/core';
import { openZip } from '@deepearth/formats/zip';
import { tooShort } from './folder-store.ts';
import type { ZarrStore } from './store.ts';

/** One value at most. */
const mostValueBytes = 2 ** 31;

/**
 * The values of an archive. Of several entries with one name the last counts: Zarr writes metadata again when
 * attributes are added. Where everything lies in one folder of the archive, that folder is the store. Throws an
 * `InputError` for an archive that is damaged.
 */
export async function zipStore(source: ByteSource, signal?: AbortSignal): Promise<ZarrStore> {
  const { entries } = await openZip(source, signal, { repeated: 'last' });
  const root = rootOf(entries.keys());
  return {
    name: source.name,
    async get(key, part, abort) {
      const entry = entries.get(root + key);
      if (!entry) return undefined;
      if (!part) return entry.read(mostValueBytes, abort);
      const { offset, length } = 'last' in part ? { offset: entry.size - part.last, length: part.last } : part;
      if (offset < 0 || offset + length > entry.size)
        throw tooShort(`${source.name}: ${key}`, entry.size, offset, length);
      if (entry.compression === 'deflated')
        return (await entry.read(mostValueBytes, abort)).subarray(offset, offset + length);
      const located = await entry.locate(abort);
      return source.read(located.offset + offset, length, abort);
    },
    list: async (prefix) => {
      const names = new Set<string>();
      for (const name of entries.keys())
        if (name.startsWith(root + prefix)) names.add(name.slice((root + prefix).length).split('/')[0]!);
      return [...names].sort();
    },
    // One file, whose size says more than those of what was packed into it.
    sizes: async () => new Map([[source.name, source.size]]),
    close: () => source.close(),
  };
}

const markers = ['zarr.json', '.zgroup', '.zarray', '.zmetadata'];

/** The folder of the archive that holds the store, "" or with a slash at its end. */
function rootOf(names: Iterable<string>): string {
  const all = [...names];
  if (markers.some((marker) => all.includes(marker))) return '';
  const folders = new Set(all.map((name) => name.split('/')[0]));
  const [only] = folders;
  return folders.size === 1 && markers.some((marker) => all.includes(`${only}/${marker}`)) ? `${only}/` : '';
}

/** Refuses what is no archive by its first bytes. */
export async function isZip(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  if (source.size < 4) return false;
  const head = await source.read(0, 4, signal);
  return head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5);
}

/** For a file that is neither a folder nor an archive. */
export const noStore = (name: string): InputError =>
  new InputError(name, 'is no Zarr store: neither a folder nor a ZIP archive.', {
    code: 'E_NOT_ZARR',
    remedy: 'Name the folder that holds zarr.json, .zgroup or .zarray.',
  });
