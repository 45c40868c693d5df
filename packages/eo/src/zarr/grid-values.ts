// Reads the values of a variable of a cube: its grids laid into the lattice, in the type that is stored.

import { InputError, tensor, toFloat16, type TensorData } from '@deepearth/core';
import type { Span } from '../cube.ts';
import { isLabel } from '../place/grid-item.ts';
import type { KeptGrid } from '../place/held-grids.ts';
import { tokenMosaic, type Lattice, type TokenMosaic } from '../place/token-mosaic.ts';
import { timeKey, type GridVariable } from './collect-grids.ts';
import type { GridTime } from '../place/grid-times.ts';

/** Reads a part `[time, y, x]` of a variable, with all of its bands: `[time, y, x, band]`, NaN where nothing counts. */
export type ReadGrids = (part: readonly Span[]) => Promise<Float32Array>;

export function gridReader(
  { item, bands, steps }: GridVariable,
  times: readonly GridTime[],
  lattice: Lattice,
  held: (kept: KeptGrid) => Promise<Float32Array>,
): ReadGrids {
  let last: { readonly time: number; readonly mosaic: TokenMosaic | undefined } | undefined;
  const mosaicAt = (time: number): TokenMosaic | undefined => {
    if (last?.time === time) return last.mosaic;
    const found = steps.get(timeKey(times[time]!));
    const mosaic =
      found &&
      tokenMosaic(
        found.map(({ grid }) => grid),
        bands,
        (index) => held(found[index]!.kept),
        { blend: !isLabel(item), lattice },
      );
    last = { time, mosaic };
    return mosaic;
  };
  return async ([time, y, x]) => {
    const length = y!.count * x!.count * bands;
    const out = new Float32Array(time!.count * length);
    for (let step = 0; step < time!.count; step++) {
      const mosaic = mosaicAt(time!.start + step);
      const area = { x: x!.start, y: y!.start, width: x!.count, height: y!.count };
      if (mosaic) out.set(await mosaic.read(area), step * length);
      else out.fill(NaN, step * length, (step + 1) * length);
    }
    return out;
  };
}

const remedy = 'Give `dtype: float32`.';

/** As bits of float16. Throws an `InputError` that names `subject` for numbers beyond it. */
export const asHalf = (values: Float32Array, subject: string): TensorData =>
  toFloat16(tensor('float32', [values.length], values), subject, { small: 'rounded', remedy }).data;

/** Whole numbers of groups; `none` where there is none. */
export function asGroups(values: Float32Array, none: 255 | 65_535): Uint8Array | Uint16Array {
  const out = none === 255 ? new Uint8Array(values.length) : new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = Number.isNaN(values[i]!) ? none : values[i]!;
  return out;
}

/**
 * The number that 127 of its whole numbers stands for, 127th part of the largest magnitude; 1 for zeros, NaN where the
 * token is masked. Throws an `InputError` that names `subject` for NaN and infinities in a token that is not.
 */
function scaleOf(values: Float32Array, from: number, bands: number, subject: string): number {
  if (Number.isNaN(values[from]!)) return NaN;
  let most = 0;
  for (let band = 0; band < bands; band++) {
    const magnitude = Math.abs(values[from + band]!);
    if (!(magnitude < Infinity))
      throw new InputError(subject, `a token has the number ${values[from + band]}, which has no place in int8.`, {
        code: 'E_VALUE_RANGE',
        remedy,
      });
    if (magnitude > most) most = magnitude;
  }
  return most === 0 ? 1 : Math.max(Math.fround(most / 127), 2 ** -126);
}

/** The scales of tokens. */
export function scalesOf(values: Float32Array, bands: number, subject: string): Float32Array {
  const out = new Float32Array(values.length / bands);
  for (let token = 0; token < out.length; token++) out[token] = scaleOf(values, token * bands, bands, subject);
  return out;
}

/** Numbers divided by the scale of their token, rounded; 0 where it is masked. */
export function asInt8(values: Float32Array, bands: number, subject: string): Int8Array {
  const out = new Int8Array(values.length);
  for (let from = 0; from < values.length; from += bands) {
    const scale = scaleOf(values, from, bands, subject);
    if (Number.isNaN(scale)) continue;
    for (let band = 0; band < bands; band++) out[from + band] = Math.round(values[from + band]! / scale);
  }
  return out;
}
