// A source of the frames of data cubes: what `source/zarr` and `source/netcdf` have in common.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  bytesOf,
  defineSource,
  frameId,
  InputError,
  lineage,
  readableFrame,
  frameBytes,
  readingBytes,
  refuse,
  spec,
  type Frame,
  type Json,
  type Locator,
  type LocatorReader,
  type Raster,
  type ReadOptions,
  type StageContext,
} from '@deepearth/core';
import { cacheBytesFor } from '@deepearth/vision/cache-options';
import { pixelCache } from '@deepearth/vision/pixel-cache';
import { readThrough } from '@deepearth/vision/read-through';
import { countValues, fillWarning } from '@deepearth/vision/stretch';
import { z } from 'zod';
import { shown, type Range, type Showing } from './cube-colours.ts';
import { cubeOptions, type CubeOptions } from './cube-options.ts';
import { readCubeRaster, sizeOf } from './cube-raster.ts';
import { sequenceOf, surveySeries, type CubeSeries, type SeriesFrame } from './cube-series.ts';
import { viewOf, type CubeView } from './cube-view.ts';
import type { Cube } from './cube.ts';

/** Opens a store or a file; `chunkCacheBytes` of decoded chunks may be kept. */
export type OpenCubeOf = (
  path: string,
  options: {
    readonly chunkCacheBytes: number;
    readonly variables: readonly string[];
    readonly signal?: AbortSignal | undefined;
  },
) => Promise<Cube>;

/** What one of the two sources is. */
export interface CubeKind<Name extends string> {
  readonly type: Name;
  readonly summary: string;
  readonly pathDescription: string;
  readonly examples: readonly string[];
  readonly open: OpenCubeOf;
}

/** Frames that are looked at for percentiles, spread evenly over the whole series. */
const mostFrames = 64;
const usual: Range = [2, 98];

/** Another number where the same values and options come to give other pixels. */
const version = 1;

/** The options of a source whose path is described. */
const withPath = (description: string) =>
  cubeOptions.extend({
    path: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).describe(description),
  });

type Options = CubeOptions & { readonly path: string | readonly string[] };

const pathsOf = ({ path }: Pick<Options, 'path'>): readonly string[] => (typeof path === 'string' ? [path] : path);

const variablesOf = ({ variable }: Pick<CubeOptions, 'variable'>): readonly string[] =>
  variable === undefined ? [] : typeof variable === 'string' ? [variable] : variable;

