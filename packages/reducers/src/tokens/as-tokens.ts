// Embeddings as reducers take them: a grid of tokens with the axes of the embedding, one token where it is one vector.

import type { Embedding, TokenGrid } from '@deepearth/core/items';
import { firstNotFinite } from './finite.ts';

/**
 * The same values as tokens. A vector of an embedding that is NaN throughout is one that saw no data (aggregators make
 * it so), and becomes a masked token.
 */
export function asTokens(item: TokenGrid | Embedding): TokenGrid {
  if (item.kind === 'tokens') return item;
  const { data, shape } = item.values;
  const grid: TokenGrid = { ...item, kind: 'tokens' };
  if (firstNotFinite(data) < 0) return grid;
  const channels = shape.at(-1)!;
  const valid = Uint8Array.from({ length: data.length / channels }, (_, token) =>
    data.subarray(token * channels, (token + 1) * channels).every(Number.isNaN) ? 0 : 255,
  );
  return valid.includes(0) ? { ...grid, valid } : grid;
}
