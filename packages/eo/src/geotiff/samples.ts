// The bytes of a decompressed strip or tile as samples: byte order, predictors, and samples that are no whole bytes.

import { halfTable } from '@deepearth/core/half';

/**
 * Types that samples are read as; floats of 16 bits become float32, whole numbers of odd widths the next wider type,
 * those of 64 bits float64.
 */
export interface SampleArrays {
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  uint32: Uint32Array;
  int32: Int32Array;
  float32: Float32Array;
  float64: Float64Array;
}
/** Name of such a type. */
export type SampleType = keyof SampleArrays;
/** Samples of one type. */
export type Samples = SampleArrays[SampleType];

const arrays = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** An array of zeros. */
export const makeSamples = (type: SampleType, length: number): Samples => new arrays[type](length);
/** Bytes of one sample in memory. */
export const sampleBytes = (type: SampleType): number => arrays[type].BYTES_PER_ELEMENT;

/** How samples are stored. */
export interface SampleFormat {
  readonly type: SampleType;
  /** Bits of a sample in the file. */
  readonly bits: number;
  readonly littleEndian: boolean;
  /** 1 none, 2 differences, 3 differences of the bytes of floats. */
  readonly predictor: number;
  /** Whole numbers of 64 bits that are read as float64. */
  readonly wide?: WideType | undefined;
}

/** Types of whole numbers that are read as float64. */
export type WideType = 'int64' | 'uint64';

/** The type of whole numbers of 64 bits; `undefined` for others. */
export function wideType(format: number, bits: number): WideType | undefined {
  if (bits !== 64) return undefined;
  return format === 2 ? 'int64' : format === 1 || format === 4 ? 'uint64' : undefined;
}

/**
 * The greatest values: no float64 is equal to them, and they often stand for no data. They are read as the next one,
 * which no whole number of their type is.
 */
const greatest = { int64: 2n ** 63n - 1n, uint64: 2n ** 64n - 1n } as const;

/** The whole numbers that `toSamples` has read as `values`. */
export function wideValues(values: Float64Array, type: WideType): BigInt64Array | BigUint64Array {
  const out = type === 'int64' ? new BigInt64Array(values.length) : new BigUint64Array(values.length);
  const beyond = Number(greatest[type]);
  for (let i = 0; i < values.length; i++) out[i] = values[i] === beyond ? greatest[type] : BigInt(values[i]!);
  return out;
}

/** As float64. Throws a `RangeError` that names a value which is none. */
function narrowed(values: BigInt64Array | BigUint64Array, type: WideType): Float64Array {
  const out = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    out[i] = Number(value);
    if (!Number.isSafeInteger(out[i]) && BigInt(out[i]!) !== value && value !== greatest[type])
      throw new RangeError(`the value ${value} has more digits than a 64-bit float holds`);
  }
  return out;
}

/**
 * The type that samples of `bits` bits of a TIFF sample format (1 unsigned, 2 signed, 3 floating, 4 not said) are read
 * as; `undefined` for those that are not read.
 */
export function sampleType(format: number, bits: number): SampleType | undefined {
  if (format === 3) return ({ 16: 'float32', 32: 'float32', 64: 'float64' } as const)[bits];
  if (wideType(format, bits)) return 'float64';
  if (format === 2) return ({ 8: 'int8', 16: 'int16', 32: 'int32' } as const)[bits];
  if (format !== 1 && format !== 4) return undefined;
  return bits < 1 || bits > 32 ? undefined : bits <= 8 ? 'uint8' : bits <= 16 ? 'uint16' : 'uint32';
}

/** Bytes of a row of `count` samples in the file. */
export const rowBytes = (count: number, bits: number): number => Math.ceil((count * bits) / 8);

/**
 * Samples of `rows` rows of `width` pixels with `samples` samples each, in the order in which they are stored. Uses the
 * memory of `bytes` where it can, and changes it. Throws a `RangeError` for a whole number of 64 bits that no float64
 * is equal to.
 */
