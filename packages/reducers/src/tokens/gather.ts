// Reads a sample of spooled tokens into memory.

import { stratifiedSample } from './sample.ts';
import type { Spool } from './spool.ts';

export interface Gathered {
  /** `[count, channels]`: the sampled rows of all grids, one after the other. */
  readonly tokens: Float32Array;
  readonly count: number;
  /** Which rows of each grid they are. */
  readonly rows: readonly Uint32Array[];
}

/** Which rows of each grid a sample of at most `limit` takes. */
export const sampledRows = (spool: Spool, limit: number, seed: number): Uint32Array[] =>
  stratifiedSample(
    spool.grids.map((grid) => grid.rows),
    limit,
    seed,
  );

/** Gathers at most `limit` tokens, each grid's share of them. */
export async function gather(spool: Spool, limit: number, seed: number): Promise<Gathered> {
  const { channels } = spool;
  const rows = sampledRows(spool, limit, seed);
  const count = rows.reduce((sum, chosen) => sum + chosen.length, 0);
  const tokens = new Float32Array(count * channels);
  let at = 0;
  for (const [index, chosen] of rows.entries()) {
    if (chosen.length === 0) continue;
    const grid = await spool.read(index);
    for (const row of chosen) {
      tokens.set(grid.rows.subarray(row * channels, (row + 1) * channels), at);
      at += channels;
    }
  }
  return { tokens, count, rows };
}
