// What will leave a source of rasters.

import { readingBytes, refuse, spec, type Description, type Refusal } from '@deepearth/core';
import { cacheRoom } from '@deepearth/vision/cache-room';
import { areaOf } from './series-area.ts';
import type { SeriesOptions } from './series-options.ts';
import { stretchNote } from './series-stretch.ts';
import { usualOfAll, type RasterSeries, type SeriesSurvey } from './series-survey.ts';
import { tileSequence, tilesOf } from './tiles.ts';

/** Said where rasters lie nowhere on the Earth. */
export const noPlace =
  'the files say nothing of their place on the Earth (no coordinate system, or no map from pixels to it), so what is made of them has none';

/** Whether what most rasters have is a place on the Earth; true where nothing is known of them. */
export function hasPlace(survey: SeriesSurvey): boolean {
  const usual = usualOfAll(survey);
  return !usual || (usual.crs !== undefined && usual.transform !== undefined);
}

/** What is wrong with the first of rasters that cannot be read, any of them. */
function unreadable({ series }: SeriesSurvey): string {
  const first = series.flatMap(({ rasters }) => rasters).find(({ trouble }) => trouble)?.trouble;
  return `no file of the series can be read${first ? `: ${first.message}` : ''}`;
}

/** `counted` says of what there are how many: "16 files". */
export function describeSeries(
  options: SeriesOptions,
  survey: SeriesSurvey | undefined,
  counted: string,
): Description | Refusal {
  const { tile, places, values } = options;
  if (tile && tile.overlap >= tile.size)
    return refuse(`tiles of ${tile.size} pixels cannot share ${tile.overlap}.`, {
      option: 'tile',
      remedy: 'Choose an overlap of less than the size.',
    });
  if (tile && places === 'any')
    return refuse('`tile` cuts one place into tiles, and `places: any` allows several.', {
      option: 'tile',
      remedy: 'Leave one of them out.',
    });
  const area = ({ usual }: RasterSeries) => (usual && places === 'same' ? areaOf(usual, options) : undefined);
  const all = survey?.series.map((series) => {
    const own = area(series);
    return { series, area: own, tiles: own && tile ? tilesOf(own, tile.size, tile.overlap) : undefined };
  });
  const sizes = (all ?? []).map(({ area: own, tiles }) => (tile ? tiles?.[0]?.window : own));
  const [size] = sizes;
  const same = size && sizes.every((other) => other?.width === size.width && other.height === size.height);
  // Which tiles a series has is known once one of its rasters can be read.
  const known = all && (!tile || all.every(({ tiles }) => tiles));
  const sequences = known
    ? all.flatMap(({ series: { sequence, rasters }, tiles }) =>
        tiles
          ? tiles.map((each) => ({ name: tileSequence(sequence, each), count: rasters.length }))
          : [{ name: sequence, count: rasters.length }],
      )
    : undefined;
  const stream = spec(
    'frame',
    { height: (same && size.height) || null, width: (same && size.width) || null, channels: 3 },
    values === 'uint8' ? 'uint8' : null,
    sequences ? sequences.reduce((sum, { count }) => sum + count, 0) : null,
  );
  const usual = survey && usualOfAll(survey);
  return {
    output: {
      ...stream,
      sequences: sequences?.map(({ name }) => name) ?? null,
      ...(sequences && { counts: sequences.map(({ count }) => count) }),
    },
    memoryBytes: cacheRoom(options.cacheBytes, stream) + readingBytes(stream),
    ...(survey && !usual && { warnings: [unreadable(survey)] }),
    notes: survey
      ? [
          `${counted}, ${survey.order}`,
          ...(usual ? [`colours are ${usual.how}`] : []),
          ...(hasPlace(survey) ? [] : [noPlace]),
          ...survey.warnings,
          ...stretchNote(options, survey),
          ...(all ?? []).flatMap(({ tiles, area: own, series: { sequence } }) =>
            tiles
              ? [
                  `${tiles.length} tiles of ${own!.width} x ${own!.height} pixels${all!.length > 1 ? ` of ${sequence}` : ''}`,
                ]
              : [],
          ),
        ]
      : [],
  };
}
