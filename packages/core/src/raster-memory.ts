// Memory of rasters that is used again once nobody reads them: a new array of megabytes for each frame keeps the
// garbage collector busier than decoding does.

import type { Raster } from './items.ts';

interface Loan {
  holders: number;
  readonly reuse: () => void;
}

const loans = new WeakMap<Raster, Loan>();

/**
 * Says that the memory of a raster is used again: `reuse` is called once all who hold the raster have released it. One
 * that nobody ever holds, or that a holder keeps, is left to the garbage collector.
 */
export function lendRaster(raster: Raster, reuse: () => void): Raster {
  loans.set(raster, { holders: 0, reuse });
  return raster;
}

/** Counts so many more that hold a raster; without effect on one whose memory is not used again. */
export function holdRaster(raster: Raster, holders = 1): void {
  const loan = loans.get(raster);
  if (loan) loan.holders += holders;
}

/**
 * Says that a reader needs a raster that `Frame.read` returned to it no longer, and has handed neither it nor views of
 * it to others: its pixels may change from now on. Call it once for each reading. Nobody has to: what is not released
 * is left to the garbage collector.
 */
export function releaseRaster(raster: Raster): void {
  const loan = loans.get(raster);
  if (!loan || --loan.holders > 0) return;
  loans.delete(raster);
  // Below 0 somebody has released it who never held it, and others may.
  if (loan.holders === 0) loan.reuse();
}
