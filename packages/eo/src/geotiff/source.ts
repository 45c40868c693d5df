// Reads a series of GeoTIFFs as frames of a sequence in time, each with its place on the Earth.

import { join } from 'node:path';
import {
  checkWindow,
  defineSource,
  frameId,
  InputError,
  lineage,
  readableFrame,
  readingBytes,
  refuse,
  spec,
  windowWithin,
  type Frame,
  type Georeference,
  type Json,
  type Locator,
  type LocatorReader,
  type Raster,
  type Rectangle,
  type StageContext,
} from '@deepearth/core';
import { overviewRaster } from '@deepearth/core/raster-part';
import { pixelCache, type PixelCache } from '@deepearth/vision/pixel-cache';
import { readThrough } from '@deepearth/vision/read-through';
import { isoOf, secondsBetween } from '@deepearth/vision/instant';
import { z } from 'zod';
import { partOf } from '../affine.ts';
import { chooseBands } from './choose-bands.ts';
import { readFrameRaster, stretchChannels, type RasterChoice, type Ranges } from './frame-raster.ts';
import type { GeoTiff } from './open-geotiff.ts';
import { inputFiles, keyOf, rasterPool, type RasterIdentity, type RasterPool } from './raster-pool.ts';
import { findStretch, stretchNote } from './series-stretch.ts';
import { geotiffSourceOptions, type GeoTiffSourceOptions } from './source-options.ts';
import { placeOf, surveyGeoTiffs, type GeoTiffSurvey, type ListedRaster, type RasterFacts } from './survey.ts';
import { tilesOf, type Tile } from './tiles.ts';

export { geotiffSourceOptions, type GeoTiffSourceOptions, type GeoTiffSurvey };

/** Another number where the same bytes and options come to give other pixels. */
const version = 1;

type Context = StageContext<GeoTiffSourceOptions, undefined, GeoTiffSurvey>;

