// What shards do of a fit to a whole run: a part each, then, by the model that was fitted to all parts, the places of
// their tokens.

import type { ByteSource } from '@deepearth/core/byte-source';
import { partKeysPath, partPath, placesPath } from '@deepearth/core/fit-in-shards';
import type { FitOfParts } from '@deepearth/core/stage';
import type { Artifact, Embedding, TokenGrid } from '@deepearth/core/items';
import { encodeModel } from '../models/model-file.ts';
import { encodePart, readPart } from '../models/part-file.ts';
import { asTokens } from '../tokens/as-tokens.ts';
import { tokenStore, validRows } from '../tokens/spool.ts';
import { buildPart, fitPart, mergeParts, type PartBuilder } from './parts.ts';
import { readyFit } from './ready-fit.ts';
import { ownOptions, seenGrid, spoolOf, type RunContext } from './reduce-run.ts';
import type { Part, SavableReduction } from './reduction.ts';

type Items = AsyncIterable<TokenGrid | Embedding>;

/** Sees the grids of a shard and writes its part of the fit. */
export async function* collectInShard(
  items: Items,
  context: RunContext,
  reduction: SavableReduction,
  first: number,
): AsyncGenerator<Artifact> {
  const { id, signal, output } = context;
  const options = ownOptions(reduction, context.options);
  const spool = await spoolOf(context);
  let part: PartBuilder | undefined;
  try {
    for await (const grid of items) {
      const tokens = await context.attempt(grid, () => spool.append(asTokens(grid)));
      if (!tokens) continue;
      part ??= buildPart(reduction, { channels: spool.channels, from: first, encoder: grid.encoder }, options, {
        signal,
      });
      await part.see(tokens, seenGrid(spool.grids.at(-1)!, spool.grids.length - 1));
      spool.release(tokens);
    }
    if (!part) return;
    const keys = spool.grids.map(({ key }) => key);
    const key = context.key('part', String(first), keys);
    yield await output.write(
      { path: partPath(id), mediaType: 'application/x-safetensors', key },
      await encodePart(reduction, await part.finish(spool)),
    );
    yield await output.write(
      { path: partKeysPath(id), mediaType: 'application/json', key },
      new TextEncoder().encode(JSON.stringify({ seed: context.key(), keys })),
    );
  } finally {
    await part?.close();
  }
}

/** Fits to the parts of all shards, of which two are in memory at a time; see `FitInShards`. */
export async function fitOfParts(
  parts: AsyncIterable<ByteSource>,
  reduction: SavableReduction,
  { options: given, signal, progress }: FitOfParts,
): Promise<Uint8Array | undefined> {
  const options = ownOptions(reduction, given as Readonly<Record<string, unknown>>);
  let whole: Part | undefined;
  for await (const file of parts) {
    const part = await readPart(reduction, file, signal);
    const merged: Part = await mergeParts(reduction, whole ? [whole, part] : [part], options, { signal });
    // What was merged reads from what it was made of, until it is put down.
    whole = {
      ...merged,
      content: reduction.unpack(await reduction.pack(merged.content), merged.channels, file.name),
    };
  }
  if (!whole || whole.count === 0) return undefined;
  const model = await fitPart(reduction, whole, options, { signal, progress });
  try {
    const { state, limits = [] } = model as typeof model & Required<Pick<typeof model, 'state'>>;
    return await encodeModel({ state: state(), ...(whole.encoder && { encoder: whole.encoder }), limits });
  } finally {
    await model.close?.();
  }
}

/** Places the grids of a shard by the fit to all shards, as the run of the whole pipeline would. */
export async function* placeInShard(items: Items, context: RunContext): AsyncGenerator<Artifact> {
  const { signal, output, options } = context;
  const ready = await readyFit(context);
  try {
    const room = await context.scratch('tokens');
    for await (const grid of items) {
      if (!ready) continue;
      const written = await context.attempt(grid, async () => {
        // Tokens are rounded on their way as those of a whole run are.
        const store = tokenStore(room, options.spool);
        const rows = await store.rows(await store.put(grid.key, await validRows(asTokens(grid), signal)), signal);
        const { buffer, byteOffset, byteLength } = await ready.model.transform(rows, signal);
        await room.clear();
        const key = ready.placed(grid.key);
        return output.write(
          { path: placesPath(key), mediaType: 'application/octet-stream', key },
          new Uint8Array(buffer, byteOffset, byteLength),
        );
      });
      if (written) yield written;
    }
  } finally {
    await ready?.model.close?.();
  }
}
