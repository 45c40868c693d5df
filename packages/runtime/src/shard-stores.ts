// Where shards keep what they make, and how it is found again.

import { join } from 'node:path';
import type { ByteSource } from '@deepearth/core/byte-source';
import { entriesIn, openProven, readBooks } from '@deepearth/core/former-run';
import { isFitKey, placesPath } from '@deepearth/core/fit-in-shards';
import { lineage } from '@deepearth/core/lineage';
import type { ManifestOutput } from '@deepearth/core/manifest';
import type { FormerRun, FoundFile } from '@deepearth/core/stage';
import type { RunStore } from '@deepearth/core/store';
import type { FolderStore } from './folder-store.ts';
import { isS3 } from './s3-address.ts';
import { tokensPath } from './shard-sink.ts';

/**
 * How many shards' books are in memory at a time: clips come in the order of the shards, those of a second encoder too.
 */
const booksKept = 3;
/** Of how many clips it is known where their tokens lie: more than are on their way through a run. */
const placesKept = 256;

const isFolderStore = (store: RunStore): store is FolderStore => 'folder' in store;

/**
 * Finds files in the stores of shards, each proven by its digest; of as many shards as there may be, few books are in
 * memory.
 */
function filesIn(stores: readonly RunStore[], pathOf: (key: string) => string): FormerRun {
  const books = new Map<RunStore, Promise<ReadonlyMap<string, ManifestOutput>>>();
  const entriesOf = (store: RunStore): Promise<ReadonlyMap<string, ManifestOutput>> => {
    const found = books.get(store) ?? readBooks(store).then(entriesIn);
    books.delete(store);
    books.set(store, found);
    if (books.size > booksKept) books.delete(books.keys().next().value!);
    return found;
  };
  let last = 0;
  const found = new Map<string, FoundFile>();
  return {
    lies: (key) => found.get(key),
    async find(key) {
      const path = pathOf(key);
      // Others look meanwhile, and move `last`: no store may be passed over.
      const first = last;
      for (let step = 0; step < stores.length; step++) {
        const at = (first + step) % stores.length;
        const store = stores[at]!;
        if (!(await store.has(path))) continue;
        const entry = (await entriesOf(store)).get(path);
        const file = entry && (await openProven(store, entry));
        if (!file) continue;
        last = at;
        if (isFolderStore(store)) {
          found.set(key, { path: join(store.folder, path), bytes: entry.bytes, sha256: entry.sha256 });
          if (found.size > placesKept) found.delete(found.keys().next().value!);
        }
        return file;
      }
      return undefined;
    },
  };
}

/** Where the fits of all shards lie, in a store of their own. */
export const fitsPlace = (shards: string): string => (isS3(shards) ? `${shards}/fits` : join(shards, 'fits'));
/** Where a fit, or the model of one, lies in it. */
export const fitPath = (key: string): string => `fits/${lineage(key)}`;

/** What lies in the stores of shards: tokens, places of tokens, and the fits that these were placed by. */
export function shardFiles({
  tokens,
  places = [],
  fits,
}: {
  readonly tokens: readonly RunStore[];
  readonly places?: readonly RunStore[];
  readonly fits?: RunStore;
}): FormerRun {
  const tokensIn = filesIn(tokens, tokensPath);
  const placesIn = filesIn(places, placesPath);
  return {
    // Places and fits are read whole, and written by no sink.
    lies: (key) => tokensIn.lies?.(key),
    async find(key): Promise<ByteSource | undefined> {
      if (!isFitKey(key)) return tokensIn.find(key);
      return key.startsWith('place:') ? placesIn.find(key) : fits?.get(fitPath(key));
    },
  };
}
