// Which pixels of a raster are read: its bands, its level, and the part of it.

import { checkWindow, InputError, type Rectangle } from '@deepearth/core';
import { chooseBands } from './choose-bands.ts';
import type { RasterChoice } from './frame-raster.ts';
import { ruleOf } from './mask-rule.ts';
import type { SeriesRaster } from './raster-stack.ts';
import type { SeriesOptions } from './series-options.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** What is read of one raster. */
export interface SeriesChoice {
  readonly choice: RasterChoice;
  /** The part that is read, in pixels of the level. */
  readonly area: Rectangle;
  /** The size of the level. */
  readonly level: Size;
}

/** Throws an `InputError` for a raster without the bands or the overview that the options name. */
export function choiceOf(raster: SeriesRaster, options: SeriesOptions): SeriesChoice {
  const { bands, mask, overview: factor } = options;
  const { how: _, mask: maskBand, ...chosen } = chooseBands(raster, bands, mask?.band);
  const overview = factor === undefined ? undefined : overviewOf(raster, factor);
  const level = overview === undefined ? raster : raster.overviews[overview]!;
  const size = { width: level.width, height: level.height };
  return {
    choice: {
      ...chosen,
      ...(mask && maskBand !== undefined && { mask: { band: maskBand, ...ruleOf(mask) } }),
      ...(overview !== undefined && { overview }),
    },
    level: size,
    area: areaOf(raster, options, size),
  };
}

/** The size of what is read of a file: itself, or about the overview of a factor. */
function levelSize({ width, height }: Size, factor: number | undefined): Size {
  return factor === undefined
    ? { width, height }
    : { width: Math.ceil(width / factor), height: Math.ceil(height / factor) };
}

/** The part that is read, in pixels of the level. Throws a `RangeError` for a window that leaves the scene. */
export function areaOf(
  facts: Size,
  { window, overview }: Pick<SeriesOptions, 'window' | 'overview'>,
  level = levelSize(facts, overview),
): Rectangle {
  if (!window) return { x: 0, y: 0, ...level };
  checkWindow(window, facts.width, facts.height);
  const across = level.width / facts.width;
  const down = level.height / facts.height;
  const x = Math.floor(window.x * across);
  const y = Math.floor(window.y * down);
  return {
    x,
    y,
    width: Math.min(Math.max(Math.round(window.width * across), 1), level.width - x),
    height: Math.min(Math.max(Math.round(window.height * down), 1), level.height - y),
  };
}

function overviewOf({ name, overviews }: SeriesRaster, factor: number): number {
  const found = overviews.findIndex((each) => each.factor === factor);
  if (found >= 0) return found;
  throw new InputError(
    name,
    `has no overview of factor ${factor}; ${overviews.length ? `it has those of ${overviews.map((each) => each.factor).join(', ')}` : 'it has none'}.`,
    { code: 'E_OVERVIEW', remedy: 'Choose one of them, leave `overview` out, or make some with gdaladdo.' },
  );
}
