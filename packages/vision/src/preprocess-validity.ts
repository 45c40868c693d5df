// How much of what each token sees is data: not padding, not pixels without data.

import { cellRectangle, type Layout } from './geometry.ts';

/**
 * What tokens see of frames of one size, frame by frame, so that no mask is needed any more when the next one comes.
 */
export interface TokenValidity {
  /** What the cells see of a frame whose mask has `[frameHeight, frameWidth]`; `undefined` where the frame is whole. */
  seen(mask: Uint8Array | undefined): SeenCells | undefined;
  /**
   * `[steps, grid.height, grid.width]` with `steps = max(1, floor(frames / tubelet))`: the share of the area under a
   * token, over the frames it spans, that holds data, from 0 (none) to 255 (all). Shares in between are rounded to
   * 1…254, so that 0 and 255 are exact. `undefined` when all tokens are whole.
   */
  shares(frames: readonly (SeenCells | undefined)[]): Uint8Array | undefined;
}

/** Starts for frames of a layout and an encoder whose tokens span `tubelet` of them. */
export function tokenValidity({ geometry, grid }: Layout, tubelet: number): TokenValidity {
  const { frameWidth, frameHeight } = geometry;
  const columns = spans(grid.width, (column) => cellRectangle(geometry, grid, 0, column), 'x', 'width', frameWidth);
  const rows = spans(grid.height, (row) => cellRectangle(geometry, grid, row, 0), 'y', 'height', frameHeight);
  const inside = [...rows, ...columns].every(({ whole }) => whole);
  return {
    seen: (mask) => mask && seenCells(mask, frameWidth, rows, columns),
    shares(frames) {
      const steps = Math.max(1, Math.floor(frames.length / tubelet));
      const used = frames.slice(0, steps * tubelet);
      if (inside && used.every((seen) => !seen)) return undefined;
      const whole = seenCells(undefined, frameWidth, rows, columns);
      const cells = grid.height * grid.width;
      const out = new Uint8Array(steps * cells);
      for (let step = 0; step < steps; step++) {
        const span = used.slice(step * tubelet, (step + 1) * tubelet).map((seen) => seen ?? whole);
        for (let cell = 0; cell < cells; cell++) {
          const share = span.reduce((sum, { shares }) => sum + shares[cell]!, 0) / span.length;
          const any = span.some(({ shares }) => shares[cell]! > 0);
          const all = span.every((seen) => seen.whole[cell]);
          out[step * cells + cell] = all ? 255 : any ? Math.min(Math.max(Math.round(share * 255), 1), 254) : 0;
        }
      }
      return out.every((value) => value === 255) ? undefined : out;
    },
  };
}

/** The part of one axis of the frame under a row or column of cells. */
interface Span {
  readonly low: number;
  readonly high: number;
  /** The whole pixels that it touches; empty (`from >= to`) outside the frame. */
  readonly from: number;
  readonly to: number;
  /** Whether all of it lies inside the frame. */
  readonly whole: boolean;
}

/** A hair at an edge is arithmetic noise, no pixel. */
const noise = 1e-6;

function spans<K extends 'x' | 'y', S extends 'width' | 'height'>(
  count: number,
  cell: (index: number) => Record<K | S, number>,
  start: K,
  size: S,
  limit: number,
): Span[] {
  return Array.from({ length: count }, (_, index) => {
    const rectangle = cell(index);
    const low = rectangle[start];
    const high = low + rectangle[size];
    const from = Math.max(Math.floor(low + noise), 0);
    const to = Math.min(Math.ceil(high - noise), limit);
    return { low, high, from, to, whole: low >= -noise && high <= limit + noise };
  });
}

/** How much of each pixel of a span lies in it, as a share of the span. */
function weightsOf({ low, high, from, to }: Span): Float64Array {
  const out = new Float64Array(Math.max(to - from, 0));
  for (let i = 0; i < out.length; i++) out[i] = (Math.min(from + i + 1, high) - Math.max(from + i, low)) / (high - low);
  return out;
}

/** What the cells of a grid see of one frame. */
export interface SeenCells {
  /** The share of each cell's area that holds data; above 0 where any pixel does. */
  readonly shares: Float64Array;
  /** Whether all of a cell's area does. */
  readonly whole: readonly boolean[];
}

function seenCells(
  mask: Uint8Array | undefined,
  frameWidth: number,
  rows: readonly Span[],
  columns: readonly Span[],
): SeenCells {
  const shares = new Float64Array(rows.length * columns.length);
  const whole: boolean[] = [];
  const down = rows.map(weightsOf);
  const across = columns.map(weightsOf);
  const sum = (weights: Float64Array) => weights.reduce((total, weight) => total + weight, 0);
  for (const [r, row] of rows.entries())
    for (const [c, column] of columns.entries()) {
      const cell = r * columns.length + c;
      let share = 0;
      let holes = false;
      if (!mask) share = sum(down[r]!) * sum(across[c]!);
      else
        for (let y = row.from; y < row.to; y++) {
          let line = 0;
          for (let x = column.from; x < column.to; x++)
            if (mask[y * frameWidth + x]) line += across[c]![x - column.from]!;
            else holes = true;
          share += line * down[r]![y - row.from]!;
        }
      shares[cell] = share;
      whole.push(row.whole && column.whole && !holes);
    }
  return { shares, whole };
}
