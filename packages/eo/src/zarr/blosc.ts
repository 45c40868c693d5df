// Decodes Blosc 1 frames (github.com/Blosc/c-blosc, README_CHUNK_FORMAT.rst): blocks of split streams, shuffled.

import { inflateSync } from 'node:zlib';
import type { Room } from './buffer-pool.ts';
import { codecKernel, copied, titles, type CodecKernel } from './codec-kernel.ts';

const headerBytes = 16;

/** The codecs by the upper three bits of the flags; LZ4HC has the format of LZ4. */
const codecs = ['blosclz', 'lz4', 'snappy', 'zlib', 'zstd'] as const;
type Codec = Exclude<(typeof codecs)[number], 'snappy'>;

/** Where things lie in the memory of the kernel. */
interface Layout {
  readonly kernel: CodecKernel;
  readonly memory: Uint8Array;
  /** The frame as it came, and a view of it. */
  readonly frame: number;
  readonly view: DataView;
  readonly frameBytes: number;
  readonly out: number;
  readonly scratch: number;
}

/**
 * The content of a frame, of at most `most` bytes. Throws a `RangeError` where it is damaged, cut short, larger, or
 * compressed in a way that is not read (Snappy).
 */
export async function decodeBlosc(frame: Uint8Array, most: number, into: Room): Promise<Uint8Array> {
  if (frame.length < headerBytes) throw new RangeError(`has ${frame.length} bytes, a Blosc header alone has 16`);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const [flags, typeSize] = [frame[2]!, frame[3]!];
  const [size, blockSize, stored] = [4, 8, 12].map((at) => view.getUint32(at, true)) as [number, number, number];
  if (stored !== frame.length)
    throw new RangeError(`has ${frame.length} bytes, its Blosc header says ${stored}: cut short, or not what it was`);
  if (size > most) throw new RangeError(`says that it inflates to ${size} bytes, ${most} are expected`);
  if (flags & 2) return frame.subarray(headerBytes, headerBytes + size);
  if (size === 0) return new Uint8Array(0);
  if (blockSize === 0 || blockSize > size || typeSize === 0)
    throw new RangeError('has a Blosc header that makes no sense');
  const codec = codecs[flags >>> 5];
  if (codec === undefined || codec === 'snappy')
    throw new RangeError(`is compressed with ${codec ?? `codec ${flags >>> 5}`} in Blosc, which is not read`);
  const blocks = Math.ceil(size / blockSize);
  if (headerBytes + 4 * blocks > frame.length) throw new RangeError('has no room for the list of its blocks');

  const kernel = await codecKernel();
  const shuffle = flags & 1 && typeSize > 1 ? kernel.unshuffle : flags & 4 ? kernel.unshuffleBits : undefined;
  const out = kernel.base;
  const scratch = out + align(size);
  const place = scratch + align(blockSize);
  const memory = kernel.memory(place + frame.length - kernel.base);
  memory.set(frame, place);
  const layout = { kernel, memory, frame: place, view, frameBytes: frame.length, out, scratch };
  for (let block = 0; block < blocks; block++) {
    const begin = block * blockSize;
    const length = Math.min(blockSize, size - begin);
    // Streams of one byte of each value are compressed apart, but for a last block that is short.
    const split = !(flags & 16) && length === blockSize && typeSize <= 16 && blockSize / typeSize >= 128;
    const to = shuffle ? scratch : out + begin;
    decodeBlock(layout, codec, view.getUint32(headerBytes + 4 * block, true), to, length, split ? typeSize : 1, block);
    shuffle?.(out + begin, scratch, length, typeSize);
  }
  return copied(memory, out, size, into);
}

const align = (bytes: number): number => (bytes + 63) & ~63;

function decodeBlock(
  { kernel, memory, frame, view, frameBytes }: Layout,
  codec: Codec,
  from: number,
  to: number,
  length: number,
  streams: number,
  block: number,
): void {
  const each = length / streams;
  let at = from;
  for (let stream = 0; stream < streams; stream++, to += each) {
    if (at + 4 > frameBytes) throw new RangeError(`ends before block ${block}`);
    const bytes = view.getUint32(at, true);
    at += 4;
    if (at + bytes > frameBytes) throw new RangeError(`ends in block ${block}`);
    if (bytes === each) memory.copyWithin(to, frame + at, frame + at + bytes);
    else {
      const made =
        codec === 'zlib'
          ? inflated(memory, to, each, memory.subarray(frame + at, frame + at + bytes))
          : kernel[codec](to, each, frame + at, bytes);
      if (made !== each)
        throw new RangeError(`its ${codec === 'zlib' ? 'zlib' : titles[codec]} data are damaged in block ${block}`);
    }
    at += bytes;
  }
}

function inflated(memory: Uint8Array, to: number, room: number, data: Uint8Array): number {
  try {
    const content = inflateSync(data, { maxOutputLength: room });
    memory.set(content, to);
    return content.length;
  } catch {
    return -1;
  }
}