/** Defines one of the sources. */
export function defineCubeSource<Name extends string>({
  type,
  summary,
  pathDescription,
  examples,
  open,
}: CubeKind<Name>) {
  const source = `source/${type}`;
  const opener = (options: Options) => (path: string, signal?: AbortSignal) =>
    open(path, { chunkCacheBytes: options.chunkCacheBytes, variables: variablesOf(options), signal });
  const survey = (options: Options, signal: AbortSignal): Promise<CubeSeries> =>
    surveySeries(pathsOf(options), options, opener(options), signal);

  return defineSource({
    type,
    summary,
    options: withPath(pathDescription),
    reads: ['path'],
    placement: ['cacheBytes', 'spillBytes'],
    examples,
    survey,

    describe(_, { options, survey: series }) {
      const conflict = conflictOf(options);
      if (conflict) return conflict;
      const channels = options.colorMap ? 3 : (series?.channels.length ?? null);
      const stream = spec(
        'frame',
        { height: series?.height ?? null, width: series?.width ?? null, channels },
        options.values === 'uint8' ? 'uint8' : (series?.dtype ?? null),
        series?.frames.length ?? null,
      );
      return {
        output: { ...stream, sequences: [options.sequence ?? sequenceOf(pathsOf(options)[0]!)] },
        memoryBytes:
          cacheBytesFor(options.cacheBytes, frameBytes(stream)) + options.chunkCacheBytes + 2 * readingBytes(stream),
        ...(series?.warnings.length && { warnings: series.warnings }),
        notes: series
          ? [...spanNote(series), ...series.notes, ...stretchNote(options, series), ...chunkNote(options, series)]
          : [],
      };
    },

    async *process(_, context) {
      const { options, signal, log, keep, severalSequences } = context;
      const series = context.survey ?? (await survey(options, signal));
      for (const note of [...spanNote(series), ...series.notes]) log.info(note);
      for (const warning of [...series.warnings, ...chunkNote(options, series)]) log.warn(warning);
      const cubes = await keep(
        () => openCubes(opener(options)),
        (opened) => opened.close(),
      );
      const cache = await keep(
        () =>
          pixelCache({
            memoryBytes: options.cacheBytes,
            diskBytes: options.spillBytes,
            readLater: context.readLater,
            path: async () => join(await context.workFolder(), `${type}.pixels`),
          }),
        (kept) => kept.close(),
      );
      const read = readThrough(cache);
      const rasterIn = (uri: string, index: number, part: ReadOptions): Promise<Raster> =>
        cubes.use(uri, options, signal, (view) => readCubeRaster(view, index, part.window, part.signal));
      const rasterOf = async (
        { uri, position }: Pick<SeriesFrame, 'uri' | 'position'>,
        abort: AbortSignal,
      ): Promise<Raster> =>
        read(rawKey(uri, position), (part) => rasterIn(uri, position, { ...part, signal: part.signal ?? abort }), {
          signal: abort,
        });
      const showing: Showing = {
        values: options.values,
        ranges: await findRanges(series, rasterOf, context),
        colorMap: options.colorMap,
      };
      const reader: LocatorReader = async ({ uri, index = 0 }, { window, overview, signal: abort }) =>
        shown(
          await read(rawKey(uri, index), (part) => rasterIn(uri, index, part), {
            ...(window && { window }),
            ...(abort && { signal: abort }),
          }),
          showing,
          overview,
        );
      const sequence = options.sequence ?? sequenceOf(pathsOf(options)[0]!);
      const { first, end } = context.frameRange(sequence);
      const wanted = series.frames.slice(first, end);
      let done = 0;
      for (const each of wanted) {
        signal.throwIfAborted();
        const id = frameId(sequence, each.number, severalSequences);
        const frame = await context.attempt({ id }, async () => {
          const raster = await rasterOf(each, signal);
          return cubes.use(each.uri, options, signal, (view) =>
            frameOf({ id, sequence, source, each, view, raster, showing, options }, reader),
          );
        });
        context.progress('frames', ++done, wanted.length);
        if (frame) yield frame;
      }
    },

    async reopen({ uri, index = 0, decode }, { window, overview, signal }, { share, signal: runSignal }) {
      const parsed = stored.safeParse(decode ?? {});
      if (!parsed.success) throw new InputError(uri, 'says too little to read it again.', { code: 'E_LOCATOR' });
      const { ranges, values, colorMap, digest, ...options } = parsed.data;
      const cubes = await share(
        `cubes of ${source}`,
        () =>
          openCubes((path, abort) =>
            open(path, { chunkCacheBytes: 64 * 2 ** 20, variables: variablesOf(options), signal: abort }),
          ),
        (opened) => opened.close(),
      );
      const raster = await cubes.use(uri, options, signal ?? runSignal, (view) =>
        readCubeRaster(view, index, window, signal ?? runSignal),
      );
      if (!window && digest !== undefined && digestOf(raster) !== digest)
        throw new InputError(uri, `has changed since it was first read (frame ${index}).`, {
          code: 'E_INPUT_CHANGED',
          remedy: 'Run again when nothing writes to it any more.',
        });
      return shown(raster, { values, ranges, colorMap }, overview);
    },
  });
}

/** The key of the values of a frame while a run lasts. */
const rawKey = (uri: string, position: number): string => lineage('cube', uri, position);

/** What makes no sense together. */
function conflictOf({ variable, bands, times, colorMap, stretch, values }: CubeOptions) {
  const three = [Array.isArray(variable) && variable.length === 3, bands?.length === 3, times !== undefined];
  if (three.filter(Boolean).length > 1)
    return refuse('`variable` (three), `bands` (three) and `times` each make red, green and blue.', {
      option: three[2] ? 'times' : 'bands',
      remedy: 'Keep one of them.',
    });
  if (colorMap && three.some(Boolean))
    return refuse('a colour map is for one value at each pixel, not for three channels.', {
      option: 'colorMap',
      remedy: 'Leave it out, or name one variable.',
    });
  const range = typeof stretch === 'object' && 'range' in stretch ? stretch.range : undefined;
  const several = range !== undefined && Array.isArray(range[0]);
  if (several && !three.some(Boolean))
    return refuse('three ranges are for three channels.', {
      option: 'stretch',
      remedy: 'Give one: `stretch: { range: [low, high] }`.',
    });
  if (values === 'stored' && (colorMap || several || three[0]))
    return refuse('values as stored have one range for all channels, and no colours.', {
      option: 'values',
      remedy: 'Leave `values` out.',
    });
  return undefined;
}

const spanNote = ({ frames, width, height, channels }: CubeSeries): string[] => {
  const [first, last] = [frames[0]!, frames.at(-1)!];
  return [
    `${frames.length} ${frames.length === 1 ? 'frame' : 'frames'} of ${width} x ${height} pixels (${channels.join(', ')})${first.date ? `, ${first.date}${frames.length > 1 ? ` to ${last.date}` : ''}` : ''}`,
  ];
};

