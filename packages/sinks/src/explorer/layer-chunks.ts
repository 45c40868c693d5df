// Puts the layers of clips into the chunks of their tokens.

import { InputError, type Projection } from '@deepearth/core';
import { layerBytes, type BundleClip, type BundleLayer } from './bundle-index.ts';
import { bytesOfLayer, layerMeaning } from './layer-bytes.ts';

/** Bytes of a whole chunk. */
export interface LayerChunk {
  readonly chunk: number;
  readonly bytes: Uint8Array;
}

/** One chunk at a time in memory. */
export interface LayerChunks {
  /** Returns chunks that are whole: projections come in the order of the clips, and some may be missing. */
  add(projection: Projection): LayerChunk[];
  /** What is left, and what is said of the layer in the index; nothing where no projection came. */
  end(): { readonly chunks: LayerChunk[]; readonly layer: BundleLayer | undefined };
}

/** `clips` by the id of their tokens; `chunks` are the tokens of each. */
export function layerChunks(clips: ReadonlyMap<string, BundleClip>, chunks: readonly number[]): LayerChunks {
  let layer: Omit<BundleLayer, 'without'> | undefined;
  let bytes: Uint8Array | undefined;
  let current = 0;
  const seen = new Set<string>();
  const ids = [...clips.keys()];

  const sizeOf = (chunk: number): number => chunks[chunk]! * layerBytes[layer!.meaning];
  /** All chunks before this one. */
  const upTo = (chunk: number): LayerChunk[] => {
    const whole: LayerChunk[] = [];
    for (; current < chunk; current++) {
      whole.push({ chunk: current, bytes: bytes ?? new Uint8Array(sizeOf(current)) });
      bytes = undefined;
    }
    return whole;
  };

  return {
    add(projection) {
      const { id, reducer, limits, values } = projection;
      const clip = clips.get(id);
      // The clip of these tokens was left out.
      if (!clip) return [];
      layer ??= { name: reducer, meaning: layerMeaning(projection), limits };
      const tokens = clip.grid.reduce((product, size) => product * size, 1);
      const found = values.shape.slice(0, -1).reduce((product, size) => product * size, 1);
      if (found !== tokens)
        throw new InputError(id, `its projection by ${reducer} has ${found} tokens, and its tokens are ${tokens}.`, {
          code: 'E_LAYER',
          remedy: 'Take the projections and the tokens of one run.',
        });
      if (clip.chunk < current)
        throw new InputError(id, `its projection by ${reducer} comes after that of a later clip.`, {
          code: 'E_LAYER',
          remedy: 'Send projections in the order of the tokens.',
        });
      const whole = upTo(clip.chunk);
      bytes ??= new Uint8Array(sizeOf(clip.chunk));
      bytes.set(bytesOfLayer(projection), clip.offset * layerBytes[layer.meaning]);
      seen.add(id);
      return whole;
    },
    end() {
      if (!layer) return { chunks: [], layer: undefined };
      const without = ids.flatMap((id, index) => (seen.has(id) ? [] : [index]));
      return { chunks: upTo(chunks.length), layer: { ...layer, ...(without.length > 0 && { without }) } };
    },
  };
}
