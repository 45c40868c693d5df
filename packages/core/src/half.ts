// Half-precision floats: bits in a Uint16Array to float32 and back. Node 20 has no Float16Array.

import { InputError } from './errors.ts';
import { tensor, type Tensor } from './tensor.ts';

const word = new Uint32Array(1);
const real = new Float32Array(word.buffer);

/** The value of IEEE 754 binary16 bits. */
export function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** IEEE 754 binary16 bits of a value, rounded to nearest, ties to even; beyond 65,504 it is infinite. */
export function toHalf(value: number): number {
  real[0] = value;
  const x = word[0]!;
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65,520 and up round to infinity
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 leaves value / 2^-24, rounded to nearest even, in the low bits of the sum.
    real[0] = Math.abs(value) + 0.5;
    return sign | (word[0]! - 0x3f000000);
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

let table: Float32Array | undefined;

/** All 65,536 half values by their bits; made on first use. */
export function halfTable(): Float32Array {
  return (table ??= Float32Array.from({ length: 65536 }, (_, bits) => fromHalf(bits)));
}

/** Rounds a float32 array to binary16 bits. */
export function halfFromFloat32(values: Float32Array, out: Uint16Array = new Uint16Array(values.length)): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const magnitude = words[i]! & 0x7fffffff;
    // Normal halves are nearly all there is; done here, they take a quarter of the time.
    out[i] =
      magnitude >= 0x38800000 && magnitude < 0x477ff000
        ? ((words[i]! >>> 16) & 0x8000) | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
        : toHalf(values[i]!);
  }
  return out;
}

/** The largest magnitude of binary16, and the smallest that keeps its eleven digits. */
const largestHalf = 65504;
const smallestNormalHalf = 2 ** -14;

/**
 * A float32 tensor in binary16. Throws an `InputError` that names `name` and the value seen where a number would become
 * infinite (65,520 and more), or, unless `small` says that it does not matter, where all of them lie below 2^-14, where
 * binary16 loses its digits and then everything.
 */
export function toFloat16(
  { shape, data }: Tensor<'float32'>,
  name: string,
  {
    small = 'refused',
    remedy = 'Keep float32.',
  }: { readonly small?: 'refused' | 'rounded'; readonly remedy?: string } = {},
): Tensor<'float16'> {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  let most = 0;
  for (let i = 0; i < words.length; i++) {
    const magnitude = words[i]! & 0x7fffffff;
    if (magnitude > most && magnitude < 0x7f800000) most = magnitude;
  }
  word[0] = most;
  const largest = real[0]!;
  const refuse = (why: string): never => {
    throw new InputError(name, `${why}; float16 holds ${smallestNormalHalf.toPrecision(2)} to ${largestHalf}.`, {
      code: 'E_VALUE_RANGE',
      remedy,
    });
  };
  if (most >= 0x477ff000) {
    const at = words.findIndex((value) => (value & 0x7fffffff) === most);
    refuse(`the value ${data[at]!.toPrecision(6)} (number ${at} of ${data.length}) would become infinite in float16`);
  }
  if (small === 'refused' && most > 0 && largest < smallestNormalHalf)
    refuse(
      `the largest magnitude of all ${data.length} values is ${largest.toPrecision(3)}, which would lose its digits`,
    );
  return tensor('float16', shape, halfFromFloat32(data));
}

/** Float32 values of binary16 bits. */
export function float32FromHalf(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const values = halfTable();
  for (let i = 0; i < bits.length; i++) out[i] = values[bits[i]!]!;
  return out;
}

/** Float32 values of bfloat16 bits (the upper half of a float32). */
export function float32FromBfloat16(bits: Uint16Array, out = new Float32Array(bits.length)): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return out;
}

/**
 * A float tensor as float32; the tensor itself when it is float32 already. Throws a `TypeError` for other kinds, and an
 * `InputError` that names `name` where a float64 value would become infinite.
 */
export function toFloat32(t: Tensor, name = 'a float64 tensor'): Tensor<'float32'> {
  if (t.dtype === 'float32') return t as Tensor<'float32'>;
  if (t.dtype === 'float16') return tensor('float32', t.shape, float32FromHalf(t.data as Uint16Array));
  if (t.dtype === 'bfloat16') return tensor('float32', t.shape, float32FromBfloat16(t.data as Uint16Array));
  if (t.dtype === 'float64') {
    const data = Float32Array.from(t.data as Float64Array);
    const at = data.findIndex((value, i) => Math.abs(value) === Infinity && Number.isFinite(t.data[i]));
    if (at >= 0)
      throw new InputError(
        name,
        `the value ${String(t.data[at])} (number ${at} of ${data.length}) is float64 and beyond float32, which ends at 3.4e38.`,
        { code: 'E_VALUE_RANGE', remedy: 'Scale the values, or leave such ones out.' },
      );
    return tensor('float32', t.shape, data);
  }
  throw new TypeError(`expected a float tensor, got ${t.dtype}`);
}
