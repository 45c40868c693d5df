// Turns stored chunks back into bytes of values: compressors, filters and checksums of formats 2 and 3.

import { promisify } from 'node:util';
import { gunzip as gunzipCallback, inflate as inflateCallback } from 'node:zlib';
import type { Json } from '@deepearth/core';
import { crc32 } from '@deepearth/formats/crc32';
import type { Room } from './buffer-pool.ts';
import { unshuffled } from './codec-kernel.ts';
import { crc32c } from './crc32c.ts';
import { decodeChunk } from './decode-threads.ts';
import { dataTypeOf2, fieldOf, textOf, type DataType } from './data-type.ts';
import { elementsOf } from './elements.ts';
import { contentSize } from './zstd-header.ts';

const gunzip = promisify(gunzipCallback) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;
const inflate = promisify(inflateCallback) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;

/**
 * Undoes one step. `size` is how many bytes should come out, at most; they may lie in `room`. Throws a `RangeError`
 * that says what is wrong with the bytes.
 */
export interface Decode {
  (bytes: Uint8Array, size: number, room: Room): Promise<Uint8Array> | Uint8Array;
  /** How many bytes go in for each that comes out, where a filter writes elements of another size. */
  readonly ratio?: number;
}

/** Why bytes cannot be decoded at all, for errors: the codec that is not known, or options that make no sense. */
export class UnknownCodec extends Error {}
/** The type of values that is not known. */
export class UnknownType extends UnknownCodec {}

/** Zero or more bytes at the end are a checksum of the others. */
const checked =
  (name: string, sum: (bytes: Uint8Array) => number, place: 'start' | 'end'): Decode =>
  (bytes) => {
    if (bytes.length < 4) throw new RangeError(`has ${bytes.length} bytes, its ${name} alone has 4`);
    const at = place === 'end' ? bytes.length - 4 : 0;
    const content = place === 'end' ? bytes.subarray(0, at) : bytes.subarray(4);
    const stored = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0, true);
    const found = sum(content);
    if (stored !== found)
      throw new RangeError(`is damaged: its ${name} is ${hex(found)}, ${hex(stored)} is stored with it`);
    return content;
  };

const hex = (value: number): string => value.toString(16).padStart(8, '0');

/** Modulo 65,521, as in zlib. */
function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let at = 0; at < bytes.length;) {
    for (const end = Math.min(at + 3800, bytes.length); at < end; at++) {
      a += bytes[at]!;
      b += a;
    }
    a %= 65_521;
    b %= 65_521;
  }
  return ((b << 16) | a) >>> 0;
}

/** As HDF5 has it: sums of words of two bytes, high byte first, and of these sums, both modulo 65,535. */
function fletcher32(bytes: Uint8Array): number {
  const fold = (sum: number): number => (sum & 0xffff) + (sum >>> 16);
  let [a, b] = [0, 0];
  const add = (word: number): void => {
    a += word;
    b += a;
  };
  const even = bytes.length - (bytes.length % 2);
  for (let at = 0; at < even;) {
    for (const end = Math.min(at + 720, even); at < end; at += 2) add((bytes[at]! << 8) | bytes[at + 1]!);
    [a, b] = [fold(a), fold(b)];
  }
  if (even < bytes.length) {
    add(bytes[even]! << 8);
    [a, b] = [fold(a), fold(b)];
  }
  return ((fold(b) << 16) | fold(a)) >>> 0;
}

async function deflated(work: Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await work;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new RangeError(
      code === 'ERR_BUFFER_TOO_LARGE' ? 'inflates to more bytes than expected' : `cannot be inflated: ${message}`,
      { cause },
    );
  }
}

const asDecimal = (value: Json | undefined, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise;

type Maker = (configuration: Json | undefined) => Decode;

/** The type that a filter's configuration names; `otherwise` where it names none. */
const typed = (configuration: Json | undefined, name: string, otherwise?: Json) => {
  const text = fieldOf(configuration, name) ?? otherwise;
  const type = dataTypeOf2(text ?? null);
  if (!type || type.dtype === 'string' || type.bytes === undefined)
    throw new UnknownCodec(`the type ${JSON.stringify(text ?? null)} of a filter`);
  return { ...type, dtype: type.dtype };
};

/** A filter that makes elements of one type of as many of another. */
const ofElements = (
  decode: (bytes: Uint8Array) => Uint8Array,
  stored: Pick<DataType, 'bytes'>,
  type: Pick<DataType, 'bytes'>,
): Decode => Object.assign(decode, { ratio: stored.bytes! / type.bytes! });

/** What adds up, one element to the next: `delta` of numcodecs. */
const undelta: Maker = (configuration) => {
  const type = typed(configuration, 'dtype');
  const stored = typed(configuration, 'astype', fieldOf(configuration, 'dtype'));
  const decode = (bytes: Uint8Array): Uint8Array => {
    const steps = elementsOf(stored.dtype, bytes, stored.bigEndian);
    const out = elementsOf(type.dtype, new Uint8Array(steps.length * type.bytes!), false);
    if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
      let sum = 0n;
      for (let i = 0; i < steps.length; i++) out[i] = sum = sum + BigInt(steps[i]!);
    } else {
      let sum = 0;
      // The array wraps around as NumPy does.
      for (let i = 0; i < steps.length; i++) {
        out[i] = sum + Number(steps[i]!);
        sum = out[i]!;
      }
    }
    return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  };
  return ofElements(decode, stored, type);
};

