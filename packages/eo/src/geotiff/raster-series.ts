// Sends the rasters of series as frames: whole scenes or tiles, each with its place, one stretch for all.

import { join } from 'node:path';
import {
  frameId,
  InputError,
  lineage,
  readableFrame,
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
import { hullOf, isWithin, wholeRange } from '@deepearth/core/range';
import { overviewRaster } from '@deepearth/core/raster-part';
import { isoOf, secondsBetween } from '@deepearth/vision/instant';
import { pixelCache, type PixelCache } from '@deepearth/vision/pixel-cache';
import { readThrough } from '@deepearth/vision/read-through';
import { partOf } from '../affine.ts';
import { hasPlace, noPlace } from './describe-series.ts';
import { readFrameRaster, stretchChannels, type Ranges } from './frame-raster.ts';
import { decodeOf, frameKey } from './raster-locator.ts';
import { rasterPool } from './raster-pool.ts';
import { withPath } from './raster-ref.ts';
import type { SeriesRaster } from './raster-stack.ts';
import { areaOf, choiceOf, type SeriesChoice } from './series-area.ts';
import type { SeriesOptions } from './series-options.ts';
import { findStretch } from './series-stretch.ts';
import {
  placeOf,
  usualOfAll,
  type ListedRaster,
  type RasterFacts,
  type RasterSeries,
  type SeriesSurvey,
} from './series-survey.ts';
import { tileSequence, tilesOf } from './tiles.ts';
import { identifyRef, inputFiles, naming, useRaster, type RefIdentity } from './use-raster.ts';

/** A raster of a series that is known to be whole and in its place. */
interface SeriesFile extends SeriesChoice {
  readonly listed: ListedRaster;
  readonly identity: RefIdentity;
  readonly georeference: Georeference | undefined;
}

/** Opens what frames are read from, finds the stretch, and sends frames, series by series. */
export async function* framesOfSeries<Options extends SeriesOptions, Survey extends SeriesSurvey>(
  survey: Survey,
  context: StageContext<Options, undefined, Survey>,
): AsyncGenerator<Frame> {
  const { options, signal, log, attempt, progress, recordInput, recordFinding, severalSequences, frameRange } = context;
  for (const warning of survey.warnings) log.warn(warning);
  const anyUsual = usualOfAll(survey);
  if (anyUsual) log.info(`colours are ${anyUsual.how}`);
  if (!hasPlace(survey)) log.warn(noPlace);
  const pool = await context.keep(
    () => rasterPool(signal, options.timeoutSeconds),
    (open) => open.close(),
  );
  const read = readThrough(await cacheOf(context));
  const ranges = await findStretch(
    survey,
    (facts) => areaOf(facts, options),
    ({ ref }, window) =>
      useRaster(pool, ref, async (raster) => {
        const { choice, area, level } = choiceOf(raster, options);
        // Rasters of another size have another part there.
        const fits = window.x + window.width <= level.width && window.y + window.height <= level.height;
        return readFrameRaster(raster, choice, fits ? window : area, signal);
      }),
    context,
  );
  const readers = new Map<string, Reading>();

  async function openFile(each: ListedRaster, usual: RasterFacts | undefined): Promise<SeriesFile> {
    const { ref } = each;
    if (each.trouble) throw each.trouble;
    return naming(each, async () => {
      const found = await useRaster(pool, ref, async (raster) => {
        if (options.places === 'same') samePlace(usual ?? each.facts, raster, context.type);
        await raster.checkWhole();
        const choice = choiceOf(raster, options);
        return { ...choice, georeference: georeferenceOf(raster, choice) };
      });
      const identity = await identifyRef(pool, ref);
      for (const input of inputFiles(ref, identity)) recordInput(input);
      return { listed: each, identity, ...found };
    });
  }

  /** One reader for all frames that are read in one way. */
  function readingOf({ choice, identity, listed: { ref, facts } }: SeriesFile): Reading {
    const wanted = facts?.frameType === 'uint8' && options.stretch === undefined ? undefined : ranges;
    const decode = decodeOf(choice, wanted, ref, identity, options);
    const key = JSON.stringify(decode);
    let reading = readers.get(key);
    if (!reading) {
      const shown = options.values === 'uint8' ? wanted : undefined;
      // Files that are read alone and in one way share it: the locator has the path.
      const load: Load = (uri, window, wish) =>
        useRaster(pool, withPath(ref, uri), (raster) => readFrameRaster(raster, choice, window, wish));
      reading = { decode, ranges: wanted, reader: readerOf(load, shown, read) };
      readers.set(key, reading);
    }
    return reading;
  }

  async function frameOf(
    file: SeriesFile,
    window: Rectangle,
    sequence: string,
    isTile: boolean,
    start: ListedRaster,
  ): Promise<Frame> {
    const { listed: each, identity, area, level, georeference } = file;
    if (window.width * window.height > options.maxPixels)
      throw new InputError(
        each.name,
        `has ${window.width} x ${window.height} pixels; frames of more than ${options.maxPixels} are refused.`,
        {
          code: 'E_PICTURE_TOO_LARGE',
          remedy: 'Cut it with `tile`, read a `window` or an `overview`, or raise `maxPixels`.',
        },
      );
    const { decode, ranges: found, reader } = readingOf(file);
    const whole = window.x === 0 && window.y === 0 && window.width === level.width && window.height === level.height;
    const { sha256 } = identity.parts[0]!;
    const locator: Locator = {
      source: context.type,
      uri: each.ref.parts[0]!.uri,
      ...(sha256 !== undefined && { sha256 }),
      ...(!whole && { window }),
      decode,
    };
    const { instant } = each;
    const isPart = isTile || area.width !== level.width || area.height !== level.height;
    const frame = readableFrame(
      {
        kind: 'frame',
        id: frameId(sequence, each.number, severalSequences || isTile),
        key: frameKey(identity.content, window, locator),
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
        ...(each.metadata && { metadata: each.metadata }),
        ...(found?.length === 1 && options.values === 'stored' && { range: found[0] }),
        locator,
      },
      reader,
    );
    if (options.verify) await naming(each, () => frame.read({ signal }));
    return frame;
  }

  async function* scenes({ sequence, rasters, usual }: RasterSeries, sent: () => void): AsyncGenerator<Frame> {
    for (const each of listedOf(sequence, rasters)) {
      signal.throwIfAborted();
      const id = frameId(sequence, each.number, severalSequences);
      const frame = await attempt({ id }, async () => {
        const file = await openFile(each, usual);
        return frameOf(file, file.area, sequence, false, rasters[0]!);
      });
      sent();
      if (frame) yield frame;
    }
  }

  let tileCount = 0;
  async function* tilesOfScenes({ sequence, rasters, usual }: RasterSeries): AsyncGenerator<Frame> {
    const { size, overlap } = options.tile!;
    const tilesIn = (area: Rectangle) =>
      tilesOf(area, size, overlap).map((tile) => ({ tile, name: tileSequence(sequence, tile) }));
    // Before a file is open its tiles are known only where the survey could open one.
    const { first, end } = usual
      ? hullOf(tilesIn(areaOf(usual, options)).map(({ name }) => frameRange(name)))
      : wholeRange;
    const listed = rasters.slice(first, end);
    const files: { readonly file: SeriesFile; readonly position: number }[] = [];
    for (const [done, each] of listed.entries()) {
      signal.throwIfAborted();
      const id = frameId(sequence, each.number, true);
      const file = await attempt({ id }, () => openFile(each, usual));
      progress('files', done + 1, listed.length);
      if (file) files.push({ file, position: first + done });
    }
    const [some] = files;
    if (!some) return;
    const all = tilesIn(some.file.area);
    tileCount += all.length;
    recordFinding('tiles', { count: tileCount, size, overlap });
    const total = all.reduce(
      (sum, { name }) => sum + files.filter(({ position }) => isWithin(position, frameRange(name))).length,
      0,
    );
    let done = 0;
    for (const { tile, name } of all) {
      for (const { file, position } of files) {
        if (!isWithin(position, frameRange(name))) continue;
        signal.throwIfAborted();
        const id = frameId(name, file.listed.number, true);
        const frame = await attempt({ id }, () => frameOf(file, tile.window, name, true, rasters[0]!));
        progress('frames', ++done, total);
        if (frame) yield frame;
      }
    }
  }

  const listedOf = (sequence: string, rasters: readonly ListedRaster[]): readonly ListedRaster[] => {
    const { first, end } = frameRange(sequence);
    return rasters.slice(first, end);
  };
  const total = survey.series.reduce((sum, { sequence, rasters }) => sum + listedOf(sequence, rasters).length, 0);
  let done = 0;
  for (const series of survey.series)
    yield* options.tile ? tilesOfScenes(series) : scenes(series, () => progress('frames', ++done, total));
}

interface Reading {
  readonly decode: NonNullable<Locator['decode']>;
  readonly ranges: Ranges | undefined;
  readonly reader: LocatorReader;
}

/** One for all frames of the source; frames are read until the run ends. */
const cacheOf = ({
  options,
  keep,
  readLater,
  workFolder,
}: StageContext<SeriesOptions, undefined, any>): Promise<PixelCache> =>
  keep(
    () =>
      pixelCache({
        memoryBytes: options.cacheBytes,
        diskBytes: options.spillBytes,
        readLater,
        path: async () => join(await workFolder(), 'geotiff.pixels'),
      }),
    (cache) => cache.close(),
  );

type Load = (uri: string, window: Rectangle | undefined, signal: AbortSignal | undefined) => Promise<Raster>;

/** Values as stored are kept; they are stretched anew for every reader, and made smaller after that. */
function readerOf(load: Load, shown: Ranges | undefined, read: ReturnType<typeof readThrough>): LocatorReader {
  return async ({ uri, sha256, window: part, decode }, { window, overview = 1, signal }) => {
    const key = lineage('values of a geotiff', uri, sha256 ?? null, {
      part: part ? { ...part } : null,
      decode: keptDecode(decode),
    });
    const kept = await read(
      key,
      (wanted) => load(uri, part ? windowWithin(part, wanted.window) : wanted.window, wanted.signal),
      { ...(window && { window }), ...(signal && { signal }) },
    );
    return overviewRaster(shown ? stretchChannels(kept, shown) : kept, overview);
  };
}

const keptDecode = (decode: Locator['decode']): Json => {
  const { ranges: _, ...rest } = { ...decode };
  return rest;
};

function georeferenceOf(
  { crs, transform, width, height }: SeriesRaster,
  { level }: SeriesChoice,
): Georeference | undefined {
  if (crs === undefined || !transform) return undefined;
  const scale = { width: width / level.width, height: height / level.height };
  return { crs, transform: partOf(transform, { x: 0, y: 0, ...scale }) };
}

/** Throws an `InputError` where a file shows another place than most of the series. */
function samePlace(usual: RasterFacts | undefined, raster: SeriesRaster, type: string): void {
  if (!usual || placeOf(usual) === placeOf(raster)) return;
  const { name, width, height, crs, transform } = raster;
  const cut = type === 'source/stac' ? 'cut all to one with `grid: { bounds: … }`' : 'warp it (gdalwarp)';
  const remedy = `Frames of one sequence show one place: ${cut}, or leave it out with \`onError: skip\`. \`places: any\` allows it where each clip has frames of one place, as \`windower/still\` makes them.`;
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
