// Decodes Blosc 1 frames (github.com/Blosc/c-blosc, README_CHUNK_FORMAT.rst): blocks of split streams, shuffled.

import { inflateSync } from 'node:zlib';
import { decodeLz4 } from './lz4.ts';
import { unshuffle, unshuffleBits } from './shuffle.ts';

/** Decodes a Zstandard frame of which the size of the content is known. */
export type Unzstd = (frame: Uint8Array, size: number) => Uint8Array;

const headerBytes = 16;

/** The codecs by the upper three bits of the flags; LZ4HC has the format of LZ4. */
const codecs = ['blosclz', 'lz4', 'snappy', 'zlib', 'zstd'] as const;

/** Whether a frame holds Zstandard, whose decoder has to be loaded first. */
export const holdsZstd = (frame: Uint8Array): boolean => frame.length > 2 && frame[2]! >>> 5 === 4;

/**
 * The content of a frame. Throws a `RangeError` where it is damaged, cut short, or compressed in a way that is not
 * read (Snappy).
 */
export function decodeBlosc(frame: Uint8Array, unzstd: Unzstd): Uint8Array {
  if (frame.length < headerBytes) throw new RangeError(`has ${frame.length} bytes, a Blosc header alone has 16`);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const [, , flags, typeSize] = frame as unknown as [number, number, number, number];
  const [size, blockSize, stored] = [4, 8, 12].map((at) => view.getUint32(at, true)) as [number, number, number];
  if (stored !== frame.length)
    throw new RangeError(`has ${frame.length} bytes, its Blosc header says ${stored}: cut short, or not what it was`);
  if (flags & 2) return frame.subarray(headerBytes, headerBytes + size);
  if (size === 0) return new Uint8Array(0);
  if (blockSize === 0 || blockSize > size) throw new RangeError('has a Blosc header that makes no sense');
  const codec = codecs[flags >>> 5];
  if (codec === undefined || codec === 'snappy')
    throw new RangeError(`is compressed with ${codec ?? `codec ${flags >>> 5}`} in Blosc, which is not read`);
  const out = new Uint8Array(size);
  const shuffled = flags & 1 && typeSize > 1 ? unshuffle : flags & 4 && blockSize >= typeSize ? unshuffleBits : undefined;
  const scratch = shuffled ? new Uint8Array(blockSize) : out;
  const blocks = Math.ceil(size / blockSize);
  if (headerBytes + 4 * blocks > frame.length) throw new RangeError('has no room for the list of its blocks');
  for (let block = 0; block < blocks; block++) {
    const begin = block * blockSize;
    const length = Math.min(blockSize, size - begin);
    // Streams of one byte of each value are compressed apart, but for the last block where it is short.
    const split = !(flags & 16) && length === blockSize && typeSize <= 16 && blockSize / typeSize >= 128;
    const streams = split ? typeSize : 1;
    const each = length / streams;
    let at = view.getUint32(headerBytes + 4 * block, true);
    let to = shuffled ? 0 : begin;
    for (let stream = 0; stream < streams; stream++) {
      if (at + 4 > frame.length) throw new RangeError(`ends before block ${block} of ${blocks}`);
      const bytes = view.getUint32(at, true);
      at += 4;
      if (at + bytes > frame.length) throw new RangeError(`ends in block ${block} of ${blocks}`);
      if (bytes === each) scratch.set(frame.subarray(at, at + bytes), to);
      else {
        const made = decode(codec, frame, at, at + bytes, scratch, to, to + each, unzstd);
        if (made !== each) throw new RangeError(`has ${made} bytes in a stream of block ${block}, not ${each}`);
      }
      at += bytes;
      to += each;
    }
    shuffled?.(scratch.subarray(0, length), out.subarray(begin, begin + length), typeSize);
  }
  return out;
}

function decode(
  codec: Exclude<(typeof codecs)[number], 'snappy'>,
  source: Uint8Array,
  from: number,
  end: number,
  target: Uint8Array,
  to: number,
  limit: number,
  unzstd: Unzstd,
): number {
  if (codec === 'lz4') return decodeLz4(source, from, end, target, to, limit);
  if (codec === 'blosclz') return decodeBloscLz(source, from, end, target, to, limit);
  const part = source.subarray(from, end);
  const content = codec === 'zlib' ? inflateSync(part, { maxOutputLength: limit - to }) : unzstd(part, limit - to);
  if (content.length > limit - to) throw new RangeError(`inflates to more than ${limit - to} bytes`);
  target.set(content, to);
  return content.length;
}

/** BloscLZ, a form of FastLZ (c-blosc, blosc/blosclz.c). */
function decodeBloscLz(
  source: Uint8Array,
  from: number,
  end: number,
  target: Uint8Array,
  to: number,
  limit: number,
): number {
  const farDistance = 8191;
  let s = from;
  let d = to;
  let control = source[s++]! & 31;
  for (;;) {
    if (control >= 32) {
      let length = (control >>> 5) - 1;
      let distance = (control & 31) << 8;
      let code = 0;
      if (length === 6)
        do {
          if (s >= end) throw cut(s - from);
          code = source[s++]!;
          length += code;
        } while (code === 255);
      if (s >= end) throw cut(s - from);
      code = source[s++]!;
      length += 3;
      if (code === 255 && distance === 31 << 8) {
        if (s + 2 > end) throw cut(s - from);
        distance = ((source[s]! << 8) | source[s + 1]!) + farDistance;
        s += 2;
      } else distance += code;
      distance += 1;
      if (distance > d - to || d + length > limit) throw cut(s - from);
      for (const stop = d + length; d < stop; d++) target[d] = target[d - distance]!;
    } else {
      const literals = control + 1;
      if (s + literals > end || d + literals > limit) throw cut(s - from);
      for (const stop = d + literals; d < stop;) target[d++] = source[s++]!;
    }
    if (s >= end) return d - to;
    control = source[s++]!;
  }
}

const cut = (at: number): RangeError => new RangeError(`its BloscLZ data are damaged at byte ${at}`);
