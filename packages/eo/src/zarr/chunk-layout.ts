// Decides which values of an array are stored together.

import { elementCount } from '@deepearth/core';

/** Sizes of chunks, and of the files that hold several of them. */
export interface ChunkLayout {
  readonly chunk: readonly number[];
  /** A multiple of `chunk` along every axis; absent where each chunk is a file. */
  readonly shard?: readonly number[];
}

/** Bytes of a chunk at most, before they are compressed: small enough to read a place, large enough to read fast. */
const chunkBytes = 1 << 22;
/** Bytes of a file at most, before they are compressed. */
const shardBytes = 1 << 28;

/**
 * Chunks of an array `[time, y, x]` or `[time, y, x, band]`: all bands of a place, whole steps of time where several
 * fit, else parts of one that are as square as they can be and equally large. Chunks of up to 256 MiB share a file.
 */
export function chunkLayout(shape: readonly number[], elementBytes: number): ChunkLayout {
  const [times, rows, columns, ...bands] = shape.map((size) => Math.max(size, 1)) as [
    number,
    number,
    number,
    ...number[],
  ];
  const cells = Math.max(1, Math.floor(chunkBytes / (elementBytes * elementCount(bands))));
  const height = even(rows, Math.max(Math.floor(Math.sqrt(cells)), Math.floor(cells / columns)));
  const width = even(columns, Math.max(1, Math.floor(cells / height)));
  const time = even(times, Math.max(1, Math.floor(cells / (height * width))));
  const chunk = [time, height, width, ...bands];
  let most = Math.max(1, Math.floor(shardBytes / (elementBytes * elementCount(chunk))));
  // Rows of chunks first, then columns of them, then times.
  const factors = [columns / width, rows / height, times / time].map((count) => {
    const factor = even(Math.ceil(count), most);
    most = Math.max(1, Math.floor(most / factor));
    return factor;
  });
  const shard = [time * factors[2]!, height * factors[1]!, width * factors[0]!, ...bands];
  return elementCount(factors) === 1 ? { chunk } : { chunk, shard };
}

/** The size of parts of at most `most`, of which the last is hardly smaller than the others. */
const even = (size: number, most: number): number => Math.ceil(size / Math.ceil(size / most));