/** The stage `source/geotiff`. */
export const geotiffSource = defineSource({
  type: 'geotiff',
  summary:
    'Reads a series of GeoTIFFs (files, folders, addresses) in order of time; frames keep their place on the Earth.',
  options: geotiffSourceOptions,
  reads: ['files'],
  examples: [
    '- type: source/geotiff\n  with: { files: scenes }',
    "- type: source/geotiff\n  with: { files: 'scenes/*.tif', bands: [B04, B03, B02], stretch: reflectance, mask: { band: SCL, invalid: [0, 1, 3, 8, 9, 10] } }",
    '- type: source/geotiff\n  with: { files: [2023.tif, 2024.tif], tile: { size: 384, overlap: 96 } }',
  ],

  survey: surveyGeoTiffs,

  describe(_, { options, survey }) {
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
    const usual = survey?.usual;
    const area = usual && places === 'same' ? areaOf(usual, options) : undefined;
    const tiles = area && tile ? tilesOf(area, tile.size, tile.overlap) : undefined;
    const size = tiles?.[0]?.window ?? (tile ? undefined : area);
    const files = survey?.files.length;
    const stream = spec(
      'frame',
      { height: size?.height ?? null, width: size?.width ?? null, channels: 3 },
      values === 'uint8' ? 'uint8' : null,
      files === undefined || (tile && !tiles) ? null : files * (tiles?.length ?? 1),
    );
    const sequences = survey && (tile ? tiles?.map((each) => tileSequence(survey.sequence, each)) : [survey.sequence]);
    return {
      output: {
        ...stream,
        sequences: sequences ?? null,
        ...(sequences && files !== undefined && { counts: sequences.map(() => files) }),
      },
      memoryBytes: options.cacheBytes + readingBytes(stream),
      ...(survey && !usual && { warnings: ['no file of the series can be read'] }),
      notes: survey
        ? [
            `${files} ${files === 1 ? 'file' : 'files'}, ${survey.order}`,
            ...(usual ? [`colours are ${usual.how}`] : []),
            ...(usual && !(usual.crs && usual.transform) ? [noPlace] : []),
            ...survey.warnings,
            ...stretchNote(options, survey),
            ...(tiles ? [`${tiles.length} tiles of ${area!.width} x ${area!.height} pixels`] : []),
          ]
        : [],
    };
  },

  async *process(_, context) {
    const { options, signal, log } = context;
    const survey = context.survey ?? (await surveyGeoTiffs(options, signal));
    log.info(`${survey.files.length} files, ${survey.order}`);
    for (const warning of survey.warnings) log.warn(warning);
    if (survey.missing && options.gaps === 'error')
      throw new InputError(survey.files[0]!.file, `${survey.warnings.at(-1)}.`, {
        code: 'E_GAP',
        remedy: 'Add them, or go on without them with `gaps: warn`.',
      });
    if (survey.usual) log.info(`colours are ${survey.usual.how}`);
    if (survey.usual && !(survey.usual.crs && survey.usual.transform)) log.warn(noPlace);
    const series = await openSeries(survey, context);
    yield* options.tile ? series.tiles() : series.scenes();
  },

  async reopen({ uri, sha256, decode }, { window, overview, signal }, { share }) {
    const stored = storedDecode.safeParse(decode);
    if (!stored.success) throw new InputError(uri, 'says too little to read it again.', { code: 'E_LOCATOR' });
    const { version: etag, beside, ranges, timeoutSeconds, ...choice } = stored.data;
    const pool = await share(
      'files of source/geotiff',
      () => rasterPool(signal, timeoutSeconds),
      (open) => open.close(),
    );
    await pool.identify(uri, {
      ...(sha256 && { sha256 }),
      ...(etag !== undefined && { version: etag }),
      ...(beside !== undefined && { beside }),
    });
    const raster = await pool.use(uri, (open) => readFrameRaster(open, choice, window, signal));
    return overviewRaster(ranges ? stretchChannels(raster, ranges as unknown as Ranges) : raster, overview ?? 1);
  },
});

const noPlace =
  'the files say nothing of their place on the Earth (no coordinate system, or no map from pixels to it), so what is made of them has none';

const range = z.tuple([z.number(), z.number()]);
/** What a locator keeps of how its frame is read. */
const storedDecode = z.object({
  bands: z.array(z.number().int().nonnegative()).min(1).max(3),
  palette: z.boolean().default(false),
  mask: z.object({ band: z.number().int().nonnegative(), invalid: z.array(z.number()) }).optional(),
  overview: z.number().int().nonnegative().optional(),
  ranges: z.union([z.tuple([range]), z.tuple([range, range, range])]).optional(),
  version: z.string().optional(),
  beside: z.string().optional(),
  timeoutSeconds: z.number().positive().optional(),
});

const tileSequence = (sequence: string, { name }: Tile): string => `${sequence}/${name}`;

/** The size of what is read of a file: itself, or about the overview of a factor. */
function levelSize({ width, height }: Pick<RasterFacts, 'width' | 'height'>, factor: number | undefined) {
  return factor === undefined
    ? { width, height }
    : { width: Math.ceil(width / factor), height: Math.ceil(height / factor) };
}

