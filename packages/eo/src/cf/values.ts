// What numbers of a variable mean: which of them are data, and their scale (CF conventions, 2.5 and 8.1).

import { float32FromHalf, type Tensor } from '@deepearth/core';
import type { Attributes, CubeArray } from '../cube.ts';

/** Which values are no data, and how the others become what was measured. */
export interface CfValues {
  /** Values that stand for no data; NaN never is. */
  readonly noData: readonly number[];
  /** The least and the largest value that counts, of those as stored. */
  readonly validMin: number;
  readonly validMax: number;
  readonly scale: number;
  readonly offset: number;
  /** Whether there is a `scale_factor` or an `add_offset`. */
  readonly packed: boolean;
}

const numbersOf = (value: unknown): number[] =>
  (Array.isArray(value) ? value : [value]).flatMap((each: unknown) => {
    if (typeof each === 'number') return [each];
    if (typeof each !== 'string') return [];
    const special = ({ NaN, Infinity, '-Infinity': -Infinity } as Record<string, number>)[each];
    if (special !== undefined) return [special];
    // What JSON could not keep: a whole number of many digits; or, as xarray writes fill values of floats in Zarr 3, a
    // float64 in base64.
    if (/^-?\d+$/.test(each)) return [Number(each)];
    const bytes = /^[A-Za-z\d+/]{11}=$/.test(each) ? Buffer.from(each, 'base64') : undefined;
    return bytes?.length === 8 ? [bytes.readDoubleLE(0)] : [];
  });

const first = (value: unknown, otherwise: number): number => numbersOf(value)[0] ?? otherwise;

/** A number as a value of the type holds it: a `_FillValue` of 1e20 is another number in float32. */
function asStored(value: number, dtype: CubeArray['dtype']): number {
  return dtype === 'float32' ? Math.fround(value) : value;
}

/** What the attributes of a variable say. `noData` adds values that its file does not name. */
export function cfValues(attributes: Attributes, dtype: CubeArray['dtype'], noData: readonly number[] = []): CfValues {
  const { _FillValue, missing_value, valid_range, valid_min, valid_max, scale_factor, add_offset } = attributes;
  const [low, high] = numbersOf(valid_range);
  return {
    noData: [...numbersOf(_FillValue), ...numbersOf(missing_value), ...noData]
      .filter((value) => !Number.isNaN(value))
      .map((value) => asStored(value, dtype)),
    validMin: asStored(low ?? first(valid_min, -Infinity), dtype),
    validMax: asStored(high ?? first(valid_max, Infinity), dtype),
    scale: first(scale_factor, 1),
    offset: first(add_offset, 0),
    packed: scale_factor !== undefined || add_offset !== undefined,
  };
}

/** Values as numbers: float16 bits become floats, 64-bit integers lose what a double cannot hold. */
export function numbers({ dtype, data }: Tensor): Exclude<Tensor['data'], BigInt64Array | BigUint64Array> {
  if (dtype === 'float16') return float32FromHalf(data as Uint16Array);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  return data;
}
