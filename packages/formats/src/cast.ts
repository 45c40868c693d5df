// Float tensors in another float type, converted piece by piece as they are read.

import { InputError } from '@deepearth/core/errors';
import { float32FromBfloat16, float32FromHalf, halfFromFloat32 } from '@deepearth/core/half';
import { elementBytes, viewAs, type DType } from '@deepearth/core/tensor';
import { decodeElement } from './elements.ts';
import { lazyTensor, type LazyTensor } from './lazy-tensor.ts';
import { show } from './printable.ts';

/** Float types that tensors are converted to. */
export type CastTo = 'float32' | 'float16';

const floats: ReadonlySet<DType> = new Set([
  'float64',
  'float32',
  'float16',
  'bfloat16',
  'float8_e4m3fn',
  'float8_e5m2',
]);

/** Whether the values of a type are real floats. */
export const isFloat = (dtype: DType): boolean => floats.has(dtype);

/** A tensor in a file, for messages. */
export interface Named {
  readonly file: string;
  readonly name: string;
}

/** Throws the `InputError` for a value that its new type does not hold. */
export function refuseValue({ file, name }: Named, message: string, remedy: string): never {
  throw new InputError(file, `tensor ${show(name)}: ${message}.`, { code: 'E_VALUE_RANGE', remedy });
}

const tables = new Map<DType, Float32Array>();

/** All 256 values of a float8 type by their bits. */
function table(dtype: DType): Float32Array {
  const known = tables.get(dtype);
  if (known) return known;
  const bytes = Uint8Array.from({ length: 256 }, (_, bits) => bits);
  const values = Float32Array.from(bytes, (bits) => decodeElement(dtype, bytes, bits) as number);
  tables.set(dtype, values);
  return values;
}

/** Float values as float32; those of float64 are rounded, and beyond float32 infinite. */
function float32Of(dtype: DType, bytes: Uint8Array): Float32Array {
  switch (dtype) {
    case 'float32':
      return viewAs('float32', bytes);
    case 'float16':
      return float32FromHalf(viewAs('float16', bytes));
    case 'bfloat16':
      return float32FromBfloat16(viewAs('bfloat16', bytes));
    case 'float64':
      return Float32Array.from(viewAs('float64', bytes));
    default: {
      const values = table(dtype);
      return Float32Array.from(bytes, (bits) => values[bits]!);
    }
  }
}

/**
 * Elements `first` to `first + count` of a float tensor as float32. Throws an `InputError` (`E_VALUE_RANGE`) where a
 * number of float64 is beyond float32.
 */
export async function readFloat32(
  t: LazyTensor,
  first: number,
  count: number,
  named: Named,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const width = elementBytes(t.dtype);
  const bytes = await t.readBytes(first * width, count * width, signal);
  const values = float32Of(t.dtype, bytes);
  if (t.dtype === 'float64') {
    const exact = viewAs('float64', bytes);
    const at = values.findIndex((value, i) => Math.abs(value) === Infinity && Number.isFinite(exact[i]));
    if (at >= 0)
      refuseValue(
        named,
        `the value ${String(exact[at])} (number ${first + at}) is beyond float32, which ends at 3.4e38`,
        'Scale the values, or keep their type.',
      );
  }
  return values;
}

/**
 * From here on a magnitude rounds to infinity in binary16, and below it only subnormal halves are left: as float32
 * bits.
 */
const infiniteHalf = 0x477ff000;
const normalHalf = 0x38800000;
const infinite = 0x7f800000;

/**
 * A float tensor in another float type; the tensor itself where it has that type. Nothing is read until values are
 * asked for. Reading throws an `InputError` (`E_VALUE_RANGE`) for a number that would become infinite (65,520 and more
 * in float16), and `chunks`, at the end, for a tensor all of whose numbers lie below 2^-14, where float16 loses its
 * digits. NaN and infinities stay. Throws a `TypeError` for types that are no floats.
 */
export function castTensor<D extends CastTo>(t: LazyTensor, to: D, named: Named): LazyTensor<D> {
  if (!isFloat(t.dtype)) throw new TypeError(`${named.name} is ${t.dtype}, which is no float type`);
  if (t.dtype === to) return t as LazyTensor<D>;
  const width = elementBytes(to);
  /** The values of whole elements, and the largest magnitude among them as float32 bits. */
  const read = async (first: number, count: number, signal?: AbortSignal) => {
    const values = await readFloat32(t, first, count, named, signal);
    if (to === 'float32') return { most: infinite, bytes: bytesOfArray(values) };
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    let most = 0;
    for (let i = 0; i < words.length; i++) {
      const magnitude = words[i]! & 0x7fffffff;
      if (magnitude > most && magnitude < infinite) most = magnitude;
    }
    if (most >= infiniteHalf) {
      const at = words.findIndex((word) => (word & 0x7fffffff) === most);
      refuseValue(
        named,
        `the value ${values[at]!.toPrecision(6)} (number ${first + at}) would become infinite in float16, which ends at 65504`,
        'Keep float32.',
      );
    }
    return { most, bytes: bytesOfArray(halfFromFloat32(values)) };
  };
  const lazy = lazyTensor({
    dtype: to as DType,
    shape: t.shape,
    readBytes: async (start, length, signal) => {
      const first = Math.floor(start / width);
      const end = Math.ceil((start + length) / width);
      const { bytes } = await read(first, end - first, signal);
      return bytes.subarray(start - first * width, start - first * width + length);
    },
    verify: t.verify,
  });
  const count = lazy.bytes / width;
  return {
    ...(lazy as LazyTensor<D>),
    chunks: async function* (signal) {
      let most = 0;
      for (let at = 0; at < count; at += elementsAtOnce) {
        const last = at + elementsAtOnce >= count;
        const piece = await read(at, Math.min(elementsAtOnce, count - at), signal);
        most = Math.max(most, piece.most);
        if (last && most > 0 && most < normalHalf)
          refuseValue(
            named,
            'all numbers are so small (below 6.1e-5) that they would lose their digits in float16',
            'Keep float32.',
          );
        if (last) await t.verify(signal);
        yield piece.bytes;
      }
    },
  };
}

/** How many values are converted at once: 4 MiB of float32. */
const elementsAtOnce = 1 << 20;

const bytesOfArray = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