export function toSamples(
  bytes: Uint8Array,
  rows: number,
  width: number,
  samples: number,
  format: SampleFormat,
): Samples {
  const { type, bits, littleEndian, predictor } = format;
  const count = rows * width * samples;
  if (bits % 8 !== 0 || bits === 24) return unpacked(bytes, rows, width * samples, bits, type);
  if (bits === 16 && type === 'float32') {
    if (predictor === 3) undoFloatPredictor(bytes, rows, width, samples, 2);
    else if (!littleEndian) swap(bytes, 2);
    const halves = new Uint16Array(aligned(bytes, 2).buffer, aligned(bytes, 2).byteOffset, count);
    if (predictor === 2) undoDifferences(halves, rows, width, samples);
    const table = halfTable();
    return Float32Array.from(halves, (half) => table[half]!);
  }
  const size = bits / 8;
  if (predictor === 3) undoFloatPredictor(bytes, rows, width, samples, size);
  else if (!littleEndian && size > 1) swap(bytes, size);
  const own = aligned(bytes, size);
  const values = new arrays[type](own.buffer as ArrayBuffer, own.byteOffset, count);
  if (predictor === 2) {
    if (values instanceof Float64Array) undoWideDifferences(values, rows, width, samples);
    else undoDifferences(differencesOf(values), rows, width, samples);
  }
  if (!format.wide) return values;
  const Wide = format.wide === 'int64' ? BigInt64Array : BigUint64Array;
  return narrowed(new Wide(values.buffer as ArrayBuffer, values.byteOffset, count), format.wide);
}

/** Differences wrap around as whole numbers do, also those of floats. */
function differencesOf(values: Exclude<Samples, Float64Array>): Exclude<Samples, Float64Array> {
  if (values instanceof Float32Array) return new Int32Array(values.buffer, values.byteOffset, values.length);
  return values;
}

const aligned = (bytes: Uint8Array, size: number): Uint8Array =>
  bytes.byteOffset % size === 0 ? bytes : bytes.slice();

function swap(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength - (bytes.byteLength % size));
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
}

/** Each sample was stored as its difference from that of the pixel before it. */
function undoDifferences(values: Exclude<Samples, Float64Array>, rows: number, width: number, samples: number): void {
  const line = width * samples;
  if (samples === 1)
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let i = row * line, end = i + line; i < end; i++) sum = values[i] = sum + values[i]!;
    }
  else
    for (let row = 0; row < rows; row++) {
      const end = (row + 1) * line;
      for (let i = row * line + samples; i < end; i++) values[i] = values[i]! + values[i - samples]!;
    }
}

/** The same of values of 64 bits, floats too: sums of whole numbers in two halves. */
function undoWideDifferences(values: Float64Array, rows: number, width: number, samples: number): void {
  // Halves of a value of a little-endian machine, the low one first, which is what typed arrays are everywhere Node
  // runs.
  const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const line = 2 * width * samples;
  const step = 2 * samples;
  for (let row = 0; row < rows; row++)
    for (let i = row * line + step, end = (row + 1) * line; i < end; i += 2) {
      const low = halves[i]! + halves[i - step]!;
      halves[i] = low;
      halves[i + 1] = halves[i + 1]! + halves[i + 1 - step]! + (low > 0xffffffff ? 1 : 0);
    }
}

/**
 * Each row was stored as its most significant bytes, then the next ones (whatever the byte order of the file), and
 * these as differences (Adobe Photoshop TIFF Technical Note 3).
 */
function undoFloatPredictor(bytes: Uint8Array, rows: number, width: number, samples: number, size: number): void {
  const count = width * samples;
  const line = count * size;
  const row = new Uint8Array(line);
  for (let y = 0; y < rows; y++) {
    const at = y * line;
    for (let i = at + samples, end = at + line; i < end; i++) bytes[i] = bytes[i]! + bytes[i - samples]!;
    for (let byte = 0; byte < size; byte++) {
      const plane = at + byte * count;
      const place = size - 1 - byte;
      for (let i = 0; i < count; i++) row[i * size + place] = bytes[plane + i]!;
    }
    bytes.set(row, at);
  }
}

/** Samples of 1 to 31 bits, high bit first; each row begins with a byte of its own. */
function unpacked(bytes: Uint8Array, rows: number, count: number, bits: number, type: SampleType): Samples {
  const out = makeSamples(type, rows * count);
  const line = rowBytes(count, bits);
  for (let y = 0; y < rows; y++) {
    let at = y * line;
    let held = 0;
    let have = 0;
    for (let i = 0; i < count; i++) {
      let value = 0;
      let wanted = bits;
      while (wanted > 0) {
        if (have === 0) {
          held = bytes[at++]!;
          have = 8;
        }
        const taken = Math.min(wanted, have);
        value = value * (1 << taken) + ((held >>> (have - taken)) & ((1 << taken) - 1));
        have -= taken;
        wanted -= taken;
      }
      out[y * count + i] = value;
    }
  }
  return out;
}
