// Finds the values of a series of rasters that become black and white.

import type { Json, Raster, Rectangle, StageContext } from '@deepearth/core';
import { countValues, fillWarning } from '@deepearth/vision/stretch';
import type { ChannelRange, Ranges } from './frame-raster.ts';
import type { SeriesOptions } from './series-options.ts';
import { placeOf, usualOfAll, type ListedRaster, type RasterFacts, type SeriesSurvey } from './series-survey.ts';

/** Percentiles of all values unless told: what most programs for such pictures begin with. */
const usual: readonly [low: number, high: number] = [2, 98];

type Asked =
  | { readonly percentile: readonly [number, number]; readonly perBand: boolean }
  | { readonly ranges: Ranges; readonly name?: string };

/** What the options ask for; `undefined` where 8-bit values stay as they are. */
export function askedStretch({ stretch }: Pick<SeriesOptions, 'stretch'>, facts: RasterFacts): Asked | undefined {
  const { frameType, dtype } = facts;
  if (stretch === undefined) return frameType === 'uint8' ? undefined : { percentile: usual, perBand: false };
  if (stretch === 'percentile') return { percentile: usual, perBand: false };
  if (stretch === 'type')
    return frameType === 'uint8' ? undefined : { ranges: [rangeOfType[frameType] ?? [0, 1]], name: 'type' };
  if (stretch === 'reflectance') {
    // Whole numbers without a scale are reflectance times 10,000, as Sentinel-2 and Landsat products were for years.
    const stored = frameType !== 'float32' && !dtype.startsWith('float');
    return { ranges: [stored ? [0, 3000] : [0, 0.3]], name: 'reflectance' };
  }
  if ('range' in stretch) {
    const { range } = stretch;
    return { ranges: typeof range[0] === 'number' ? [range as ChannelRange] : (range as Ranges) };
  }
  return stretch;
}

const rangeOfType: Readonly<Record<string, ChannelRange>> = {
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
  float32: [0, 1],
};

/** For the plan: what will be stretched. */
export function stretchNote(options: SeriesOptions, survey: SeriesSurvey): string[] {
  const facts = usualOfAll(survey);
  const asked = facts && askedStretch(options, facts);
  if (!asked) return [];
  if ('ranges' in asked) return [`values ${formatRanges(asked.ranges)} are shown from black to white`];
  const [low, high] = asked.percentile;
  return [
    `values are shown from black at percentile ${low} to white at percentile ${high} of all valid values of the series${asked.perBand ? ', band by band' : ''}, for encoders and drawing; \`stretch\` chooses others`,
  ];
}

const formatRanges = (ranges: Ranges): string => ranges.map(([low, high]) => `from ${low} to ${high}`).join(', ');

/** Files that are looked at, spread evenly over the series, and pixels of all of them. */
const mostFiles = 64;
const mostPixels = 2 ** 27;
/** Edge of the parts that are looked at where a file has too many pixels. */
const partEdge = 1024;

/** What reads a part of a raster, with the bands and the mask of the options, values as stored. */
export type ReadPart = (raster: ListedRaster, window: Rectangle) => Promise<Raster>;

/**
 * The stretch of all series, the same for each part of them: percentiles of the valid values of up to 64 rasters, of
 * all their pixels where these are no more than 2^27, else of parts that lie evenly over them. A raster that cannot be
 * read counts as far as it can, and is reported when it is sent.
 */
