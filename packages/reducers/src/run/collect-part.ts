// Makes a part of a fit from the tokens of files.

import { pause } from '../shared/pace.ts';
import type { TokenSource } from '../tokens/token-source-node.ts';
import { buildPart } from './parts.ts';
import type { Part, Running, SavableReduction } from './reduction.ts';

/**
 * Sees all tokens of a source, the first of which has the number `from`. The content of the part reads from the source:
 * leave it open until the part has been used.
 */
export async function collectPart(
  reduction: SavableReduction,
  source: TokenSource,
  options: Readonly<Record<string, unknown>>,
  from: number,
  running: Running,
): Promise<Part> {
  const { channels, encoder, path: id, shape, count } = source;
  const { signal, progress } = running;
  const part = buildPart(reduction, { channels, from, encoder }, options, running);
  // All of them are one grid, as the source picks them by one number.
  const grid = { id, index: 0, shape, axes: shape.map((_, axis) => `axis ${axis}`) };
  try {
    let seen = 0;
    for await (const tokens of source.pieces(signal)) {
      await part.see(tokens, grid);
      seen += tokens.rows.length / channels;
      progress?.('reading', seen, count);
      await pause();
    }
    return await part.finish(source);
  } finally {
    await part.close();
  }
}
