import { deflateSync, gzipSync } from 'node:zlib';
import type { Json } from '@deepearth/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ownRoom } from './buffer-pool.ts';
import { decoderOf2, decoderOf3 } from './codecs.ts';
import { crc32c } from './crc32c.ts';
import { metadataOf2, metadataOf3 } from './metadata.ts';
import { decodeBytes } from './read-chunk.ts';

/** LZ4 as its format describes it: literals, then one match, then literals. */
function lz4(literals: Uint8Array, offset: number, length: number, last: Uint8Array): Uint8Array {
  const lengths = (value: number): number[] => {
    const more: number[] = [];
    for (let rest = value - 15; rest >= 0; rest -= 255) more.push(Math.min(rest, 255));
    return value < 15 ? [] : more.at(-1) === 255 ? [...more, 0] : more;
  };
  const token = (a: number, b: number): number => (Math.min(a, 15) << 4) | Math.min(b, 15);
  return Uint8Array.from([
    token(literals.length, length - 4),
    ...lengths(literals.length),
    ...literals,
    offset & 255,
    offset >> 8,
    ...lengths(length - 4),
    token(last.length, 0),
    ...lengths(last.length),
    ...last,
  ]);
}

/** What the match of `lz4` stands for. */
function expanded(literals: Uint8Array, offset: number, length: number, last: Uint8Array): number[] {
  const out = [...literals];
  for (let i = 0; i < length; i++) out.push(out[out.length - offset]!);
  return [...out, ...last];
}

const withSize = (size: number, data: Uint8Array): Uint8Array => {
  const out = new Uint8Array(4 + data.length);
  new DataView(out.buffer).setUint32(0, size, true);
  out.set(data, 4);
  return out;
};

const some = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 37 + (i >> 3)) % 251);
const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 });

