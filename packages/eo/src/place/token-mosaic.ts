// Lays grids of tokens that lie on the Earth into one raster: tiles of a scene beside one another, blended where they
// overlap.

import type { Affine } from '../affine.ts';
import { apply } from '../affine.ts';

/** One step of time of a grid of tokens. */
export interface PlacedGrid {
  readonly rows: number;
  readonly columns: number;
  /** From corners of cells to coordinates. */
  readonly transform: Affine;
}

/** The cells of a raster that holds several grids. */
export interface Lattice {
  readonly width: number;
  readonly height: number;
  readonly transform: Affine;
}

/** Values of a grid, `[rows, columns, bands]`; NaN where a token is masked. */
export type GridValues = (index: number) => Promise<Float32Array>;

/** What is arithmetic noise, in cells. */
const noise = 1e-6;
/** The weight of what counts only where no other grid has something: beside a whole one it is lost in rounding. */
const slight = 2 ** -60;

/**
 * The weight of a place in a grid along one axis, `at` cells after the centre of the first of `count`: how far it is
 * from the outermost cells. These count where no other grid has a cell: what lay around them was cut off, so an encoder
 * makes something else of them (with the built-in one, half of a usual step between neighbours). In the half cell
 * beyond the last centres nothing is known but that cell.
 */
function weightOf(at: number, count: number): number {
  if (at < 0 || at > count - 1) return slight ** 2;
  return Math.max(Math.min(at, count - 1 - at), slight);
}

/**
 * The cells that cover all grids, of the size of the first one's: rows from north to south and columns from west to
 * east, whichever way the grids run, unless they are rotated.
 */
export function latticeOf(grids: readonly PlacedGrid[]): Lattice {
  const northUp = northUpOf(grids[0]!);
  const inverse = inverseOf(northUp);
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { rows, columns, transform } of grids)
    for (const [column, row] of [
      [0, 0],
      [columns, 0],
      [0, rows],
      [columns, rows],
    ] as const) {
      const [x, y] = apply(inverse, ...apply(transform, column, row));
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  // A cell is there where its centre is in a grid.
  const [x, y] = [Math.round(left), Math.round(top)];
  const [a, b, c, d, e, f] = northUp;
  return {
    width: Math.max(Math.round(right - noise) - x, 1),
    height: Math.max(Math.round(bottom - noise) - y, 1),
    transform: x === 0 && y === 0 ? northUp : [a, b, a * x + b * y + c, d, e, d * x + e * y + f],
  };
}

/**
 * The transform of a grid that is turned so that its first row is the northern one, and its first column the western
 * one.
 */
function northUpOf({ rows, columns, transform }: PlacedGrid): Affine {
  const [a, b, c, d, e, f] = transform;
  if (b !== 0 || d !== 0) return transform;
  return [Math.abs(a), 0, a < 0 ? c + a * columns : c, 0, -Math.abs(e), e > 0 ? f + e * rows : f];
}

function inverseOf([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)];
}

/**
 * How cells of a lattice are found in a grid: the grid's `[column, row]` of the centre of a cell, 0 for its first
 * centre.
 */
type Locate = (column: number, row: number) => readonly [u: number, v: number];

function locator(lattice: Lattice, { transform }: PlacedGrid): Locate {
  const inverse = inverseOf(transform);
  const snapped = (value: number): number => (Math.abs(value - Math.round(value)) < noise ? Math.round(value) : value);
  return (column, row) => {
    const [u, v] = apply(inverse, ...apply(lattice.transform, column + 0.5, row + 0.5));
    return [snapped(u - 0.5), snapped(v - 0.5)];
  };
}

/** Whether the cells of a grid are those of a lattice. */
export function meetsCells(lattice: Lattice, grid: PlacedGrid): boolean {
  const [u, v] = locator(lattice, grid)(0, 0);
  return Number.isInteger(u) && Number.isInteger(v);
}

/** Reads parts of a lattice. */
export interface TokenMosaic {
  readonly lattice: Lattice;
  /** `[height, width, bands]`; NaN where no grid has a token that counts. */
  read(part: { x: number; y: number; width: number; height: number }): Promise<Float32Array>;
}

/**
 * The raster of several grids with the same cells. A weight falls linearly to the outermost cells of a grid, so that
 * values pass from one tile to the next without a seam; where only one grid has a cell, its value is that of the grid,
 * to the bit. Grids whose cells do not meet those of the first are read between their cells. `blend: false` takes the
 * nearest cell of the grid with the greatest weight: numbers of groups have no mean. `lattice` is a larger one than the
 * grids need.
 */
