// Writes arrays of Zarr format 3: their metadata, and the files of their chunks.

import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import { elementCount, zeros, type DType, type Json, type TensorData } from '@deepearth/core';
import { wholeOf, type Attributes, type Span } from '../cube.ts';
import type { ChunkLayout } from './chunk-layout.ts';
import { crc32c } from './crc32c.ts';
import { copyPart, stridesOf } from './strided-part.ts';

const gzip = promisify(gzipCallback) as (bytes: Uint8Array, options: object) => Promise<Buffer>;

/** Types of arrays that are written; float16 is its bits. */
export type WrittenType = 'float64' | 'float32' | 'float16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'uint16';

/** An array, and where its values come from. */
export interface WrittenArray {
  readonly name: string;
  readonly dimensions: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: WrittenType;
  /** What stands where nothing is stored: NaN, or a whole number. */
  readonly fill: number;
  readonly attributes: Attributes;
  readonly layout: ChunkLayout;
  /** The level of gzip, 1 to 9; 0 for none. */
  readonly level: number;
  /** The values of a part that lies within the array, in C order. */
  read(part: readonly Span[]): Promise<TensorData> | TensorData;
}

/** A file of a store: its key, and its bytes in pieces. */
export interface StoreFile {
  readonly key: string;
  content(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const littleEndian: Json = { name: 'bytes', configuration: { endian: 'little' } };

/** `zarr.json` of an array. */
export function arrayMetadata({
  dimensions,
  shape,
  dtype,
  fill,
  attributes,
  layout,
  level,
}: Omit<WrittenArray, 'read'>): { readonly [name: string]: Json } {
  const codecs: Json[] = [littleEndian, ...(level > 0 ? [{ name: 'gzip', configuration: { level } }] : [])];
  const shards: Json = {
    name: 'sharding_indexed',
    configuration: {
      chunk_shape: layout.chunk,
      codecs,
      index_codecs: [littleEndian, { name: 'crc32c' }],
      index_location: 'end',
    },
  };
  return {
    zarr_format: 3,
    node_type: 'array',
    shape,
    data_type: dtype,
    chunk_grid: { name: 'regular', configuration: { chunk_shape: layout.shard ?? layout.chunk } },
    chunk_key_encoding: { name: 'default', configuration: { separator: '/' } },
    fill_value: Number.isNaN(fill) ? 'NaN' : fill,
    codecs: layout.shard ? [shards] : codecs,
    attributes,
    dimension_names: dimensions,
  };
}

/** The files of the chunks of an array, those that only hold the fill value left out. */
export async function* chunkFiles(array: WrittenArray): AsyncGenerator<StoreFile> {
  const { name, shape, layout } = array;
  const outer = layout.shard ?? layout.chunk;
  const inner = outer.map((size, axis) => size / layout.chunk[axis]!);
  for (const at of positions(shape.map((size, axis) => Math.ceil(size / outer[axis]!)))) {
    const chunks = storedChunks(array, at, inner);
    const first = await chunks.next();
    if (first.done) continue;
    yield {
      key: [name, 'c', ...at].join('/'),
      content: layout.shard ? () => shardOf(first.value, chunks, elementCount(inner)) : () => [first.value.bytes],
    };
    await chunks.return(undefined);
  }
}

/** Positions of a shape in C order; one of no axes for a scalar. */
function* positions(shape: readonly number[]): Generator<number[]> {
  const strides = stridesOf(shape);
  for (let i = 0; i < elementCount(shape); i++) yield shape.map((size, axis) => Math.floor(i / strides[axis]!) % size);
}

interface StoredChunk {
  /** Its number within the shard. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** The chunks of a file that hold anything, compressed. */
async function* storedChunks(
  array: WrittenArray,
  file: readonly number[],
  inner: readonly number[],
): AsyncGenerator<StoredChunk> {
  let number = -1;
  for (const within of positions(inner)) {
    number++;
    const values = await chunkValues(
      array,
      file.map((at, axis) => at * inner[axis]! + within[axis]!),
    );
    if (values && !isFill(values, array))
      yield {
        number,
        bytes: await compressed(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), array.level),
      };
  }
}

/** The values of a whole chunk, the fill value beyond the edges of the array; `undefined` where it lies beyond them. */
async function chunkValues(array: WrittenArray, chunk: readonly number[]): Promise<TensorData | undefined> {
  const { shape, layout, dtype, fill } = array;
  const part = chunk.map((at, axis) => {
    const start = at * layout.chunk[axis]!;
    return { start, count: Math.min(layout.chunk[axis]!, shape[axis]! - start) };
  });
  if (part.some(({ count }) => count <= 0)) return undefined;
  const found = await array.read(part);
  const sizes = part.map(({ count }) => count);
  if (sizes.every((size, axis) => size === layout.chunk[axis])) return found;
  const out = zeros(dtype as DType, layout.chunk).data;
  if (fill !== 0) filled(out, fill, dtype);
  copyPart({ data: found, shape: sizes, strides: stridesOf(sizes), offset: 0 }, wholeOf(sizes), {
    data: out,
    shape: sizes,
    strides: stridesOf(layout.chunk),
    offset: 0,
  });
  return out;
}

const halfNaN = 0x7e00;

function filled(values: TensorData, fill: number, dtype: WrittenType): void {
  if (values instanceof BigInt64Array) values.fill(BigInt(fill));
  else (values as Float64Array).fill(dtype === 'float16' && Number.isNaN(fill) ? halfNaN : fill);
}

function isFill(values: TensorData, { dtype, fill }: WrittenArray): boolean {
  if (values instanceof BigInt64Array) return values.every((value) => value === BigInt(fill));
  const numbers = values as Float64Array;
  if (!Number.isNaN(fill)) return numbers.every((value) => value === fill);
  return dtype === 'float16' ? numbers.every((bits) => (bits & 0x7fff) > 0x7c00) : numbers.every(Number.isNaN);
}

async function compressed(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  if (level === 0) return bytes;
  const out = await gzip(bytes, { level });
  // The system that wrote it, which is nobody's business: the same bytes on all of them.
  out[9] = 255;
  return out;
}

const missing = 2n ** 64n - 1n;

/** A shard: chunks one after another, then where each lies, then a checksum of that. */
async function* shardOf(
  first: StoredChunk,
  others: AsyncIterable<StoredChunk>,
  count: number,
): AsyncGenerator<Uint8Array> {
  const index = new Uint8Array(count * 16 + 4);
  const view = new DataView(index.buffer);
  for (let at = 0; at < count * 2; at++) view.setBigUint64(at * 8, missing, true);
  let offset = 0;
  const place = ({ number, bytes }: StoredChunk): Uint8Array => {
    view.setBigUint64(number * 16, BigInt(offset), true);
    view.setBigUint64(number * 16 + 8, BigInt(bytes.length), true);
    offset += bytes.length;
    return bytes;
  };
  yield place(first);
  for await (const chunk of others) yield place(chunk);
  view.setUint32(count * 16, crc32c(index.subarray(0, count * 16)), true);
  yield index;
}