describe('LZ4', () => {
  const decode = decoderOf2({ id: 'lz4' });

  test('gives back literals and matches of any offset and length', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.nat(), fc.integer({ min: 4, max: 700 }), bytes, async (literals, at, length, last) => {
        const offset = 1 + (at % literals.length);
        const wanted = expanded(literals, offset, length, last);
        const stored = withSize(wanted.length, lz4(literals, offset, length, last));
        expect([...(await decode(stored, wanted.length, ownRoom))]).toEqual(wanted);
      }),
    );
  });

  test('never leaves its memory, whatever the bytes: it throws, or gives what was announced', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1, max: 300 }), async (data, size) => {
        try {
          expect(await decode(withSize(size, data), 300, ownRoom)).toHaveLength(size);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** A Blosc frame with one block of one stream. */
function blosc(content: Uint8Array, stream: Uint8Array, codec: number, flags: number, typeSize: number): Uint8Array {
  const out = new Uint8Array(16 + 4 + 4 + stream.length);
  const view = new DataView(out.buffer);
  out.set([2, 1, (codec << 5) | 16 | flags, typeSize]);
  for (const [at, value] of [content.length, content.length, out.length, 20, stream.length].entries())
    view.setUint32(4 + 4 * at, value, true);
  out.set(stream, 24);
  return out;
}

const shuffled = (data: Uint8Array, size: number): Uint8Array => {
  const count = Math.floor(data.length / size);
  const out = data.slice();
  for (let i = 0; i < count; i++) for (let k = 0; k < size; k++) out[k * count + i] = data[i * size + k]!;
  return out;
};

const bitShuffled = (data: Uint8Array, size: number): Uint8Array => {
  const count = data.length / size;
  if (count % 8) return data;
  const out = new Uint8Array(data.length);
  for (let i = 0; i < count; i++)
    for (let bit = 0; bit < 8 * size; bit++)
      if ((data[i * size + (bit >> 3)]! >> (bit & 7)) & 1) out[(bit * count) / 8 + (i >> 3)]! |= 1 << (i & 7);
  return out;
};

describe('Blosc', () => {
  const decode = decoderOf2({ id: 'blosc' });
  const size = fc.constantFrom(1, 2, 3, 4, 8, 12);

  test.each<[string, number, (data: Uint8Array, size: number) => Uint8Array]>([
    ['bytes', 1, shuffled],
    ['bits', 4, bitShuffled],
  ])('undoes a shuffle of %s, of values of any size', async (_, flag, shuffle) => {
    await fc.assert(
      fc.asyncProperty(size, fc.integer({ min: 1, max: 200 }), async (width, count) => {
        const data = some(width * count);
        const stream = new Uint8Array(deflateSync(shuffle(data, width)));
        const frame = blosc(data, stream, 3, width > 1 || flag === 4 ? flag : 0, width);
        if (stream.length === data.length) return; // it would be taken for what is not compressed
        expect([...(await decode(frame, data.length, ownRoom))]).toEqual([...data]);
      }),
    );
  });

  test.each<[string, (frame: Uint8Array) => Uint8Array, RegExp]>([
    ['cut short', (frame) => frame.subarray(0, -3), /its Blosc header says \d+: cut short/],
    ['a header alone', (frame) => frame.subarray(0, 10), /has 10 bytes, a Blosc header alone has 16/],
    [
      'Snappy',
      (frame) => Uint8Array.from(frame, (byte, i) => (i === 2 ? 0x50 : byte)),
      /snappy in Blosc, which is not read/,
    ],
    [
      'a block that lies outside',
      (frame) => Uint8Array.from(frame, (byte, i) => (i === 18 ? 9 : byte)),
      /ends before block 0/,
    ],
  ])('%s is refused', async (_, spoil, message) => {
    const data = some(200);
    const frame = spoil(blosc(data, new Uint8Array(deflateSync(data)), 3, 0, 1));
    await expect((async () => decode(frame, 200, ownRoom))()).rejects.toThrow(message);
  });
});

describe('other codecs', () => {
  test('gzip and zlib stop at the size that is expected', async () => {
    const data = some(1000);
    expect([...(await decoderOf3({ name: 'gzip' })(gzipSync(data), 1000, ownRoom))]).toEqual([...data]);
    await expect(decoderOf2({ id: 'zlib' })(deflateSync(data), 999, ownRoom)).rejects.toThrow(
      'more bytes than expected',
    );
    await expect(decoderOf2({ id: 'zlib' })(some(20), 999, ownRoom)).rejects.toThrow('cannot be inflated');
  });

  test('CRC-32C is that of RFC 3720, and is proven', async () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    const decode = decoderOf3({ name: 'crc32c' });
    const sum = new Uint8Array(4);
    new DataView(sum.buffer).setUint32(0, 0x46dd794e, true);
    const stored = Uint8Array.from([...Array.from({ length: 32 }, (_, i) => i), ...sum]);
    expect(await decode(stored, 32, ownRoom)).toHaveLength(32);
    stored[3] = 99;
    expect(() => decode(stored, 32, ownRoom)).toThrow(/its CRC-32C is [0-9a-f]{8}, 46dd794e is stored with it/);
  });

  // Sums by numcodecs 0.16.6.
  test.each([
    [2, 0x250025],
    [5, 0x294ede94],
    [720, 0xae285465],
    [2001, 0x4112f393],
  ])('Fletcher-32 of %d bytes is that of numcodecs, and is proven', async (length, sum) => {
    const decode = decoderOf2({ id: 'fletcher32' });
    const stored = new Uint8Array(length + 4);
    stored.set(some(length));
    new DataView(stored.buffer).setUint32(length, sum, true);
    expect([...(await decode(stored, length, ownRoom))]).toEqual([...some(length)]);
    stored[1]! ^= 1;
    expect(() => decode(stored, length, ownRoom)).toThrow('Fletcher-32');
  });

  test('filters of elements in front of the bytes of format 3 are undone, in their order, whatever their sizes', async () => {
    const array = (codecs: Json): Json => ({
      node_type: 'array',
      shape: [4],
      data_type: 'float32',
      chunk_grid: { name: 'regular', configuration: { chunk_shape: [4] } },
      fill_value: 0,
      codecs,
    });
    const bytes = { name: 'bytes', configuration: { endian: 'little' } };
    const scaled = {
      name: 'numcodecs.fixedscaleoffset',
      configuration: { scale: 2, offset: 10, dtype: '<f4', astype: '<i2' },
    };
    const delta = { name: 'numcodecs.delta', configuration: { dtype: '<i2' } };
    const wide = { name: 'numcodecs.astype', configuration: { decode_dtype: '<i2', encode_dtype: '<f8' } };
    const stored = gzipSync(new Uint8Array(Float64Array.of(1, 2, -3, 4).buffer));
    const { codec } = metadataOf3('made', array([scaled, delta, wide, bytes, 'gzip']));
    const found = await decodeBytes(codec, stored, 16, 'made');
    expect([...new Float32Array(found.buffer, found.byteOffset, 4)]).toEqual([10.5, 11.5, 10, 12]);

    const turned = { name: 'transpose', configuration: { order: [0] } };
    expect(() => metadataOf3('made', array([delta, turned, bytes]))).toThrow('"numcodecs.delta" in front of');
    const high = { name: 'bytes', configuration: { endian: 'big' } };
    expect(() => metadataOf3('made', array([scaled, high]))).toThrow('high byte first');
  });

  test('a type that is not read has a remedy of its own', () => {
    const array = { zarr_format: 2, shape: [1], chunks: [1], dtype: '<c8', filters: null, compressor: null };
    expect(() => metadataOf2('made', array, undefined)).toThrow('complex numbers as two arrays');
  });

  test('delta adds up, and wraps as NumPy does', async () => {
    const decode = decoderOf2({ id: 'delta', dtype: '|u1', astype: '|u1' });
    expect([...(await decode(Uint8Array.from([250, 3, 4, 255]), 4, ownRoom))]).toEqual([250, 253, 1, 0]);
  });

  test('fixedscaleoffset gives back numbers', async () => {
    const decode = decoderOf2({ id: 'fixedscaleoffset', scale: 10, offset: 5, dtype: '<f8', astype: '|u1' });
    const found = await decode(Uint8Array.from([0, 25]), 16, ownRoom);
    expect([...new Float64Array(found.buffer, found.byteOffset, 2)]).toEqual([5, 7.5]);
  });

  test('one that is not known is named', () => {
    expect(() => decoderOf2({ id: 'lzma' })).toThrow('the codec "lzma"');
    expect(() => decoderOf3({ name: 'constructor' })).toThrow('the codec "constructor"');
  });
});
