// Finds where a grid of tokens lies: the resize, crop or padding of the encoder undone, what saw only padding left out.

import { geometryOf, type Geometry } from '@deepearth/core';
import { partOf, type Affine } from '../affine.ts';
import { cellsInside, type Run } from './cells-inside.ts';
import { georeferenceOf } from './georeference-of.ts';
import { gridShape, isLabel, maskedValues, overTime, type GridItem, type GridShape } from './grid-item.ts';
import type { PlacedGrid } from './token-mosaic.ts';

/** How grids are placed. */
export interface PlacingOptions {
  readonly steps: 'each' | 'mean';
  /** Whether tiles belong to the scene that they were cut from. */
  readonly tiles: 'merge' | 'separate';
}

/** A grid, where it lies, and its values. */
export interface PlacedValues {
  /** The name of the scene: that of the sequence, of tiles without their own part. */
  readonly sequence: string;
  /** Whether it is a tile of a scene, and others may lie beside it. */
  readonly isTile: boolean;
  /** Absent where the frames lie nowhere on the Earth. */
  readonly crs?: string;
  readonly grid: PlacedGrid;
  /** What a cell sees, in pixels of the frames. */
  readonly cell: { readonly width: number; readonly height: number };
  readonly steps: number;
  readonly bands: number;
  /** `[steps, rows, columns, bands]`, NaN where a token is masked. */
  readonly values: Float32Array;
}

/**
 * Places an item with a grid of tokens on the Earth, in the coordinates of its frames. Throws an `InputError` for other
 * axes, and for frames that lie nowhere or in several places.
 */
export function placeGrid(item: GridItem, options: PlacingOptions): PlacedValues {
  const shape = gridShape(item);
  const { crs, transform } = georeferenceOf(item);
  return { ...placed(item, shape, transform, geometryOf(item)!, options), crs };
}

/** Places an item among the pixels of its frames, `y` to the north from 0 on; of tiles among those of their scene. */
export function placeInPixels(item: GridItem, options: PlacingOptions): PlacedValues {
  const shape = gridShape(item);
  const { height, width } = shape;
  const { x = 0, y = 0 } = (options.tiles === 'merge' && item.clip?.frames[0]?.footprint) || {};
  const whole: Geometry = { frameWidth: width, frameHeight: height, x: 0, y: 0, width, height };
  return placed(item, shape, [1, 0, x, 0, -1, -y], geometryOf(item) ?? whole, options);
}

function placed(
  item: GridItem,
  { steps, height, width, bands }: GridShape,
  transform: Affine,
  geometry: Geometry,
  options: PlacingOptions,
): PlacedValues {
  const cell = { width: geometry.width / width, height: geometry.height / height };
  const { rows, columns } = cellsInside(geometry, height, width);
  const values = cropGrid(maskedValues(item), { steps, height, width, bands }, rows, columns);
  const length = rows.count * columns.count * bands;
  const isTile = item.clip?.frames[0]?.footprint !== undefined && options.tiles === 'merge';
  const sequence = item.clip?.sequence ?? item.id;
  const mean = options.steps === 'mean';
  return {
    sequence: isTile ? sequence.replace(/\/[^/]*$/, '') : sequence,
    isTile,
    grid: {
      rows: rows.count,
      columns: columns.count,
      transform: partOf(transform, {
        x: geometry.x + columns.first * cell.width,
        y: geometry.y + rows.first * cell.height,
        ...cell,
      }),
    },
    cell,
    steps: mean ? 1 : steps,
    bands,
    values: mean ? overTime(values, steps, length, isLabel(item)) : values,
  };
}

function cropGrid(
  values: Float32Array,
  { steps, height, width, bands }: GridShape,
  rows: Run,
  columns: Run,
): Float32Array {
  if (rows.count === height && columns.count === width) return values;
  const line = columns.count * bands;
  const out = new Float32Array(steps * rows.count * line);
  for (let step = 0; step < steps; step++)
    for (let row = 0; row < rows.count; row++) {
      const from = ((step * height + rows.first + row) * width + columns.first) * bands;
      out.set(values.subarray(from, from + line), (step * rows.count + row) * line);
    }
  return out;
}

/** What grids have to share to lie in one raster: the sizes of their cells. A hair of difference is arithmetic. */
export const cellName = ({ transform: [a, b, , d, e] }: PlacedGrid): string =>
  [a, b, d, e].map((number) => number.toPrecision(9)).join(' ');
