// How the strips and tiles of a TIFF are decompressed, by the number of their compression.

import { inflate } from 'node:zlib';
import { decodeWithSharp, wholeJpeg } from './jpeg-tile.ts';
import { decodeLerc } from './lerc.ts';
import { decodeLzw } from './lzw.ts';
import { decodePackBits } from './pack-bits.ts';
import { decodeZstd } from './zstd.ts';

/** What a decoder has to know of the block beside its bytes. */
export interface BlockShape {
  readonly width: number;
  readonly height: number;
  /** Samples of a pixel in the block. */
  readonly samples: number;
  /** Bytes of the block when it is decoded. */
  readonly length: number;
  /** Bytes that it may have: a last strip may be stored with rows below the picture. */
  readonly most: number;
  /** Tables that stand apart from JPEG tiles. */
  readonly jpegTables?: Uint8Array | undefined;
  /** TIFF's photometric interpretation: 6 is YCbCr. */
  readonly photometric: number;
  /** What stands around LERC: 0 nothing, 1 deflate, 2 Zstandard. */
  readonly lercCompression?: number | undefined;
  /** Bits of a floating-point sample; 0 for whole numbers. */
  readonly floatBits: number;
}

/** A way to compress blocks. */
export interface Codec {
  /** As GDAL has it in `IMAGE_STRUCTURE`. */
  readonly name: string;
  /** Absent for what is known by name alone. */
  readonly decode?: (bytes: Uint8Array, block: BlockShape) => Promise<Uint8Array> | Uint8Array;
  /** True where values come in the machine's byte order, without a predictor. */
  readonly finished?: true;
}

const deflate: Codec = {
  name: 'DEFLATE',
  decode: (bytes, { most }) => inflated(bytes, most),
};

function inflated(bytes: Uint8Array, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // One byte more, so that a block that holds too much is told from one that holds as much as it should.
    inflate(bytes, { maxOutputLength: length + 1, chunkSize: Math.max(length + 1, 64) }, (error, result) =>
      error ? reject(error) : resolve(result),
    );
  });
}

/** By TIFF compression number. */
export const codecs: Readonly<Record<number, Codec>> = {
  1: { name: 'none', decode: (bytes) => bytes },
  2: { name: 'CCITTRLE' },
  3: { name: 'CCITTFAX3' },
  4: { name: 'CCITTFAX4' },
  5: { name: 'LZW', decode: (bytes, { length }) => decodeLzw(bytes, length) },
  6: { name: 'OJPEG' },
  7: { name: 'JPEG', decode: jpeg, finished: true },
  8: deflate,
  32773: { name: 'PACKBITS', decode: (bytes, { length }) => decodePackBits(bytes, length) },
  32946: deflate,
  34712: { name: 'JPEG2000' },
  34887: { name: 'LERC', decode: lerc, finished: true },
  34925: { name: 'LZMA' },
  50000: { name: 'ZSTD', decode: (bytes, { most }) => decodeZstd(bytes, most) },
  50001: { name: 'WEBP', decode: webp, finished: true },
  50002: { name: 'JXL' },
  52546: { name: 'JXL' },
};

async function jpeg(bytes: Uint8Array, block: BlockShape): Promise<Uint8Array> {
  const { width, height, samples, jpegTables, photometric } = block;
  const whole = wholeJpeg(bytes, jpegTables, samples === 3 || samples === 4 ? photometric === 6 : undefined);
  return fitted(await decodeWithSharp(whole, width * (height + 16), samples), block);
}

async function webp(bytes: Uint8Array, block: BlockShape): Promise<Uint8Array> {
  return fitted(await decodeWithSharp(bytes, block.width * block.height, block.samples), block);
}

/** The rows and samples that the block has: a last strip may be stored with rows below the picture. */
function fitted(
  { data, width, height, channels }: { data: Uint8Array; width: number; height: number; channels: number },
  block: BlockShape,
): Uint8Array {
  if (width !== block.width || height < block.height || channels < block.samples)
    throw new Error(
      `it holds ${width} x ${height} pixels of ${channels} samples, not ${block.width} x ${block.height} of ${block.samples}`,
    );
  const pixels = block.width * block.height;
  if (channels === block.samples) return data.subarray(0, pixels * channels);
  const out = new Uint8Array(pixels * block.samples);
  for (let i = 0; i < pixels; i++)
    for (let s = 0; s < block.samples; s++) out[i * block.samples + s] = data[i * channels + s]!;
  return out;
}

async function lerc(bytes: Uint8Array, block: BlockShape): Promise<Uint8Array> {
  const { length, lercCompression = 0 } = block;
  // No block of LERC is larger than its values and a mask.
  const most = length * 2 + 4096;
  const raw =
    lercCompression === 1 ? await inflated(bytes, most) : lercCompression === 2 ? await decodeZstd(bytes, most) : bytes;
  return decodeLerc(raw, block);
}