export function tokenMosaic(
  grids: readonly PlacedGrid[],
  bands: number,
  values: GridValues,
  { blend, lattice = latticeOf(grids) }: { readonly blend: boolean; readonly lattice?: Lattice },
): TokenMosaic {
  const locate = grids.map((grid) => locator(lattice, grid));

  /** Grids that a part may touch. */
  const touching = (part: { x: number; y: number; width: number; height: number }): number[] =>
    [...grids.keys()].filter((index) => {
      const { rows, columns } = grids[index]!;
      const corners = [
        [part.x, part.y],
        [part.x + part.width - 1, part.y],
        [part.x, part.y + part.height - 1],
        [part.x + part.width - 1, part.y + part.height - 1],
      ].map(([column, row]) => locate[index]!(column!, row!));
      const us = corners.map(([u]) => u);
      const vs = corners.map(([, v]) => v);
      return (
        Math.max(...us) >= -0.5 &&
        Math.min(...us) <= columns - 0.5 &&
        Math.max(...vs) >= -0.5 &&
        Math.min(...vs) <= rows - 0.5
      );
    });

  return {
    lattice,
    async read(part) {
      const cells = part.width * part.height;
      const sums = new Float64Array(cells * bands);
      const weights = new Float64Array(cells);
      for (const index of touching(part)) {
        const grid = grids[index]!;
        const { rows, columns } = grid;
        const data = await values(index);
        for (let y = 0; y < part.height; y++)
          for (let x = 0; x < part.width; x++) {
            const [u, v] = locate[index]!(part.x + x, part.y + y);
            if (u < -0.5 || v < -0.5 || u > columns - 0.5 || v > rows - 0.5) continue;
            const weight = weightOf(u, columns) * weightOf(v, rows);
            const cell = y * part.width + x;
            if (blend) addBlended(sums, weights, cell, data, grid, bands, u, v, weight);
            else if (weight > weights[cell]!) takeNearest(sums, weights, cell, data, grid, bands, u, v, weight);
          }
      }
      const out = new Float32Array(cells * bands);
      for (let cell = 0; cell < cells; cell++)
        for (let band = 0; band < bands; band++) {
          const at = cell * bands + band;
          out[at] = weights[cell] === 0 ? NaN : blend ? sums[at]! / weights[cell]! : sums[at]!;
        }
      return out;
    },
  };
}

const clamp = (value: number, count: number): number => Math.min(Math.max(value, 0), count - 1);

function takeNearest(
  sums: Float64Array,
  weights: Float64Array,
  cell: number,
  data: Float32Array,
  { rows, columns }: PlacedGrid,
  bands: number,
  u: number,
  v: number,
  weight: number,
): void {
  const from = (clamp(Math.round(v), rows) * columns + clamp(Math.round(u), columns)) * bands;
  if (Number.isNaN(data[from]!)) return;
  weights[cell] = weight;
  for (let band = 0; band < bands; band++) sums[cell * bands + band] = data[from + band]!;
}

/** Adds what a grid has at a place: the value of a cell, or what lies between the cells around it that count. */
function addBlended(
  sums: Float64Array,
  weights: Float64Array,
  cell: number,
  data: Float32Array,
  { rows, columns }: PlacedGrid,
  bands: number,
  u: number,
  v: number,
  weight: number,
): void {
  const nearest = (clamp(Math.round(v), rows) * columns + clamp(Math.round(u), columns)) * bands;
  if (Number.isNaN(data[nearest]!)) return;
  const at = cell * bands;
  weights[cell]! += weight;
  if (Number.isInteger(u) && Number.isInteger(v)) {
    for (let band = 0; band < bands; band++) sums[at + band]! += weight * data[nearest + band]!;
    return;
  }
  const [left, top] = [Math.floor(u), Math.floor(v)];
  const corners: [from: number, share: number][] = [];
  let total = 0;
  for (const [dx, dy] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const) {
    const share = (dx ? u - left : 1 - (u - left)) * (dy ? v - top : 1 - (v - top));
    const from = (clamp(top + dy, rows) * columns + clamp(left + dx, columns)) * bands;
    if (share <= 0 || Number.isNaN(data[from]!)) continue;
    corners.push([from, share]);
    total += share;
  }
  for (let band = 0; band < bands; band++) {
    let value = 0;
    for (const [from, share] of corners) value += share * data[from + band]!;
    sums[at + band]! += (weight * value) / total;
  }
}
