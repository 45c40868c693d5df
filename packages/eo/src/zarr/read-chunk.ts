// Reads the values of one chunk: decoded whole, or the inner chunks of a shard that are wanted.

import { elementCount, InputError, type DType, type TensorData } from '@deepearth/core';
import type { Span } from '../cube.ts';
import { ownRoom, type BufferPool, type Room } from './buffer-pool.ts';
import { elementsOf } from './elements.ts';
import type { ArrayMetadata, ChunkCodec } from './metadata.ts';
import { copyPart, filledPart, stridesOf, type Strided } from './strided-part.ts';
import type { Part, ZarrStore } from './store.ts';

/** A stored value: a key of a store, or an inner chunk of a shard. */
export interface Value {
  /** Names it in errors. */
  readonly name: string;
  /** Whether its bytes are in memory. */
  readonly isAtHand?: boolean;
  get(part?: Part, signal?: AbortSignal, room?: Room): Promise<Uint8Array | undefined>;
}

/** The value under a key. */
export const valueOf = (store: ZarrStore, key: string): Value => ({
  name: `${store.name}: ${key}`,
  get: (part, signal, room) => store.get(key, part, signal, room),
});

/** Chunks that are read and decoded at the same time. */
export const atOnce = 8;

/** Where decoded chunks and indexes of shards are kept for a while. */
export interface ChunkCache {
  get<T>(key: string): T | undefined;
  set(key: string, value: unknown, bytes: number): void;
}

/** What chunks of an array have in common. */
export interface ChunkReading {
  readonly metadata: Pick<ArrayMetadata, 'type' | 'fill'>;
  readonly cache: ChunkCache;
  readonly pool: BufferPool;
  readonly signal?: AbortSignal | undefined;
}

/** What is wrong with a chunk, as an error that names it. */
export function badChunk(name: string, cause: unknown): InputError {
  return new InputError(name, `${cause instanceof Error ? cause.message : String(cause)}.`, {
    code: 'E_CHUNK',
    remedy: 'Copy the chunk again; the other chunks of the store can still be read.',
    cause,
  });
}

/** Undoes the steps of a codec. Throws an `InputError` naming the value. */
export async function decodeBytes(
  { steps }: ChunkCodec,
  stored: Uint8Array,
  size: number,
  name: string,
  room: Room = ownRoom,
): Promise<Uint8Array> {
  try {
    let bytes = stored;
    for (const [at, step] of steps.entries()) {
      const later = steps.slice(at + 1);
      // What lies between two steps may be longer than the values by a checksum, or have elements of another size.
      const between = later.reduce((most, { ratio = 1 }) => most * ratio, size) + 64 * (later.length + 1);
      bytes = await step(bytes, later.length ? between : size, room);
    }
    return bytes;
  } catch (cause) {
    if (cause instanceof RangeError) throw badChunk(name, cause);
    throw cause;
  }
}

/**
 * Copies the part `spans` of a chunk (positions within it) into `target`, of which they are the whole. What is missing
 * is filled. A chunk of which more may be wanted is kept in the cache.
 */
export async function readChunk(
  value: Value,
  codec: ChunkCodec,
  chunkShape: readonly number[],
  spans: readonly Span[],
  target: Strided,
  reading: ChunkReading,
): Promise<void> {
  if (codec.content.kind === 'shard') return readShard(value, codec, codec.content, chunkShape, spans, target, reading);
  const { cache, pool, metadata } = reading;
  const kept = cache.get<Strided | 'missing'>(value.name);
  if (kept === 'missing') return filledPart(target, metadata.fill);
  if (kept) return copyPart(kept, spans, target);
  // What is wanted as a whole is hardly wanted again: frames have a cache of their own.
  const whole = spans.every(({ count }, axis) => count === chunkShape[axis]);
  if (!whole) {
    const chunk = await decodedChunk(value, codec, chunkShape, reading, ownRoom);
    cache.set(value.name, chunk ?? 'missing', chunk?.data.byteLength ?? 64);
    return chunk ? copyPart(chunk, spans, target) : filledPart(target, metadata.fill);
  }
  return pool.using(async (room) => {
    const chunk = await decodedChunk(value, codec, chunkShape, reading, room);
    if (chunk) copyPart(chunk, spans, target);
    else filledPart(target, metadata.fill);
  });
}

async function decodedChunk(
  value: Value,
  codec: ChunkCodec,
  chunkShape: readonly number[],
  { metadata: { type }, signal }: ChunkReading,
  room: Room,
): Promise<Strided | undefined> {
  const stored = await value.get(undefined, signal, room);
  if (!stored) return undefined;
  const size = elementCount(chunkShape) * type.bytes!;
  const bytes = await decodeBytes(codec, stored, size, value.name, room);
  if (bytes.length !== size)
    throw badChunk(
      value.name,
      new RangeError(`holds ${bytes.length} bytes, ${size} are expected for a chunk of [${chunkShape.join(', ')}]`),
    );
  const bigEndian = codec.content.kind === 'values' && codec.content.bigEndian;
  return stridedChunk(elementsOf(type.dtype as DType, bytes, bigEndian), chunkShape, codec.order);
}

