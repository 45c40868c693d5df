// Types of the values of Zarr arrays: NumPy's notation of format 2, the names of format 3.

import { elementBytes, fromHalf, toHalf, type DType, type Json } from '@deepearth/core';

/** How one value is stored. */
export interface DataType {
  /** What it is read as. */
  readonly dtype: DType | 'string';
  /** Bytes of one value; `undefined` where they differ (strings of any length). */
  readonly bytes: number | undefined;
  /** Of format 2, where the type says it; format 3 has it in its `bytes` codec. */
  readonly bigEndian: boolean;
  /** How a value of bytes becomes text. */
  readonly text?: 'utf32' | 'bytes';
  /** Where values count time since 1970: the unit, as CF has it ("nanoseconds"). */
  readonly timeUnit?: string;
}

const kinds: Readonly<Record<string, DType>> = {
  b1: 'bool',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

/** NumPy's units of time, as CF calls them; weeks and longer are no fixed number of days there, or not used. */
const timeUnits: Readonly<Record<string, string>> = {
  D: 'days',
  h: 'hours',
  m: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
};

/** The type that format 2 writes as `<u2`, `|b1`, `<U4`, `<M8[ns]`; `undefined` for one that is not read. */
export function dataTypeOf2(text: Json): DataType | undefined {
  if (text === '|O') return { dtype: 'string', bytes: undefined, bigEndian: false };
  const match = typeof text === 'string' ? /^([<>|])([a-zA-Z])(\d+)(?:\[(\w+)\])?$/.exec(text) : undefined;
  if (!match) return undefined;
  const [, order, kind, size, unit] = match as unknown as [string, string, string, string, string | undefined];
  const bigEndian = order === '>';
  if (kind === 'U') return { dtype: 'string', bytes: 4 * Number(size), bigEndian, text: 'utf32' };
  if (kind === 'S') return { dtype: 'string', bytes: Number(size), bigEndian, text: 'bytes' };
  if (kind === 'M' && size === '8' && unit && timeUnits[unit])
    return { dtype: 'int64', bytes: 8, bigEndian, timeUnit: timeUnits[unit] };
  const dtype = kinds[`${kind}${size}`];
  return dtype && { dtype, bytes: elementBytes(dtype), bigEndian };
}

const numbers = new Set<string>(Object.values(kinds));

/** The type that format 3 names; `undefined` for one that is not read. */
export function dataTypeOf3(named: Json): DataType | undefined {
  const name = typeof named === 'string' ? named : textOf(named, 'name');
  const configuration = typeof named === 'string' ? undefined : fieldOf(named, 'configuration');
  if (name === undefined) return undefined;
  if (numbers.has(name)) return { dtype: name as DType, bytes: elementBytes(name as DType), bigEndian: false };
  if (name === 'string') return { dtype: 'string', bytes: undefined, bigEndian: false };
  const length = fieldOf(configuration, 'length_bytes');
  if (typeof length === 'number' && name === 'fixed_length_utf32')
    return { dtype: 'string', bytes: length, bigEndian: false, text: 'utf32' };
  if (typeof length === 'number' && name === 'null_terminated_bytes')
    return { dtype: 'string', bytes: length, bigEndian: false, text: 'bytes' };
  if (name === 'numpy.datetime64') {
    const timeUnit = timeUnits[textOf(configuration, 'unit') ?? ''];
    if (timeUnit && fieldOf(configuration, 'scale_factor') === 1)
      return { dtype: 'int64', bytes: 8, bigEndian: false, timeUnit };
  }
  return undefined;
}

/** A field of a JSON object; `undefined` where it is none, or has no such field. */
export const fieldOf = (value: Json | undefined, name: string): Json | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && Object.hasOwn(value, name)
    ? (value as { readonly [name: string]: Json })[name]
    : undefined;

/** A text among the fields of a JSON object. */
export function textOf(value: Json | undefined, name: string): string | undefined {
  const field = fieldOf(value, name);
  return typeof field === 'string' ? field : undefined;
}

/**
 * The fill value of an array as an element of its type (the bits of a float16); `undefined` for one that makes no
 * sense. A null reads as 0, as in zarr-python. Whole numbers beyond 2^53 come as text (`BigInt` takes it) where JSON
 * kept them.
 */
export function fillElement({ dtype }: DataType, fill: Json | undefined): number | bigint | undefined {
  const value = fill ?? 0;
  if (dtype === 'string') return 0;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (dtype === 'int64' || dtype === 'uint64') {
    if (value === 'NaT') return -(2n ** 63n);
    if (typeof value !== 'number' && typeof value !== 'string') return undefined;
    try {
      return BigInt(value);
    } catch {
      return undefined;
    }
  }
  // A complex number is filled with its real part where both are the same; others are not known to be used.
  const real = Array.isArray(value) ? (value as readonly Json[])[0] : value;
  if (typeof real === 'number') return dtype === 'float16' ? toHalf(real) : real;
  if (typeof real !== 'string') return undefined;
  const special = ({ NaN, Infinity, '-Infinity': -Infinity } as Record<string, number>)[real];
  if (special !== undefined) return dtype === 'float16' ? toHalf(special) : special;
  if (/^0x[\da-f]+$/i.test(real)) return fromBits(dtype, real);
  return undefined;
}

/** A float of format 3 that is written as its bits. */
function fromBits(dtype: DType, hex: string): number | undefined {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, BigInt(hex)));
  if (dtype === 'float64') return view.getFloat64(0);
  if (dtype === 'float32') return view.getFloat32(4);
  return dtype === 'float16' ? view.getUint16(6) : undefined;
}

/** A fill value as JSON says it to people: the value of a float16 and not its bits. */
export const fillText = ({ dtype }: DataType, fill: number | bigint): number | string => {
  const value = dtype === 'float16' ? fromHalf(Number(fill)) : fill;
  if (typeof value === 'bigint')
    return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return Number.isFinite(value) ? value : String(value);
};
