// Files of shards are found by whoever looks, however many look at once.

import { memoryStore } from '@deepearth/core/memory-store';
import type { RunStore } from '@deepearth/core/store';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { tokensPath } from './shard-sink.ts';
import { shardFiles } from './shard-stores.ts';

/** A store in which the files of keys are proven, and which takes some turns of the event loop to look. */
async function shardOf(keys: readonly string[], turns: () => number): Promise<RunStore> {
  const store = memoryStore();
  const lines: string[] = [];
  for (const key of keys) {
    const path = tokensPath(key);
    const stored = await store.put(path, new TextEncoder().encode(key));
    lines.push(JSON.stringify({ path, ...stored }));
  }
  await store.appendJournal(...lines);
  return {
    ...store,
    async has(path) {
      for (let left = turns(); left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
      return store.has(path);
    },
  };
}

test('every key is found, by searches side by side in any order', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
      async (places, waits) => {
        let asked = 0;
        const turns = (): number => waits[asked++ % waits.length]!;
        const keys = places.map((place, at) => ({ place, key: `clip-${at}` }));
        const tokens = await Promise.all(
          [0, 1, 2, 3].map((shard) =>
            shardOf(
              keys.filter(({ place }) => place === shard).map(({ key }) => key),
              turns,
            ),
          ),
        );
        const files = shardFiles({ tokens });
        const found = await Promise.all(
          [...keys, ...keys].map(async ({ key }) => {
            const file = await files.find(key);
            return file && new TextDecoder().decode(await file.read(0, file.size));
          }),
        );
        expect(found).toEqual([...keys, ...keys].map(({ key }) => key));
        expect(await files.find('another')).toBeUndefined();
      },
    ),
    { numRuns: 60 },
  ));