/** A chunk whose axes are stored in another order. */
export function stridedChunk(data: TensorData, chunkShape: readonly number[], order: readonly number[]): Strided {
  const stored = stridesOf(order.map((axis) => chunkShape[axis]!));
  const strides = new Array<number>(chunkShape.length);
  for (const [place, axis] of order.entries()) strides[axis] = stored[place]!;
  return { data, shape: chunkShape, strides, offset: 0 };
}

type Shard = Extract<ChunkCodec['content'], { readonly kind: 'shard' }>;

const absentChunk = 2n ** 64n - 1n;

async function readShard(
  value: Value,
  codec: ChunkCodec,
  shard: Shard,
  shardShape: readonly number[],
  spans: readonly Span[],
  target: Strided,
  reading: ChunkReading,
): Promise<void> {
  const { pool, metadata, signal } = reading;
  return pool.using(async (room) => {
    const whole = await shardToRead(value, codec, shardShape, spans, reading, room);
    const index = whole && (await shardIndex(whole, shard, shardShape, codec.order, reading));
    if (!index) return filledPart(target, metadata.fill);
    // Inner chunks lie in the stored order of axes, and so do the values inside of them.
    const grid = codec.order.map((axis, place) => shardShape[axis]! / shard.chunkShape[place]!);
    const innerShape = logical(shard.chunkShape, codec.order);
    const strides = logical(stridesOf(grid), codec.order);
    const inner: ChunkCodec = { ...shard.inner, order: shard.inner.order.map((axis) => codec.order[axis]!) };
    const entryOf = (position: readonly number[]): readonly [offset: bigint, length: bigint] => {
      const at = 2 * position.reduce((sum, where, axis) => sum + where * strides[axis]!, 0);
      return [index[at]!, index[at + 1]!];
    };
    const source = (await readTogether(whole, spans, innerShape, entryOf, signal, room)) ?? whole;
    const readInner = async (position: number[], within: Span[], place: number[]): Promise<void> => {
      const part: Strided = {
        ...target,
        shape: within.map(({ count }) => count),
        offset: target.offset + place.reduce((sum, where, axis) => sum + where * target.strides[axis]!, 0),
      };
      const [offset, length] = entryOf(position);
      if (isAbsent(offset, length)) return filledPart(part, metadata.fill);
      const name = `${whole.name}, inner chunk [${position.join(', ')}]`;
      const piece = partOfValue(source, Number(offset), Number(length), name);
      await readChunk(piece, inner, innerShape, within, part, reading);
    };
    await eachChunk(spans, innerShape, readInner, atOnce);
  });
}

/**
 * The shard, read at once where all of it is wanted or it is compressed as a whole: one reading instead of one for its
 * index and another for its chunks. `undefined` where there is none.
 */
async function shardToRead(
  value: Value,
  codec: ChunkCodec,
  shardShape: readonly number[],
  spans: readonly Span[],
  { metadata: { type }, signal }: ChunkReading,
  room: Room,
): Promise<Value | undefined> {
  const isWhole = spans.every(({ count }, axis) => count === shardShape[axis]);
  const isSmall = elementCount(shardShape) * type.bytes! <= mostTogether;
  if (codec.steps.length === 0 && !(isWhole && isSmall)) return value;
  // How long a shard is that is compressed is not known: its content gets memory of its own.
  const stored = await value.get(undefined, signal, codec.steps.length ? ownRoom : room);
  if (!stored) return undefined;
  const bytes = codec.steps.length ? await decodeBytes(codec, stored, 2 ** 31, value.name) : stored;
  return {
    name: value.name,
    isAtHand: true,
    get: async (part) => {
      if (!part) return bytes;
      const { offset, length } = 'last' in part ? { offset: bytes.length - part.last, length: part.last } : part;
      if (offset < 0 || offset + length > bytes.length)
        throw badChunk(
          value.name,
          new RangeError(`has ${bytes.length} bytes, and bytes ${offset} to ${offset + length} of it are needed`),
        );
      return bytes.subarray(offset, offset + length);
    },
  };
}

const isAbsent = (offset: bigint, length: bigint): boolean => offset === absentChunk && length === absentChunk;

/** A run of bytes of a value as a value of its own. */
const partOfValue = (whole: Value, first: number, bytes: number, name: string): Value => ({
  name,
  get: (wanted, signal, room) => {
    if (!wanted) return whole.get({ offset: first, length: bytes }, signal, room);
    if ('last' in wanted) return whole.get({ offset: first + bytes - wanted.last, length: wanted.last }, signal, room);
    return whole.get({ offset: first + wanted.offset, length: wanted.length }, signal, room);
  },
});

