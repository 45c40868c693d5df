// What earlier runs left in their stores, proven by digest, so that it need not be made again.

import type { ByteSource } from './byte-source.ts';
import { InputError } from './errors.ts';
import type { Manifest, ManifestOutput } from './manifest.ts';
import { readManifest } from './read-manifest.ts';
import { isSafePath } from './safe-path.ts';
import { createSha256, sha256Aside } from './sha256.ts';
import type { FormerRun } from './stage.ts';
import type { RunStore } from './store.ts';

const isEntry = (value: unknown): value is ManifestOutput => {
  const entry = value as Partial<ManifestOutput> | null;
  return (
    typeof entry?.path === 'string' &&
    // The manifest may come from anywhere: a file outside is neither read nor removed for it.
    isSafePath(entry.path) &&
    typeof entry.sha256 === 'string' &&
    typeof entry.bytes === 'number'
  );
};

/** The books that earlier runs left in a store. Of many files the manifest is large: it is read once, and let go. */
export interface FormerBooks {
  /** Not checked: it may come from anywhere. Absent where there is none, or it is no JSON. */
  readonly manifest?: Partial<Manifest>;
  /** The lines of the journal. */
  readonly journal: readonly string[];
}

/** Reads the manifest and the journal of a store. */
export async function readBooks(store: RunStore): Promise<FormerBooks> {
  const manifest: Partial<Manifest> | null | undefined = await readManifest(store).catch(() => undefined);
  return { ...(manifest && { manifest }), journal: await store.readJournal() };
}

/**
 * Everything that earlier runs had written and that is proven by a digest, by path. A torn line of the journal (a
 * killed run) is left out, and so is a path that leads out of the store.
 */
export function entriesIn({ manifest, journal }: FormerBooks): ReadonlyMap<string, ManifestOutput> {
  const entries = new Map<string, ManifestOutput>();
  for (const list of [manifest?.former, manifest?.outputs])
    for (const entry of Array.isArray(list) ? list : []) if (isEntry(entry)) entries.set(entry.path, entry);
  for (const line of journal) {
    const entry = parse(line);
    if (isEntry(entry)) entries.set(entry.path, entry);
  }
  return entries;
}

/** A store with what earlier runs had written there, where that has been read. */
export interface FormerStore {
  readonly store: RunStore;
  readonly entries?: ReadonlyMap<string, ManifestOutput>;
}

/** Finds items in what former runs left, the first place first. */
export async function formerRuns(places: readonly (FormerStore | FormerRun)[]): Promise<FormerRun> {
  const all = await Promise.all(places.map(async (place) => ('find' in place ? place : formerStore(place))));
  return {
    async find(key) {
      for (const each of all) {
        const file = await each.find(key);
        if (file) return file;
      }
      return undefined;
    },
    lies(key) {
      for (const each of all) {
        const file = each.lies?.(key);
        if (file) return file;
      }
      return undefined;
    },
  };
}

async function formerStore({ store, entries: known }: FormerStore): Promise<FormerRun> {
  const entries = known ?? entriesIn(await readBooks(store));
  const holding = new Map(
    [...entries.values()].flatMap((entry) => [entry.holds ?? []].flat().map((key) => [key, entry] as const)),
  );
  const proven = new Set<string>();
  return {
    async find(key) {
      const entry = holding.get(key);
      // A file of many items is read through once, not once for each of them.
      const file = entry && (await openProven(store, entry, proven.has(entry.path)));
      if (file && Array.isArray(entry.holds)) proven.add(entry.path);
      return file;
    },
  };
}

/** Opens a file of a store if it is what was written there; its size alone is compared where it is `known` to be. */
export async function openProven(
  store: RunStore,
  { path, bytes, sha256 }: ManifestOutput,
  known = false,
): Promise<ByteSource | undefined> {
  const file = await store.get(path);
  if (!file) return undefined;
  if (file.size !== bytes || !known) {
    const proven = file.size === bytes ? await proof(file, sha256) : undefined;
    if (proven !== file) await file.close();
    return proven;
  }
  return file;
}

/** Files up to this size are read once, and proven while other work goes on; larger ones are read in pieces. */
const mostInMemory = 2 ** 27;

/** A file, or what it held, if that has the digest; `undefined` where it has not. */
async function proof(file: ByteSource, sha256: string): Promise<ByteSource | undefined> {
  if (file.size > mostInMemory) return (await digestOf(file)) === sha256 ? file : undefined;
  const bytes = await file.read(0, file.size);
  return (await sha256Aside(bytes)) === sha256 ? inMemory(file.name, bytes) : undefined;
}

function inMemory(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      if (!(offset >= 0 && length >= 0 && offset + length <= bytes.byteLength))
        throw new InputError(
          name,
          `bytes ${offset} to ${offset + length} are asked for, but it has ${bytes.byteLength}: cut short, or not what it says it is.`,
        );
      return bytes.subarray(offset, offset + length);
    },
    close: async () => undefined,
  };
}

/** SHA-256 of a file, read in pieces. */
export async function digestOf(file: ByteSource, signal?: AbortSignal): Promise<string> {
  const hash = createSha256();
  const step = 1 << 20;
  for (let at = 0; at < file.size; at += step) hash.update(await file.read(at, Math.min(step, file.size - at), signal));
  return hash.digest('hex');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
