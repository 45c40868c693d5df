// Tokens and stored layers of clips that were looked at, the latest of them kept.

import { layerBytes, layerPath } from '@deepearth/sinks/explorer/bundle-index';
import { tokensOf, type Bundle } from '../bundle/bundle.ts';
import type { CodedTokens } from '../bundle/vectors.ts';
import type { SearchPool } from '../search/search-pool.ts';

const kept = 24;

export interface ClipTokens {
  tokens(clip: number): Promise<CodedTokens>;
  /** Bytes of a stored layer for the tokens of a clip; `undefined` where the layer lacks it. */
  layer(layer: number, clip: number): Promise<Uint8Array | undefined>;
}

/** Remembers the promises of the `kept` keys that were asked for last. */
function remembering<T>(load: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key) => {
    const found = known.get(key) ?? load(key);
    known.delete(key);
    known.set(key, found);
    found.catch(() => known.delete(key));
    if (known.size > kept) known.delete(known.keys().next().value!);
    return found;
  };
}

export function clipTokens(bundle: Bundle, pool: Pick<SearchPool, 'tokens'>): ClipTokens {
  const tokens = remembering((clip) => pool.tokens(Number(clip)));
  const chunks = remembering(async (path) => {
    const response = await fetch(bundle.url + path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  });
  return {
    tokens: (clip) => tokens(String(clip)),
    async layer(layer, index) {
      const { meaning, without } = bundle.layers[layer]!;
      if (without?.includes(index)) return undefined;
      const clip = bundle.clips[index]!;
      const size = layerBytes[meaning];
      const bytes = await chunks(layerPath(layer, clip.chunk));
      return bytes.subarray(clip.offset * size, (clip.offset + tokensOf(clip)) * size);
    },
  };
}