/** `value / scale + offset`: `fixedscaleoffset` of numcodecs. */
const unscale: Maker = (configuration) => {
  const type = typed(configuration, 'dtype');
  const stored = typed(configuration, 'astype', fieldOf(configuration, 'dtype'));
  const scale = asDecimal(fieldOf(configuration, 'scale'), 1);
  const offset = asDecimal(fieldOf(configuration, 'offset'), 0);
  const decode = (bytes: Uint8Array): Uint8Array => {
    const from = elementsOf(stored.dtype, bytes, stored.bigEndian);
    const out = elementsOf(type.dtype, new Uint8Array(from.length * type.bytes!), false) as Float64Array;
    for (let i = 0; i < from.length; i++) out[i] = Number(from[i]!) / scale + offset;
    return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  };
  return ofElements(decode, stored, type);
};

const convert =
  (decodedAs: string, storedAs: string): Maker =>
  (configuration) => {
    const type = typed(configuration, decodedAs);
    const stored = typed(configuration, storedAs, fieldOf(configuration, decodedAs));
    const decode = (bytes: Uint8Array): Uint8Array => {
      if (stored.dtype === type.dtype && !stored.bigEndian) return bytes;
      const from = elementsOf(stored.dtype, bytes, stored.bigEndian);
      const out = elementsOf(type.dtype, new Uint8Array(from.length * type.bytes!), false) as Float64Array;
      for (let i = 0; i < from.length; i++) out[i] = Number(from[i]!);
      return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
    };
    return ofElements(decode, stored, type);
  };

const makers: Readonly<Record<string, Maker>> = {
  gzip: () => (bytes, size) => deflated(gunzip(bytes, { maxOutputLength: Math.max(1, size) })),
  zlib: () => (bytes, size) => deflated(inflate(bytes, { maxOutputLength: Math.max(1, size) })),
  zstd: () => (bytes, size, room) => {
    const declared = contentSize(bytes);
    if (declared !== undefined && declared > size)
      throw new RangeError(`says that it inflates to ${declared} bytes, ${size} are expected`);
    return decodeChunk('zstd', bytes, declared ?? size, room);
  },
  blosc: () => (bytes, size, room) => decodeChunk('blosc', bytes, size, room),
  lz4: () => async (bytes, most, room) => {
    if (bytes.length < 4) throw new RangeError('is too short for LZ4 data');
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if (size > most) throw new RangeError(`says that it inflates to ${size} bytes, ${most} are expected`);
    const content = await decodeChunk('lz4', bytes.subarray(4), size, room);
    if (content.length !== size) throw new RangeError(`inflates to ${content.length} bytes, it says ${size}`);
    return content;
  },
  crc32c: () => checked('CRC-32C', crc32c, 'end'),
  crc32: (configuration) => checked('CRC-32', crc32, textOf(configuration, 'location') === 'end' ? 'end' : 'start'),
  adler32: (configuration) =>
    checked('Adler-32', adler32, textOf(configuration, 'location') === 'end' ? 'end' : 'start'),
  fletcher32: () => checked('Fletcher-32', fletcher32, 'end'),
  shuffle: (configuration) => {
    const size = asDecimal(fieldOf(configuration, 'elementsize'), 4);
    return (bytes, _, room) => unshuffled(bytes, size, room);
  },
  delta: undelta,
  fixedscaleoffset: unscale,
  quantize: convert('dtype', 'astype'),
  astype: convert('decode_dtype', 'encode_dtype'),
  bitround: () => (bytes) => bytes,
};

/** Codecs that format 2 calls by an `id`, with their options beside it. */
export function decoderOf2(codec: Json): Decode {
  const id = textOf(codec, 'id') ?? '';
  // numcodecs' own CRC-32C stands in front unless it says otherwise.
  if (id === 'crc32c') return checked('CRC-32C', crc32c, textOf(codec, 'location') === 'start' ? 'start' : 'end');
  return known(id, codec);
}

/** Filters of numcodecs that format 3 has where a chunk is not bytes yet; they go by elements and know their types. */
const elementwise = new Set([
  'numcodecs.fixedscaleoffset',
  'numcodecs.quantize',
  'numcodecs.astype',
  'numcodecs.bitround',
  'numcodecs.delta',
]);
/** Whether format 3 has this codec of elements in front of the one that makes bytes of them. */
export const isElementwise = (name: string | undefined): name is string => elementwise.has(name ?? '');

/** Codecs that format 3 calls by name, with a configuration; those of numcodecs under "numcodecs.…". */
export const decoderOf3 = (codec: Json): Decode =>
  known(
    (typeof codec === 'string' ? codec : (textOf(codec, 'name') ?? '')).replace(/^numcodecs\./, ''),
    fieldOf(codec, 'configuration'),
  );

function known(name: string, configuration: Json | undefined): Decode {
  const maker = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (!maker) throw new UnknownCodec(`the codec ${JSON.stringify(name)}`);
  return maker(configuration);
}

/** Names of the codecs that are read, for errors. */
export const codecNames = Object.keys(makers).sort();
