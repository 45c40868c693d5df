// Puts the token grids of tiles together again, blending them where they overlap.

import { tensor, type Tensor } from '@deepearth/core';
import type { Layout } from './geometry.ts';

/** What has to be known of tiles: a part of a `Layout` and of a `PreparedClip`. */
export type TileGrid = Pick<Layout, 'tiles' | 'overlap' | 'grid'>;

/** A token grid that is being filled. */
export interface TileAssembly {
  /** Takes a copy of one tile's tokens, `[time, height, width, channels]`. Tiles may come in any order. */
  add(row: number, column: number, values: Float32Array): void;
  /** `[time, grid.height, grid.width, channels]`. Throws a `RangeError` when a tile is missing. */
  finish(): Tensor<'float32'>;
}

/**
 * Assembles the tokens of tiles. Within an overlap a tile's weight falls linearly to its outermost tokens, which count
 * only where there are no others, because what lay around them was cut off. The weights of the tiles that see a token
 * add up to 1: a constant field stays constant, to the bit. The output does not depend on the order in which tiles
 * come. Without overlap values are copied as they are; with it the tiles are held until the end.
 */
export function assembleTiles({ tiles, overlap, grid }: TileGrid, time: number, channels: number): TileAssembly {
  const shape = [time, grid.height, grid.width, channels];
  const tile = {
    height: (grid.height - overlap) / tiles.rows + overlap,
    width: (grid.width - overlap) / tiles.columns + overlap,
  };
  const length = time * tile.height * tile.width * channels;
  const whole = overlap === 0 ? new Float32Array(time * grid.height * grid.width * channels) : undefined;
  const held = new Map<number, Float32Array | undefined>();

  return {
    add(row, column, values) {
      if (!(row >= 0 && row < tiles.rows && column >= 0 && column < tiles.columns))
        throw new RangeError(`tile (${row}, ${column}) is none of ${tiles.rows} x ${tiles.columns}`);
      if (values.length !== length)
        throw new RangeError(
          `a tile of ${tile.height} x ${tile.width} tokens has ${length} values, not ${values.length}`,
        );
      held.set(row * tiles.columns + column, whole ? undefined : values.slice());
      if (!whole) return;
      const line = tile.width * channels;
      for (let step = 0; step < time; step++)
        for (let y = 0; y < tile.height; y++) {
          const from = (step * tile.height + y) * line;
          const to = ((step * grid.height + row * tile.height + y) * grid.width + column * tile.width) * channels;
          whole.set(values.subarray(from, from + line), to);
        }
    },
    finish() {
      const missing = tiles.rows * tiles.columns - held.size;
      if (missing) throw new RangeError(`${missing} of ${tiles.rows} x ${tiles.columns} tiles are missing`);
      return tensor('float32', shape, whole ?? blend());
    },
  };

  function blend(): Float32Array {
    const out = new Float32Array(time * grid.height * grid.width * channels);
    const rows = shares(grid.height, tile.height, overlap, tiles.rows);
    const columns = shares(grid.width, tile.width, overlap, tiles.columns);
    const sums = new Float64Array(channels);
    let at = 0;
    for (let step = 0; step < time; step++)
      for (const row of rows)
        for (const column of columns) {
          sums.fill(0);
          for (const vertical of row)
            for (const horizontal of column) {
              const values = held.get(vertical.tile * tiles.columns + horizontal.tile)!;
              const from = ((step * tile.height + vertical.index) * tile.width + horizontal.index) * channels;
              const weight = vertical.weight * horizontal.weight;
              for (let c = 0; c < channels; c++) sums[c]! += weight * values[from + c]!;
            }
          out.set(sums, at);
          at += channels;
        }
    return out;
  }
}

/** One tile's part in a row or column of the grid. */
interface Share {
  readonly tile: number;
  /** The row or column of that tile. */
  readonly index: number;
  readonly weight: number;
}

/** Which tiles see each row (or column) of the grid: one, or two within an overlap, which is at most half a tile. */
function shares(length: number, edge: number, overlap: number, count: number): Share[][] {
  const step = edge - overlap;
  return Array.from({ length }, (_, position) => {
    const tile = Math.min(Math.floor(position / step), count - 1);
    const index = position - tile * step;
    if (tile === 0 || index >= overlap) return [{ tile, index, weight: 1 }];
    const weight = overlap === 1 ? 0.5 : index / (overlap - 1);
    return [
      { tile: tile - 1, index: index + step, weight: 1 - weight },
      { tile, index, weight },
    ];
  });
}
