// What is known of the rasters of a series before any pixel is read.

import { InputError, type Json } from '@deepearth/core';
import type { Instant } from '@deepearth/vision/instant';
import { chooseBands } from './choose-bands.ts';
import { frameType } from './frame-raster.ts';
import type { GeoTiff } from './open-geotiff.ts';
import { rasterPool } from './raster-pool.ts';
import type { RasterRef } from './raster-ref.ts';
import type { SeriesOptions } from './series-options.ts';
import { useRaster } from './use-raster.ts';

/** What one raster says of itself. */
export interface RasterFacts extends Pick<GeoTiff, 'width' | 'height' | 'crs' | 'transform' | 'dtype' | 'time'> {
  /** Type of a frame's values as stored. */
  readonly frameType: string;
  /** Which bands are read, for people. */
  readonly how: string;
}

/** One raster of a series. */
export interface ListedRaster {
  /** For messages: the path or address of its file, or the name of the item it belongs to. */
  readonly name: string;
  readonly ref: RasterRef;
  readonly number: number;
  readonly instant?: Instant;
  /** What else is known of it: `metadata` of its frame. */
  readonly metadata?: { readonly [name: string]: Json };
  /** Absent where its head cannot be read: it is reported when it is sent. */
  readonly facts?: RasterFacts;
  /** Why it cannot be read, where that is known already. */
  readonly trouble?: InputError;
}

/** Rasters of one place in order. */
export interface RasterSeries {
  readonly sequence: string;
  readonly rasters: readonly ListedRaster[];
  /** What most of them have; absent where none can be read. */
  readonly usual?: RasterFacts;
}

/** All series of a source. */
export interface SeriesSurvey {
  readonly series: readonly RasterSeries[];
  /** Why they are in this order, for people. */
  readonly order: string;
  readonly warnings: readonly string[];
}

/** Heads that are read at a time. */
const atOnce = 8;

/** Reads the heads of rasters; `undefined` for those that cannot be read, and for those of `undefined`. */
export async function readFacts(
  refs: readonly (RasterRef | undefined)[],
  { bands, mask, timeoutSeconds }: Pick<SeriesOptions, 'bands' | 'mask' | 'timeoutSeconds'>,
  signal: AbortSignal,
): Promise<(RasterFacts | undefined)[]> {
  const pool = rasterPool(signal, timeoutSeconds);
  const facts = new Array<RasterFacts | undefined>(refs.length).fill(undefined);
  const read = (ref: RasterRef): Promise<RasterFacts> =>
    useRaster(pool, ref, (raster) => {
      const choice = chooseBands(raster, bands, mask?.band);
      const { width, height, crs, transform, dtype, time } = raster;
      return {
        width,
        height,
        dtype,
        frameType: frameType(raster, choice),
        how: choice.how,
        ...(crs !== undefined && { crs }),
        ...(transform && { transform }),
        ...(time !== undefined && { time }),
      };
    });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < refs.length) {
      const index = next++;
      const ref = refs[index];
      signal.throwIfAborted();
      if (!ref) continue;
      try {
        facts[index] = await read(ref);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof InputError)) throw error;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, refs.length) }, worker));
  } finally {
    await pool.close();
  }
  return facts;
}

/** What makes two rasters show the same place. */
export const placeOf = ({
  width,
  height,
  crs,
  transform,
}: Pick<RasterFacts, 'width' | 'height' | 'crs' | 'transform'>): string =>
  JSON.stringify([width, height, crs ?? null, transform ?? null]);

/** The place that most rasters show; the first of several. */
export function usualOf(rasters: readonly Pick<ListedRaster, 'facts'>[]): RasterFacts | undefined {
  const facts = rasters.flatMap((each) => each.facts ?? []);
  const counts = new Map<string, number>();
  for (const each of facts) counts.set(placeOf(each), (counts.get(placeOf(each)) ?? 0) + 1);
  return facts.reduce<RasterFacts | undefined>(
    (best, each) => (!best || counts.get(placeOf(each))! > counts.get(placeOf(best))! ? each : best),
    undefined,
  );
}

/** What the first series has that can be read. */
export const usualOfAll = ({ series }: SeriesSurvey): RasterFacts | undefined =>
  series.find(({ usual }) => usual)?.usual;