/** What the options ask for; `undefined` where values stay as they are. */
function asked({ stretch, colorMap }: CubeOptions, { dtype }: Pick<CubeSeries, 'dtype'>) {
  if (stretch === undefined) return dtype === 'uint8' && !colorMap ? undefined : { percentile: usual };
  if (stretch === 'percentile') return { percentile: usual };
  if (stretch !== 'type') return stretch;
  return { range: ({ uint8: [0, 255], uint16: [0, 65_535], int16: [0, 32_767], float32: [0, 1] } as const)[dtype] };
}

function stretchNote(options: CubeOptions, series: CubeSeries): string[] {
  const wanted = asked(options, series);
  if (!wanted) return [];
  if ('percentile' in wanted)
    return [
      `values are shown from black at percentile ${wanted.percentile[0]} to white at percentile ${wanted.percentile[1]} of the whole series${series.apart ? ', each variable by itself' : ''}`,
    ];
  return [`values are shown from black to white as \`stretch\` says: ${JSON.stringify(wanted.range)}`];
}

/** Chunks that many times share and that memory has no room for are decoded again and again. */
function chunkNote(
  { chunkCacheBytes }: CubeOptions,
  { decodedBytes, width, height, channels, frames }: CubeSeries,
): string[] {
  const times = Math.round(decodedBytes / (4 * width * height * channels.length));
  if (decodedBytes <= chunkCacheBytes || times < 2 || frames.length < 2) return [];
  const mebibytes = Math.ceil(decodedBytes / 2 ** 20);
  return [
    `chunks hold about ${times} times what a frame needs (${mebibytes} MiB are decoded for each): with \`chunkCacheBytes\` of that they are decoded once`,
  ];
}

/**
 * The ranges of a series, the same for each part of it. Frames that cannot be read are left out here and reported
 * later.
 */
async function findRanges(
  series: CubeSeries,
  rasterOf: (frame: SeriesFrame, signal: AbortSignal) => Promise<Raster>,
  { options, signal, progress, log, recordFinding }: StageContext<Options>,
): Promise<readonly Range[] | undefined> {
  const wanted = asked(options, series);
  if (!wanted) return undefined;
  const record = (ranges: readonly Range[], more: { readonly [name: string]: Json }): readonly Range[] => {
    recordFinding('stretch', {
      ...(ranges.length === 1 ? { range: [...ranges[0]!] } : { ranges: ranges.map((range) => [...range]) }),
      ...more,
    });
    return ranges;
  };
  if ('range' in wanted) {
    const { range } = wanted;
    return record(Array.isArray(range[0]) ? (range as unknown as readonly Range[]) : [range as Range], {});
  }
  const count = Math.min(series.frames.length, mostFrames);
  const groups = series.apart ? series.channels.length : 1;
  const counts = Array.from({ length: groups }, () => countValues(count));
  let frames = 0;
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    try {
      const raster = await rasterOf(series.frames[Math.floor((i * series.frames.length) / count)]!, signal);
      for (const [group, values] of counts.entries()) values.add(groups > 1 ? channelOf(raster, group) : raster);
      frames++;
    } catch (error) {
      if (signal.aborted) throw error;
    }
    progress('stretch', i + 1, count);
  }
  const found = counts.map((values) => values.range(...wanted.percentile));
  if (found.some((range) => !range)) return undefined;
  for (const value of new Set(counts.flatMap((values) => values.fills(...wanted.percentile))))
    log.warn(fillWarning(value, 'name it with `noData`'));
  const percentile = [...wanted.percentile];
  for (const [at, [low, high]] of (found as Range[]).entries())
    log.info(
      `values of ${groups > 1 ? series.channels[at] : series.channels.join(', ')} from ${low} to ${high} are shown from black to white (percentiles ${percentile.join(' and ')} of ${frames} of ${series.frames.length} frames)`,
    );
  return record(found as Range[], { percentile, frames });
}

function channelOf({ values, channels, valid }: Raster, at: number): Raster {
  const [height, width, count] = values.shape as [number, number, number];
  const data = values.data.filter((_, i) => i % count === at);
  return {
    values: { ...values, shape: [height, width, 1], data: data as never },
    channels: [channels[at]!],
    ...(valid && { valid }),
  };
}

/** Digest of the values of a frame and of where they are. */
function digestOf({ values, valid }: Raster): string {
  const hash = createHash('sha256')
    .update(`${values.dtype} ${values.shape.join(' ')} `)
    .update(bytesOf(values));
  if (valid) hash.update(valid);
  return hash.digest('hex').slice(0, 32);
}