/** Bytes of a shard that are read in one go at most. */
const mostTogether = 2 ** 26;

/**
 * The inner chunks that are wanted, read in one go where they lie side by side: one request instead of many.
 * `undefined` where that would read much in vain.
 */
async function readTogether(
  whole: Value,
  spans: readonly Span[],
  innerShape: readonly number[],
  entryOf: (position: readonly number[]) => readonly [offset: bigint, length: bigint],
  signal: AbortSignal | undefined,
  room: Room,
): Promise<Value | undefined> {
  if (whole.isAtHand) return undefined;
  let [first, end, bytes, count] = [Infinity, 0, 0, 0];
  await eachChunk(spans, innerShape, async (position) => {
    const [offset, length] = entryOf(position);
    if (isAbsent(offset, length)) return;
    count++;
    bytes += Number(length);
    first = Math.min(first, Number(offset));
    end = Math.max(end, Number(offset + length));
  });
  if (count < 2 || end - first > Math.min(mostTogether, 1.5 * bytes)) return undefined;
  const stored = await whole.get({ offset: first, length: end - first }, signal, room);
  if (!stored) return undefined;
  return {
    name: whole.name,
    get: async (part) => {
      if (!part || 'last' in part) return whole.get(part, signal);
      return stored.subarray(part.offset - first, part.offset - first + part.length);
    },
  };
}

/** What has one number for each stored axis, for each axis of the array. */
function logical(stored: readonly number[], order: readonly number[]): number[] {
  const out = new Array<number>(stored.length);
  for (const [place, axis] of order.entries()) out[axis] = stored[place]!;
  return out;
}

/** Offset and length of every inner chunk, in the stored order of axes; `undefined` where there is no shard. */
async function shardIndex(
  value: Value,
  shard: Shard,
  shardShape: readonly number[],
  order: readonly number[],
  { cache, signal }: ChunkReading,
): Promise<BigUint64Array | undefined> {
  const key = `${value.name} index`;
  const kept = cache.get<BigUint64Array | 'missing'>(key);
  if (kept) return kept === 'missing' ? undefined : kept;
  const stored = await value.get(
    shard.indexAtStart ? { offset: 0, length: shard.indexBytes } : { last: shard.indexBytes },
    signal,
  );
  if (!stored) {
    cache.set(key, 'missing', 64);
    return undefined;
  }
  const grid = order.map((axis, place) => shardShape[axis]! / shard.chunkShape[place]!);
  const bytes = await decodeBytes(shard.index, stored, 16 * elementCount(grid), `${value.name}, index of the shard`);
  const bigEndian = shard.index.content.kind === 'values' && shard.index.content.bigEndian;
  // A copy: the bytes may lie in memory that is used again.
  const index = elementsOf('uint64', bytes, bigEndian).slice();
  cache.set(key, index, bytes.length);
  return index;
}

/**
 * Calls `work` for every chunk that `spans` touch: its position in the grid, the part of it that is wanted, and where
 * that part begins in what is wanted.
 */
export async function eachChunk(
  spans: readonly Span[],
  chunkShape: readonly number[],
  work: (position: number[], within: Span[], place: number[]) => Promise<void>,
  together = 1,
): Promise<void> {
  if (spans.some(({ count }) => count === 0)) return;
  const first = spans.map(({ start }, axis) => Math.floor(start / chunkShape[axis]!));
  const last = spans.map(({ start, count }, axis) => Math.floor((start + count - 1) / chunkShape[axis]!));
  const position = [...first];
  let done = false;
  const next = (): number[] | undefined => {
    if (done) return undefined;
    const found = [...position];
    let axis = position.length - 1;
    for (; axis >= 0; axis--) {
      if (++position[axis]! <= last[axis]!) break;
      position[axis] = first[axis]!;
    }
    done = axis < 0;
    return found;
  };
  const worker = async (): Promise<void> => {
    for (let at = next(); at; at = next()) {
      const begins = at.map((where, axis) => where * chunkShape[axis]!);
      const from = spans.map(({ start }, axis) => Math.max(start, begins[axis]!));
      const within = spans.map(({ start, count }, axis) => ({
        start: from[axis]! - begins[axis]!,
        count: Math.min(start + count, begins[axis]! + chunkShape[axis]!) - from[axis]!,
      }));
      await work(
        at,
        within,
        from.map((where, axis) => where - spans[axis]!.start),
      );
    }
  };
  const workers = Array.from({ length: together }, worker);
  // All have ended before the first failure is passed on, so that nothing writes into a target nobody waits for.
  const ended = await Promise.allSettled(workers);
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}
