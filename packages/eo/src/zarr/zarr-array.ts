// An array of a Zarr store, read in parts.

import { elementCount, InputError, zeros, type DType } from '@deepearth/core';
import { checkSpans, wholeOf, type CubeArray, type Span } from '../cube.ts';
import { fillText } from './data-type.ts';
import type { ArrayMetadata } from './metadata.ts';
import { atOnce, badChunk, decodeBytes, eachChunk, readChunk, valueOf, type ChunkReading } from './read-chunk.ts';
import { stridesOf } from './strided-part.ts';
import { fixedTexts, variableTexts } from './text-chunk.ts';
import type { ZarrStore } from './store.ts';

/** Strings of one array at most. */
const mostTexts = 1_000_000;

/** The array with this name ("" at the root of a store) and metadata. */
export function zarrArray(
  store: ZarrStore,
  name: string,
  metadata: ArrayMetadata,
  { cache, pool }: Pick<ChunkReading, 'cache' | 'pool'>,
): CubeArray {
  const { shape, chunkShape, type, codec, fill } = metadata;
  const keyOf = (chunk: readonly number[]): string => (name ? `${name}/` : '') + metadata.keyOf(chunk);
  const shard = codec.content.kind === 'shard' ? codec.content : undefined;
  const wrongType = (expected: string): never => {
    throw new InputError(`${store.name}: ${name}`, `holds values of type ${type.dtype}, ${expected} are expected.`, {
      code: 'E_VARIABLE',
    });
  };
  return {
    name,
    shape,
    axes: metadata.axes,
    dtype: type.dtype,
    attributes: metadata.attributes,
    chunks: shard ? shard.chunkShape : chunkShape,
    storage: {
      chunks: shard ? shard.chunkShape : chunkShape,
      shards: shard ? chunkShape : null,
      fill_value: type.dtype === 'string' || metadata.fillValue === null ? metadata.fillValue : fillText(type, fill),
    },

    async read(part: readonly Span[] = wholeOf(shape), signal) {
      if (type.dtype === 'string') return wrongType('numbers');
      checkSpans(`${store.name}: ${name}`, part, shape);
      const sizes = part.map(({ count }) => count);
      const out = zeros(type.dtype as DType, sizes);
      const strides = stridesOf(sizes);
      const reading = { metadata, cache, pool, signal };
      await eachChunk(
        part,
        chunkShape,
        async (position, within, place) => {
          signal?.throwIfAborted();
          const target = {
            data: out.data,
            shape: within.map(({ count }) => count),
            strides,
            offset: place.reduce((sum, where, axis) => sum + where * strides[axis]!, 0),
          };
          await readChunk(valueOf(store, keyOf(position)), codec, chunkShape, within, target, reading);
        },
        atOnce,
      );
      return out;
    },

    async readText(signal) {
      if (type.dtype !== 'string') return wrongType('strings');
      const count = elementCount(shape);
      if (count > mostTexts)
        throw new InputError(
          `${store.name}: ${name}`,
          `holds ${count} strings, the most that is read is ${mostTexts}.`,
          {
            code: 'E_VARIABLE',
          },
        );
      const empty = typeof metadata.fillValue === 'string' ? metadata.fillValue : '';
      const out = new Array<string>(count).fill(empty);
      const strides = stridesOf(shape);
      const inner = stridesOf(chunkShape);
      await eachChunk(wholeOf(shape), chunkShape, async (position, within, place) => {
        const value = valueOf(store, keyOf(position));
        const stored = await value.get(undefined, signal);
        if (!stored) return;
        const texts = await chunkTexts(stored, value.name);
        const sizes = within.map((span) => span.count);
        for (let i = 0; i < elementCount(sizes); i++) {
          const at = stridesOf(sizes).map((step, axis) => Math.floor(i / step) % sizes[axis]!);
          const from = at.reduce((sum, where, axis) => sum + where * inner[axis]!, 0);
          out[at.reduce((sum, where, axis) => sum + (where + place[axis]!) * strides[axis]!, 0)] = texts[from] ?? empty;
        }
      });
      return out;
    },
  };

  async function chunkTexts(stored: Uint8Array, named: string): Promise<string[]> {
    const expected = elementCount(chunkShape);
    try {
      if (codec.content.kind === 'texts')
        return variableTexts(await decodeBytes(codec, stored, 2 ** 28, named), expected);
      const bytes = await decodeBytes(codec, stored, expected * type.bytes!, named);
      const bigEndian = codec.content.kind === 'values' && codec.content.bigEndian;
      return fixedTexts(bytes, { ...type, bigEndian });
    } catch (cause) {
      if (cause instanceof RangeError) throw badChunk(named, cause);
      throw cause;
    }
  }
}
