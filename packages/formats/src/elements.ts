// Single values out of a tensor's bytes.

import { fromHalf } from '@deepearth/core/half';
import { elementBytes, type DType } from '@deepearth/core/tensor';

/** A value of a tensor: exact, so int64 beyond 2^53 is a bigint. */
export type Element = number | bigint | boolean | readonly [real: number, imaginary: number];

const whole = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

/** `sign * 2^exponent * fraction` of a small float; `special` says what an exponent of all ones means. */
function small(bits: number, exponentBits: number, fractionBits: number, bias: number, finite: boolean): number {
  const sign = bits >> (exponentBits + fractionBits) ? -1 : 1;
  const exponent = (bits >> fractionBits) & ((1 << exponentBits) - 1);
  const fraction = bits & ((1 << fractionBits) - 1);
  const last = exponent === (1 << exponentBits) - 1;
  // The "fn" kind has no infinity, and only the very last pattern is NaN.
  if (last && finite && fraction === (1 << fractionBits) - 1) return NaN;
  if (last && !finite) return fraction ? NaN : sign * Infinity;
  const part = fraction / (1 << fractionBits);
  return exponent === 0 ? sign * part * 2 ** (1 - bias) : sign * (1 + part) * 2 ** (exponent - bias);
}

const readers: Readonly<Record<DType, (view: DataView, at: number) => Element>> = {
  float64: (view, at) => view.getFloat64(at, true),
  float32: (view, at) => view.getFloat32(at, true),
  float16: (view, at) => fromHalf(view.getUint16(at, true)),
  bfloat16: (view, at) => {
    const bits = new DataView(new ArrayBuffer(4));
    bits.setUint16(2, view.getUint16(at, true), true);
    return bits.getFloat32(0, true);
  },
  float8_e4m3fn: (view, at) => small(view.getUint8(at), 4, 3, 7, true),
  float8_e5m2: (view, at) => small(view.getUint8(at), 5, 2, 15, false),
  int64: (view, at) => whole(view.getBigInt64(at, true)),
  int32: (view, at) => view.getInt32(at, true),
  int16: (view, at) => view.getInt16(at, true),
  int8: (view, at) => view.getInt8(at),
  uint64: (view, at) => whole(view.getBigUint64(at, true)),
  uint32: (view, at) => view.getUint32(at, true),
  uint16: (view, at) => view.getUint16(at, true),
  uint8: (view, at) => view.getUint8(at),
  bool: (view, at) => view.getUint8(at) !== 0,
  complex64: (view, at) => [view.getFloat32(at, true), view.getFloat32(at + 4, true)],
  complex128: (view, at) => [view.getFloat64(at, true), view.getFloat64(at + 8, true)],
};

/** The value at `index` of little-endian bytes. */
export const decodeElement = (dtype: DType, bytes: Uint8Array, index: number): Element =>
  readers[dtype](new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), index * elementBytes(dtype));
