// Minimum, maximum, mean and standard deviation of a tensor, from chunks of its values.

import { float32FromBfloat16, float32FromHalf } from '@deepearth/core/half';
import { elementBytes, viewAs, type DType } from '@deepearth/core/tensor';
import { decodeElement } from './elements.ts';

/** What the values of a tensor are like. */
export interface TensorStatistics {
  /** Smallest and largest finite value, exact; `undefined` where there is none. An int64 beyond 2^53 is a bigint. */
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  /** Mean and population standard deviation of the finite values (NumPy's `std`). */
  readonly mean?: number;
  readonly std?: number;
  /** How many values are NaN, and how many infinite. */
  readonly nan: number;
  readonly infinite: number;
}

/** Takes the values of a tensor piece by piece. */
export interface StatisticsOf {
  /** Whole elements, little-endian. */
  add(bytes: Uint8Array): void;
  result(): TensorStatistics;
}

/** Numbers of a chunk as doubles, or a typed array that holds them. */
function numbersOf(dtype: DType, bytes: Uint8Array): ArrayLike<number> {
  switch (dtype) {
    case 'float16':
      return float32FromHalf(viewAs('float16', bytes));
    case 'bfloat16':
      return float32FromBfloat16(viewAs('bfloat16', bytes));
    case 'float8_e4m3fn':
    case 'float8_e5m2':
      return Float32Array.from(bytes, (_, i) => decodeElement(dtype, bytes, i) as number);
    case 'int64':
    case 'uint64':
      return Float64Array.from(viewAs(dtype, bytes) as BigInt64Array, Number);
    case 'bool':
      return Uint8Array.from(bytes, (byte) => Number(byte !== 0));
    default:
      return viewAs(dtype, bytes) as ArrayLike<number>;
  }
}

/** Collects the statistics of a tensor; `undefined` for complex numbers, which have no order. */
export function statisticsOf(dtype: DType): StatisticsOf | undefined {
  if (dtype.startsWith('complex')) return undefined;
  let [count, mean, squares, nan, infinite] = [0, 0, 0, 0, 0];
  let [min, max] = [Infinity, -Infinity];
  let wide: { min: bigint; max: bigint } | undefined;

  const addPiece = (bytes: Uint8Array): void => {
    const values = numbersOf(dtype, bytes);
    let [here, sum] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value - value !== 0) {
        if (value !== value) nan++;
        else infinite++;
        continue;
      }
      here++;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    if (here === 0) return;
    // Deviations from the mean of the piece, then the pieces put together (Chan, Golub and LeVeque 1979).
    const own = sum / here;
    let deviations = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]! - own;
      if (value - value === 0) deviations += value * value;
    }
    const apart = own - mean;
    const all = count + here;
    mean += (apart * here) / all;
    squares += deviations + (apart * apart * count * here) / all;
    count = all;
    if (dtype === 'int64' || dtype === 'uint64')
      for (const value of viewAs(dtype, bytes) as BigInt64Array) {
        wide ??= { min: value, max: value };
        if (value < wide.min) wide.min = value;
        if (value > wide.max) wide.max = value;
      }
  };
  const exact = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
  return {
    add(bytes) {
      const step = pieceElements * elementBytes(dtype);
      for (let at = 0; at < bytes.byteLength; at += step) addPiece(bytes.subarray(at, at + step));
    },
    result: () => ({
      ...(count > 0 && {
        // A zero has no sign for those who read it.
        min: wide ? exact(wide.min) : min + 0,
        max: wide ? exact(wide.max) : max + 0,
        mean,
        std: Math.sqrt(squares / count),
      }),
      nan,
      infinite,
    }),
  };
}

/** How many values are taken at once: they stay in the cache for the second look. */
const pieceElements = 1 << 14;