export async function findStretch<Options extends SeriesOptions>(
  survey: SeriesSurvey,
  areaOf: (facts: RasterFacts) => Rectangle,
  read: ReadPart,
  { options, signal, progress, log, recordFinding }: StageContext<Options>,
): Promise<Ranges | undefined> {
  const usualFacts = usualOfAll(survey);
  const asked = usualFacts && askedStretch(options, usualFacts);
  if (!asked) return undefined;
  if ('ranges' in asked) {
    recordFinding('stretch', {
      ...rangesFound(asked.ranges),
      ...(asked.name !== undefined && { preset: asked.name }),
    });
    return asked.ranges;
  }
  // A raster that lies elsewhere is no part of its series.
  const rasters = survey.series.flatMap(({ rasters: all, usual: own }) =>
    all.flatMap((raster) =>
      raster.facts && (options.places === 'any' || placeOf(raster.facts) === placeOf(own!))
        ? [{ raster, area: areaOf(own!) }]
        : [],
    ),
  );
  const count = Math.min(rasters.length, mostFiles);
  const looks = Array.from({ length: count }, (_, i) => {
    const { raster, area } = rasters[Math.floor((i * rasters.length) / count)]!;
    return { raster, area, parts: partsOf(area, Math.floor(mostPixels / count)) };
  });
  const pieces = looks.reduce((sum, { parts }) => sum + parts.length, 0);
  const grey = options.bands?.length === 1;
  const counters = Array.from({ length: asked.perBand ? 3 : 1 }, () => countValues(pieces));
  let looked = 0;
  for (const [i, { raster: listed, parts }] of looks.entries()) {
    signal.throwIfAborted();
    try {
      for (const part of parts) {
        const raster = await read(listed, part);
        if (asked.perBand) for (const [channel, counter] of counters.entries()) counter.add(channelOf(raster, channel));
        else counters[0]!.add(grey ? channelOf(raster, 0) : raster);
      }
      looked++;
    } catch (error) {
      if (signal.aborted) throw error;
    }
    progress('stretch', i + 1, count);
  }
  const found = counters.map((counter) => counter.range(...asked.percentile));
  if (found.some((range) => range === undefined)) {
    log.warn('no valid value was found to stretch the series by; values are shown from 0 to 1');
    return [[0, 1]];
  }
  for (const value of new Set(counters.flatMap((counter) => counter.fills(...asked.percentile))))
    log.warn(fillWarning(value));
  const ranges = found as unknown as Ranges;
  const percentile = [...asked.percentile];
  recordFinding('stretch', { ...rangesFound(ranges), percentile, frames: looked });
  const total = survey.series.reduce((sum, { rasters: { length } }) => sum + length, 0);
  const whole = looks.every(({ parts, area }) => parts.every(({ width }) => width === area.width));
  log.info(
    `values ${formatRanges(ranges)} are shown from black to white (percentiles ${percentile.join(' and ')} of ${looked} of ${total} frames${whole ? '' : `, ${looks[0]!.parts.length} parts of each`})`,
  );
  return ranges;
}

/** One pair is `range`, as other sources have it; pairs of bands are `ranges`. */
const rangesFound = (ranges: Ranges): { readonly [name: string]: Json } =>
  ranges.length === 1 ? { range: [...ranges[0]] } : { ranges: ranges.map((range) => [...range]) };

function channelOf({ values, channels, valid }: Raster, channel: number): Raster {
  const count = channels.length;
  const data = values.data.filter((_, i) => i % count === channel) as typeof values.data;
  return {
    values: { ...values, shape: [...values.shape.slice(0, 2), 1], data },
    channels: [channels[channel]!],
    ...(valid && { valid }),
  };
}

/** The whole area, in strips, where it has no more than `most` pixels, else squares that lie evenly over it. */
function partsOf(area: Rectangle, most: number): Rectangle[] {
  if (area.width * area.height <= most) {
    const rows = Math.max(Math.floor(partEdge ** 2 / area.width / 256), 1) * 256;
    return Array.from({ length: Math.ceil(area.height / rows) }, (_, i) => ({
      ...area,
      y: area.y + i * rows,
      height: Math.min(rows, area.height - i * rows),
    }));
  }
  const across = Math.max(Math.floor(Math.sqrt(most) / partEdge), 1);
  const edge = Math.min(partEdge, Math.floor(Math.sqrt(most)));
  const place = (index: number, length: number, size: number): number =>
    across === 1 ? Math.floor((length - size) / 2) : Math.floor((index * (length - size)) / (across - 1));
  return Array.from({ length: across * across }, (_, i) => {
    const width = Math.min(edge, area.width);
    const height = Math.min(edge, area.height);
    return {
      x: area.x + place(i % across, area.width, width),
      y: area.y + place(Math.floor(i / across), area.height, height),
      width,
      height,
    };
  });
}
