// Keeps the tokens of a shard where the run that merges all shards finds them: a file for each key.

import { lineage } from '@deepearth/core/lineage';
import { nameSet, type NameSet } from '@deepearth/core/name-set';
import { spec } from '@deepearth/core/specs';
import { defineSink } from '@deepearth/core/stage';
import type { TokenGrid } from '@deepearth/core/items';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { describeTokenFile } from '@deepearth/formats/token-file';
import { z } from 'zod';

/** The path of the tokens of a key in the store of a shard; a key may be any text. */
export const tokensPath = (key: string): string => `tokens/${lineage('tokens', key)}.safetensors`;

/** Writes every token grid without loss. Of grids of one key, which are the same, it writes one. */
export const shardSink = defineSink({
  type: 'tokens-of-shard',
  summary: 'Keeps token grids for the run that merges the shards.',
  options: z.strictObject({}),
  examples: [],
  joins: 'parallel',
  describe: () => ({ output: spec('artifact', {}, null) }),
  open: async (): Promise<NameSet> => nameSet(),
  async *process(items: AsyncIterable<TokenGrid>, { output, state: written }) {
    for await (const grid of items) {
      const path = tokensPath(grid.key);
      if (!written.add(path)) continue;
      const { tensors, metadata } = describeTokenFile(grid);
      yield await output.write(
        {
          path,
          mediaType: 'application/x-safetensors',
          key: grid.key,
          holds: grid.key,
          about: { kind: 'tokens', ...(grid.clip && { sequence: grid.clip.sequence, clip: grid.clip.id }) },
        },
        await encodeSafetensors(tensors, metadata),
      );
    }
  },
});
