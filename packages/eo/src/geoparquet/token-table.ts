// The rows of an item in a table of tokens: of what each token is, where and when.

import type { ParquetColumn } from '@deepearth/formats/parquet-writer';
import { gridShape, isLabel, maskedValues, overTime, type GridItem, type GridShape } from '../place/grid-item.ts';
import { gridTimes, type FrameTime } from '../place/grid-times.ts';
import { microsecondsOf } from '../place/moments.ts';
import { footprintsOf, type Footprint, type Footprints } from './footprints.ts';

/** What rows begin with. */
export const placeColumns: readonly ParquetColumn[] = [
  { name: 'id', type: 'text', required: true },
  { name: 'geometry', type: 'bytes' },
  { name: 'bbox', type: 'box' },
  { name: 'sequence', type: 'text' },
  { name: 'clip', type: 'text' },
  { name: 'step', type: 'whole', required: true },
  { name: 'row', type: 'whole', required: true },
  { name: 'column', type: 'whole', required: true },
  { name: 'time', type: 'time' },
  { name: 'end_time', type: 'time' },
  { name: 'first_frame', type: 'whole' },
  { name: 'last_frame', type: 'whole' },
  { name: 'valid', type: 'float', required: true },
];

/** How tokens become rows. */
export interface RowOptions {
  readonly geometry: 'polygon' | 'point';
  readonly steps: 'each' | 'mean';
}

/** The values of an item in the order of its tokens. */
export interface TokenValues {
  readonly shape: GridShape;
  /** `[steps, height, width, bands]`, NaN where a token is masked. */
  readonly values: Float32Array;
}

/**
 * The values of an item; of a mean over time one step of them. Throws an `InputError` for axes that have no tokens in
 * rows.
 */
export function tokenValues(item: GridItem, { steps }: Pick<RowOptions, 'steps'>): TokenValues {
  const shape = gridShape(item, { places: 'optional' });
  const values = maskedValues(item);
  if (steps === 'each' || shape.steps === 1) return { shape, values };
  return {
    shape: { ...shape, steps: 1 },
    values: overTime(values, shape.steps, values.length / shape.steps, isLabel(item)),
  };
}

/** A token: its number among the tokens of its item, and the cells of `placeColumns`. */
export interface TokenRow {
  readonly token: number;
  readonly cells: readonly unknown[];
  readonly footprint: Footprint | undefined;
}

/** The tokens of an item. */
export interface TokenRows extends TokenValues {
  readonly crs: Footprints['crs'] | undefined;
  readonly type: Footprints['type'] | undefined;
  /**
   * In the order of time, rows, columns; those that are masked, or saw only what an encoder put around a frame, left
   * out.
   */
  rows(): Generator<TokenRow>;
}

/** Throws an `InputError` for axes that have no tokens in rows, and for frames that lie in several places. */
export function tokenRows(item: GridItem, options: RowOptions): TokenRows {
  const found = tokenValues(item, options);
  const { steps, height, width, bands } = found.shape;
  const footprints = footprintsOf(item, height, width, options.geometry);
  const shares = sharesOf(item, steps, height * width);
  const { clip } = item;
  const times = clip && gridTimes(clip, steps);
  const several = steps * height * width > 1;
  return {
    ...found,
    crs: footprints.crs,
    type: footprints.type,
    *rows() {
      const places = new Map<number, Footprint | undefined>();
      for (let step = 0; step < steps; step++) {
        const time = times?.[step];
        for (let row = footprints.rows.first; row < footprints.rows.first + footprints.rows.count; row++)
          for (
            let column = footprints.columns.first;
            column < footprints.columns.first + footprints.columns.count;
            column++
          ) {
            const cell = row * width + column;
            const token = step * height * width + cell;
            const share = shares?.[token] ?? 1;
            if (share === 0 || isMasked(found.values, token * bands, bands)) continue;
            if (!places.has(cell)) places.set(cell, footprints.at(row, column));
            const footprint = places.get(cell);
            yield {
              token,
              footprint,
              cells: [
                several ? `${item.id}_t${two(step)}_r${two(row)}_c${two(column)}` : item.id,
                footprint?.wkb ?? null,
                footprint ?? null,
                clip?.sequence ?? null,
                clip?.id ?? null,
                BigInt(step),
                BigInt(row),
                BigInt(column),
                instantOf(time?.first),
                instantOf(time?.last),
                time ? BigInt(time.first.number) : null,
                time ? BigInt(time.last.number) : null,
                share,
              ],
            };
          }
      }
    },
  };
}

const two = (number: number): string => String(number).padStart(2, '0');

const instantOf = (frame: FrameTime | undefined): bigint | null =>
  frame?.at === undefined ? null : (microsecondsOf(frame.at) ?? null);

/** Whether all numbers of a token are none. */
function isMasked(values: Float32Array, from: number, bands: number): boolean {
  for (let band = 0; band < bands; band++) if (!Number.isNaN(values[from + band]!)) return false;
  return bands > 0;
}

/** The share of each token's pixels that hold data, over time where the values are; `undefined` where all do. */
function sharesOf(item: GridItem, steps: number, cells: number): Float32Array | undefined {
  const valid = item.kind === 'embedding' ? undefined : item.valid;
  if (!valid) return undefined;
  const each = valid.length / cells / steps;
  const out = new Float32Array(steps * cells);
  for (let token = 0; token < out.length; token++) {
    const [step, cell] = [Math.floor(token / cells), token % cells];
    let sum = 0;
    for (let i = 0; i < each; i++) sum += valid[(step * each + i) * cells + cell]!;
    out[token] = sum / (255 * each);
  }
  return out;
}