/** The part that is read, in pixels of the level. Throws a `RangeError` for a window that leaves the scene. */
function areaOf(
  facts: Pick<RasterFacts, 'width' | 'height'>,
  { window, overview }: Pick<GeoTiffSourceOptions, 'window' | 'overview'>,
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

/** A file of the series that is known to be whole and in its place. */
interface SeriesFile {
  readonly listed: ListedRaster;
  readonly identity: RasterIdentity;
  readonly choice: RasterChoice;
  /** The part that is read, in pixels of the level. */
  readonly area: Rectangle;
  /** The size of the level. */
  readonly level: { readonly width: number; readonly height: number };
  readonly georeference: Georeference | undefined;
}

/** Opens what frames are read from, finds the stretch, and sends frames as scenes or as tiles. */
async function openSeries(survey: GeoTiffSurvey, context: Context) {
  const { options, signal, attempt, progress, recordInput, recordFinding, severalSequences } = context;
  const pool = await context.keep(
    () => rasterPool(signal, options.timeoutSeconds),
    (open) => open.close(),
  );
  const cache = await cacheOf(context);
  const read = readThrough(cache);
  const { first = 0, end = Infinity } = context.frameRange ?? {};
  const listed = survey.files.slice(first, end);
  const start = survey.files[0]!;
  const ranges = await findStretch(
    survey,
    survey.usual ? areaOf(survey.usual, options) : { x: 0, y: 0, width: 1, height: 1 },
    (file, window) =>
      pool.use(file, async (raster) => {
        const { choice, area, level } = choiceOf(raster, options);
        // Files of another size have another part there.
        const fits = window.x + window.width <= level.width && window.y + window.height <= level.height;
        return readFrameRaster(raster, choice, fits ? window : area, signal);
      }),
    context,
  );
  const readers = new Map<string, Reading>();
  let { usual } = survey;

  async function openFile(each: ListedRaster): Promise<SeriesFile> {
    const { file } = each;
    const found = await pool.use(file, async (raster) => {
      if (options.places === 'same') samePlace((usual ??= each.facts), raster);
      await raster.checkWhole();
      return { ...choiceOf(raster, options), georeference: georeferenceOf(raster) };
    });
    const identity = await pool.identify(file);
    for (const input of inputFiles(file, identity)) recordInput(input);
    return { listed: each, identity, ...found };
  }

  const georeferenceOf = (raster: GeoTiff): Georeference | undefined => {
    const { crs, transform, width, height } = raster;
    if (crs === undefined || !transform) return undefined;
    const { level } = choiceOf(raster, options);
    const scale = { width: width / level.width, height: height / level.height };
    return { crs, transform: partOf(transform, { x: 0, y: 0, ...scale }) };
  };

  /** One reader for all frames that are read in one way. */
  function readingOf({ choice, identity, listed: { facts } }: SeriesFile): Reading {
    const wanted = facts?.frameType === 'uint8' && options.stretch === undefined ? undefined : ranges;
    const decode = decodeOf(choice, wanted, identity, options);
    const key = JSON.stringify(decode);
    let reading = readers.get(key);
    if (!reading) {
      const shown = options.values === 'uint8' ? wanted : undefined;
      reading = { decode, ranges: wanted, reader: readerOf(choice, shown, pool, read) };
      readers.set(key, reading);
    }
    return reading;
  }

  async function frameOf(file: SeriesFile, window: Rectangle, sequence: string, isTile: boolean): Promise<Frame> {
    const { listed: each, identity, area, level, georeference } = file;
    if (window.width * window.height > options.maxPixels)
      throw new InputError(
        each.file,
        `has ${window.width} x ${window.height} pixels; frames of more than ${options.maxPixels} are refused.`,
        {
          code: 'E_PICTURE_TOO_LARGE',
          remedy: 'Cut it with `tile`, read a `window` or an `overview`, or raise `maxPixels`.',
        },
      );
    const { decode, ranges: found, reader } = readingOf(file);
    const whole = window.x === 0 && window.y === 0 && window.width === level.width && window.height === level.height;
    const locator: Locator = {
      source: 'source/geotiff',
      uri: each.file,
      ...(identity.sha256 !== undefined && { sha256: identity.sha256 }),
      ...(!whole && { window }),
      decode,
    };
    const { instant } = each;
    const isPart = isTile || area.width !== level.width || area.height !== level.height;
    const frame = readableFrame(
      {
        kind: 'frame',
        id: frameId(sequence, each.number, severalSequences || isTile),
        key: frameKey(keyOf(each.file, identity), window, locator),
        sequence,
        number: each.number,
        ...(instant !== undefined && { at: isoOf(instant) }),
        ...(instant !== undefined &&
          start.instant !== undefined && { seconds: secondsBetween(start.instant, instant) }),
        ...(isPart && { footprint: window }),
        width: window.width,
        height: window.height,
        ...(georeference && {
          georeference: {
            crs: georeference.crs,
            transform: partOf(georeference.transform, { x: window.x, y: window.y, width: 1, height: 1 }),
          },
        }),
        ...(found?.length === 1 && options.values === 'stored' && { range: found[0] }),
        locator,
      },
      reader,
    );
    if (options.verify) await frame.read({ signal });
    return frame;
  }

  async function* scenes(): AsyncGenerator<Frame> {
    for (const [done, each] of listed.entries()) {
      signal.throwIfAborted();
      const id = frameId(survey.sequence, each.number, severalSequences);
      const frame = await attempt({ id }, async () => {
        const file = await openFile(each);
        return frameOf(file, file.area, survey.sequence, false);
      });
      progress('frames', done + 1, listed.length);
      if (frame) yield frame;
    }
  }

  async function* tiles(): AsyncGenerator<Frame> {
    const { size, overlap } = options.tile!;
    const files: SeriesFile[] = [];
    for (const [done, each] of listed.entries()) {
      signal.throwIfAborted();
      const id = frameId(survey.sequence, each.number, true);
      const file = await attempt({ id }, () => openFile(each));
      progress('files', done + 1, listed.length);
      if (file) files.push(file);
    }
    const [some] = files;
    if (!some) return;
    const all = tilesOf(some.area, size, overlap);
    recordFinding('tiles', { count: all.length, size, overlap });
    let done = 0;
    for (const tile of all) {
      const sequence = tileSequence(survey.sequence, tile);
      for (const file of files) {
        signal.throwIfAborted();
        const id = frameId(sequence, file.listed.number, true);
        const frame = await attempt({ id }, () => frameOf(file, tile.window, sequence, true));
        progress('frames', ++done, all.length * files.length);
        if (frame) yield frame;
      }
    }
  }

  return { scenes, tiles };
}

interface Reading {
  readonly decode: NonNullable<Locator['decode']>;
  readonly ranges: Ranges | undefined;
  readonly reader: LocatorReader;
}

/** One for all frames of the source; frames are read until the run ends. */
const cacheOf = ({ options, keep, workFolder }: Context): Promise<PixelCache> =>
  keep(
    () =>
      pixelCache({
        memoryBytes: options.cacheBytes,
        diskBytes: options.spillBytes,
        path: async () => join(await workFolder(), 'geotiff.pixels'),
      }),
    (cache) => cache.close(),
  );

/** Values as stored are kept; they are stretched anew for every reader, and made smaller after that. */
function readerOf(
  choice: RasterChoice,
  shown: Ranges | undefined,
  pool: RasterPool,
  read: ReturnType<typeof readThrough>,
): LocatorReader {
  return async ({ uri, sha256, window: part, decode }, { window, overview = 1, signal }) => {
    const key = lineage('values of a geotiff', uri, sha256 ?? null, {
      part: part ? { ...part } : null,
      decode: keptDecode(decode),
    });
    const load = (wanted: { window?: Rectangle; signal?: AbortSignal }): Promise<Raster> =>
      pool.use(uri, (raster) => {
        const within = part ? windowWithin(part, wanted.window) : wanted.window;
        return readFrameRaster(raster, choice, within, wanted.signal);
      });
    const kept = await read(key, load, { ...(window && { window }), ...(signal && { signal }) });
    return overviewRaster(shown ? stretchChannels(kept, shown) : kept, overview);
  };
}

const keptDecode = (decode: Locator['decode']): Json => {
  const { ranges: _, ...rest } = { ...decode };
  return rest;
};

function choiceOf(
  raster: GeoTiff,
  options: GeoTiffSourceOptions,
): { choice: RasterChoice; area: Rectangle; level: { width: number; height: number } } {
  const { bands, mask, overview: factor } = options;
  const { how: _, mask: maskBand, ...chosen } = chooseBands(raster, bands, mask?.band);
  const overview = factor === undefined ? undefined : overviewOf(raster, factor);
  const level = overview === undefined ? raster : raster.overviews[overview]!;
  const size = { width: level.width, height: level.height };
  return {
    choice: {
      ...chosen,
      ...(mask && maskBand !== undefined && { mask: { band: maskBand, invalid: mask.invalid } }),
      ...(overview !== undefined && { overview }),
    },
    level: size,
    area: areaOf(raster, options, size),
  };
}

function overviewOf({ name, overviews }: GeoTiff, factor: number): number {
  const found = overviews.findIndex((each) => each.factor === factor);
  if (found >= 0) return found;
  throw new InputError(
    name,
    `has no overview of factor ${factor}; ${overviews.length ? `it has those of ${overviews.map((each) => each.factor).join(', ')}` : 'it has none'}.`,
    { code: 'E_OVERVIEW', remedy: 'Choose one of them, leave `overview` out, or make some with gdaladdo.' },
  );
}

/** Throws an `InputError` where a file shows another place than most of the series. */
function samePlace(usual: RasterFacts | undefined, raster: GeoTiff): void {
  if (!usual || placeOf(usual) === placeOf(raster)) return;
  const { name, width, height, crs, transform } = raster;
  const remedy =
    'Frames of one sequence show one place: warp it (gdalwarp), or leave it out with `onError: skip`. `places: any` allows it where each clip has frames of one place, as `windower/still` makes them.';
  if (width !== usual.width || height !== usual.height)
    throw new InputError(
      name,
      `is ${width} x ${height} pixels, but most files of the series are ${usual.width} x ${usual.height}.`,
      { code: 'E_FRAME_SIZE', remedy },
    );
  if (crs !== usual.crs)
    throw new InputError(
      name,
      `is in ${crs ?? 'no coordinate system'}, but most files of the series are in ${usual.crs ?? 'none'}.`,
      {
        code: 'E_FRAME_PLACE',
        remedy,
      },
    );
  throw new InputError(
    name,
    `begins at (${transform?.[2] ?? '?'}, ${transform?.[5] ?? '?'}) with pixels of ${transform?.[0] ?? '?'} x ${transform?.[4] ?? '?'}, but most files of the series begin at (${usual.transform?.[2] ?? '?'}, ${usual.transform?.[5] ?? '?'}) with pixels of ${usual.transform?.[0] ?? '?'} x ${usual.transform?.[4] ?? '?'}.`,
    { code: 'E_FRAME_PLACE', remedy },
  );
}

/** What a locator keeps of how its frame is read. */
function decodeOf(
  { bands, palette, mask, overview }: RasterChoice,
  ranges: Ranges | undefined,
  { version: etag, beside }: RasterIdentity,
  { values, timeoutSeconds }: GeoTiffSourceOptions,
): NonNullable<Locator['decode']> {
  return {
    bands: [...bands],
    ...(palette && { palette }),
    ...(mask && { mask: { band: mask.band, invalid: [...mask.invalid] } }),
    ...(overview !== undefined && { overview }),
    ...(ranges && values === 'uint8' && { ranges: ranges.map((each) => [...each]) }),
    ...(etag !== undefined && { version: etag, timeoutSeconds }),
    ...(beside !== undefined && { beside }),
  };
}

/** Identical bytes read under the same rules are the same frame, wherever the file lies and whatever its number. */
function frameKey(content: string, window: Rectangle, { decode }: Locator): string {
  const { version: _, timeoutSeconds: __, ...rules } = { ...decode };
  return lineage('frame of a geotiff', version, content, { ...window }, rules);
}