/** What a locator keeps: what decides the values, and how they are shown. */
const stored = cubeOptions
  .pick({
    variable: true,
    axes: true,
    select: true,
    bands: true,
    times: true,
    bounds: true,
    crs: true,
    noData: true,
    colorMap: true,
    values: true,
  })
  .extend({
    ranges: z.array(z.tuple([z.number(), z.number()])).optional(),
    digest: z.string().optional(),
  });

interface Making {
  readonly id: string;
  readonly sequence: string;
  readonly source: string;
  readonly each: SeriesFrame;
  readonly view: CubeView;
  readonly raster: Raster;
  readonly showing: Showing;
  readonly options: CubeOptions;
}

function frameOf({ id, sequence, source, each, view, raster, showing, options }: Making, reader: LocatorReader): Frame {
  const digest = digestOf(raster);
  const { values, ranges, colorMap } = showing;
  const given = Object.fromEntries(
    (['bands', 'times', 'bounds', 'crs', 'noData'] as const).flatMap((name) =>
      options[name] === undefined ? [] : [[name, options[name] as Json]],
    ),
  );
  const locator: Locator = {
    source,
    uri: each.uri,
    index: each.position,
    decode: {
      // The variable that was found, so that one that is added later changes nothing.
      variable: options.variable ?? view.channels[0]!.array.name,
      ...(Object.keys(options.axes).length && { axes: options.axes as Json }),
      ...(Object.keys(options.select).length && { select: options.select as Json }),
      ...given,
      values,
      ...(ranges && { ranges: ranges.map((range) => [...range]) }),
      ...(colorMap && { colorMap }),
      ...(each.date !== undefined && each.at === undefined && { date: each.date }),
      digest,
    },
  };
  const { georeference } = view;
  return readableFrame(
    {
      kind: 'frame',
      id,
      key: lineage(source, version, digest, { values, ranges: ranges ?? null, colorMap: colorMap ?? null }),
      sequence,
      number: each.number,
      ...(each.at !== undefined && { at: each.at }),
      ...(each.seconds !== undefined && { seconds: each.seconds }),
      ...sizeOf(view),
      ...(georeference && { georeference }),
      ...(values === 'stored' && ranges?.length === 1 && { range: ranges[0]! }),
      locator,
    },
    reader,
  );
}

/** Cubes that are open, and what is taken of each. */
interface OpenCubes {
  /** Does something with a view of a file. */
  use<T>(
    uri: string,
    options: Pick<CubeOptions, keyof typeof viewKeys>,
    signal: AbortSignal,
    work: (view: CubeView) => Promise<T> | T,
  ): Promise<T>;
  close(): Promise<void>;
}

const viewKeys = { variable: 1, axes: 1, select: 1, bands: 1, times: 1, bounds: 1, crs: 1, noData: 1 } as const;

/** Files that are open at the same time. */
const mostOpen = 16;

/** Opens cubes as they are asked for; what was used longest ago is closed when there are many. */
function openCubes(open: (path: string, signal?: AbortSignal) => Promise<Cube>): OpenCubes {
  const cubes = new Map<string, { readonly cube: Promise<Cube>; readonly views: Map<string, Promise<CubeView>> }>();
  let closed = false;
  return {
    async use(uri, options, signal, work) {
      if (closed) {
        // Frames may be read after their run has ended; nothing is kept open for them.
        const cube = await open(uri, signal);
        try {
          return await work(await viewOf(cube, options, signal));
        } finally {
          await cube.close();
        }
      }
      let entry = cubes.get(uri);
      if (!entry) entry = { cube: open(uri, signal), views: new Map() };
      cubes.delete(uri);
      cubes.set(uri, entry);
      // What failed is tried again, under `onError: retry`.
      entry.cube.catch(() => cubes.get(uri) === entry && cubes.delete(uri));
      if (cubes.size > mostOpen) {
        const [oldest, { cube }] = cubes.entries().next().value!;
        cubes.delete(oldest);
        await (await cube).close();
      }
      const key = JSON.stringify(Object.keys(viewKeys).map((name) => options[name as keyof typeof viewKeys] ?? null));
      let view = entry.views.get(key);
      if (!view) {
        view = entry.cube.then((cube) => viewOf(cube, options, signal));
        entry.views.set(key, view);
        const { views } = entry;
        view.catch(() => views.delete(key));
      }
      return work(await view);
    },
    async close() {
      closed = true;
      const all = [...cubes.values()];
      cubes.clear();
      // One that could not be opened keeps no other one open.
      for (const { cube } of all)
        await cube.then(
          (opened) => opened.close(),
          () => undefined,
        );
    },
  };
}
