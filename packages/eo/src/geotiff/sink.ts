// Writes grids of tokens as rasters that lie where their frames did: one pixel is what one token saw.

import {
  axesKnown,
  axisSize,
  defineSink,
  geometryOf,
  InputError,
  outputFolder,
  outputPath,
  pathIn,
  refuse,
  sequenceFolder,
  spec,
  tensor,
  toFloat32,
  type Artifact,
  type Embedding,
  type Georeference,
  type Projection,
  type Scratch,
  type StageContext,
  type TokenGrid,
} from '@deepearth/core';
import { categoryColor, colorMap } from '@deepearth/vision/colormaps';
import { z } from 'zod';
import { partOf } from '../affine.ts';
import { itemOfTokens, timesOf, type WrittenRaster } from '../stac/item-of-tokens.ts';
import { tokenMosaic, type PlacedGrid } from './token-mosaic.ts';
import { writeCog, type CogRaster } from './write-cog.ts';

/** Options of `sink/geotiff`. */
export const geotiffSinkOptions = z.strictObject({
  values: z
    .enum(['values', 'colours'])
    .default('values')
    .describe(
      'What pixels hold: the numbers (a band for each component or channel; groups as whole numbers), or `colours`: red, green, blue and opacity as 8 bits, as pictures have them. Groups of up to 255 have their colours beside their numbers in any case.',
    ),
  steps: z
    .enum(['each', 'mean'])
    .default('each')
    .describe(
      'A clip has several steps of time: a file for `each`, or one with their `mean` (of groups the one that a place has most often).',
    ),
  tiles: z
    .enum(['merge', 'separate'])
    .default('merge')
    .describe('Whether tiles of one scene become one raster, blended where they overlap, or a file each.'),
  stac: z
    .boolean()
    .default(false)
    .describe(
      'Writes a STAC item beside each raster, as NAME.json: outline, time, coordinate system, bands. Its frames need times.',
    ),
  directory: outputFolder()
    .optional()
    .describe(
      'Folder inside the output folder, "." for that itself. Default: "rasters", or the id of the stage where another stage would write the same names.',
    ),
  prefix: outputPath()
    .optional()
    .describe(
      'Start of the file names, before "_frames_0000_0015". Default: "features", "embeddings", or the name of the reducer.',
    ),
});

/** Options of `sink/geotiff`, with their defaults. */
export type GeoTiffSinkOptions = z.output<typeof geotiffSinkOptions>;

/** What a raster is made of. */
export type RasterItem = TokenGrid | Embedding | Projection;
type Context = StageContext<GeoTiffSinkOptions>;

const kinds = ['tokens', 'embedding', 'projection'];
const usualFolder = 'rasters';
const usualNames: Readonly<Record<string, string>> = { tokens: 'features', embedding: 'embeddings' };
/** Bytes of grids that are kept in memory while a raster is written. */
const mostHeld = 1 << 26;

/** The stage `sink/geotiff`. */
export const geotiffSink = defineSink({
  type: 'geotiff',
  summary:
    'Writes projections, embeddings or tokens as cloud-optimised GeoTIFFs: a pixel for each token, where the token lies.',
  options: geotiffSinkOptions,
  joins: 'parallel',
  examples: [
    '- type: sink/geotiff',
    '- type: sink/geotiff\n  with: { values: colours, steps: mean }',
    '- type: sink/geotiff\n  with: { tiles: separate, directory: tiles }',
    '- type: sink/geotiff\n  with: { stac: true }',
  ],

  describe(input, { options, inputs, ownName }) {
    const other = inputs.find(({ spec: { kind } }) => !kinds.includes(kind))?.spec ?? input;
    if (!input || !kinds.includes(input.kind) || !other || !kinds.includes(other.kind))
      return refuse(
        `sink/geotiff takes tokens, embeddings or projections, not ${(other ?? input)?.kind ?? 'nothing'}.`,
        { remedy: 'Put it behind an encoder, an aggregator or a reducer.' },
      );
    for (const { spec: each } of inputs) {
      const names = each.axes.map(({ name }) => name);
      if (axesKnown(each) && !(names.includes('height') && names.includes('width')))
        return refuse(`what comes here has the axes ${names.join(', ')}, and a raster needs height and width.`, {
          remedy: 'Leave out the aggregator, or take one that keeps places (`aggregator/temporal-mean`).',
        });
      if (options.values === 'colours' && each.kind !== 'projection')
        return refuse(`${each.kind} have no colours.`, {
          option: 'values',
          remedy: 'Put a reducer in front, or leave `values` out.',
        });
    }
    const folder = options.directory ?? ownName ?? usualFolder;
    const single = options.steps === 'mean' || inputs.every(({ spec: each }) => (axisSize(each, 'time') ?? 0) === 1);
    return {
      output: spec('artifact', {}, null, null),
      memoryBytes: mostHeld + (1 << 25),
      files: {
        option: 'directory',
        paths: inputs.flatMap(({ id, spec: { kind, names = ['<reducer>'] } }) =>
          (kind === 'projection' ? names : [usualNames[kind]!]).flatMap((name) =>
            ['tif', ...(options.stac ? ['json'] : [])].map((ending) => ({
              path: pathIn(
                folder,
                `<sequence>/${options.prefix ?? name}_frames_<first>_<last>${single ? '' : '_step_<step>'}.${ending}`,
              ),
              from: id,
            })),
          ),
        ),
      },
    };
  },

  async *process(items: AsyncIterable<RasterItem>, context) {
    const { attempt, options, signal } = context;
    const grids = await context.scratch('grids');
    const groups = new Map<string, Group>();
    for await (const item of items) {
      signal.throwIfAborted();
      const group = await attempt(item, async () => {
        const placed = await placeItem(item, grids, context);
        const waits = options.tiles === 'merge' && item.clip?.frames[0]?.footprint !== undefined;
        if (!waits) return placed;
        const known = groups.get(placed.name);
        if (!known) groups.set(placed.name, placed);
        else {
          known.tiles.push(...placed.tiles);
          known.keys.push(...placed.keys);
        }
        return undefined;
      });
      if (!group) continue;
      yield* writeGroup(group, grids, context);
      if (groups.size === 0) await grids.clear();
    }
    for (const group of groups.values()) yield* writeGroup(group, grids, context);
  },
});

/** Grids that become one raster for each step of time. */
interface Group {
  /** What tells it from others, and orders nothing. */
  readonly name: string;
  readonly item: RasterItem;
  readonly sequence: string;
  readonly crs: string;
  readonly bands: number;
  readonly steps: number;
  /** Places of the tiles, and where their steps lie in the scratch. */
  readonly tiles: { readonly grid: PlacedGrid; readonly offset: number }[];
  readonly keys: string[];
}

/** Finds where a grid lies, and keeps its values: steps after one another, NaN for tokens that are masked. */
async function placeItem(item: RasterItem, grids: Scratch, { options }: Context): Promise<Group> {
  const { axes, clip } = item;
  const [height, width] = ['height', 'width'].map((name) => item.values.shape[axes.indexOf(name)]) as [number, number];
  const time = axes.indexOf('time');
  const known = time <= 0 && axes.indexOf('height') === time + 1 && axes.indexOf('width') === time + 2;
  if (!known || axes.length !== time + 4)
    throw new InputError(
      item.id,
      `has the axes ${axes.join(', ')}, and a raster has time, height, width and one more.`,
      {
        code: 'E_GRID_AXES',
        remedy: 'Write it with `sink/features`.',
      },
    );
  const { crs, transform } = georeferenceOf(item);
  const geometry = geometryOf(item)!;
  const bands = item.values.shape.at(-1)!;
  const steps = time < 0 ? 1 : item.values.shape[0]!;
  const cell = { width: geometry.width / width, height: geometry.height / height };
  // Cells that only see what an encoder put around a frame belong to no place.
  const rows = insideOf(geometry.y, cell.height, height, geometry.frameHeight);
  const columns = insideOf(geometry.x, cell.width, width, geometry.frameWidth);
  const whole = maskedValues(item, height * width * steps, bands);
  const values = cropGrid(whole, { steps, height, width, bands }, rows, columns);
  const isLabel = item.kind === 'projection' && item.meaning === 'label';
  const length = rows.count * columns.count * bands;
  const kept = options.steps === 'mean' ? overTime(values, steps, length, isLabel) : values;
  const grid: PlacedGrid = {
    rows: rows.count,
    columns: columns.count,
    transform: partOf(transform, {
      x: geometry.x + columns.first * cell.width,
      y: geometry.y + rows.first * cell.height,
      ...cell,
    }),
  };
  const offset = await grids.append(new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength));
  const tile = clip!.frames[0]!.footprint !== undefined && options.tiles === 'merge';
  const sequence = tile ? clip!.sequence.replace(/\/[^/]*$/, '') : clip!.sequence;
  const [a, b, , d, e] = grid.transform;
  // Tiles of one scene have the same cells; a hair of difference is arithmetic.
  const edges = [a, b, d, e].map((number) => number.toPrecision(9));
  return {
    name: JSON.stringify([item.kind, sequence, clip!.index, crs, bands, steps, edges, nameOf(item)]),
    // Its values are in the scratch.
    item: { ...item, values: tensor('float32', [0, bands], new Float32Array()) } as RasterItem,
    sequence,
    crs,
    bands,
    steps: options.steps === 'mean' ? 1 : steps,
    tiles: [{ grid, offset }],
    keys: [item.key],
  };
}

interface Run {
  readonly first: number;
  readonly count: number;
}

/** The cells along one axis that see a part of the frame, which reaches from 0 to `length`. */
function insideOf(start: number, cell: number, count: number, length: number): Run {
  const noise = 1e-6;
  const first = Math.min(Math.max(Math.floor(-start / cell + noise), 0), count - 1);
  const end = Math.max(Math.min(Math.ceil((length - start) / cell - noise), count), first + 1);
  return { first, count: end - first };
}

function cropGrid(
  values: Float32Array,
  { steps, height, width, bands }: { steps: number; height: number; width: number; bands: number },
  rows: Run,
  columns: Run,
): Float32Array {
  if (rows.count === height && columns.count === width) return values;
  const line = columns.count * bands;
  const out = new Float32Array(steps * rows.count * line);
  for (let step = 0; step < steps; step++)
    for (let row = 0; row < rows.count; row++) {
      const from = ((step * height + rows.first + row) * width + columns.first) * bands;
      out.set(values.subarray(from, from + line), (step * rows.count + row) * line);
    }
  return out;
}

/** The place of the frames that a grid saw. Throws an `InputError` where they have none, or several. */
function georeferenceOf(item: RasterItem): Georeference {
  const frames = item.clip?.frames ?? [];
  const found = frames[0]?.georeference;
  if (!found || !geometryOf(item))
    throw new InputError(item.id, 'was made of frames without a place on the Earth.', {
      code: 'E_NO_PLACE',
      remedy: 'Read them with `source/geotiff` from files that have a coordinate system, or write pictures instead.',
    });
  const other = frames.find(({ georeference }) => JSON.stringify(georeference) !== JSON.stringify(found));
  if (other)
    throw new InputError(
      item.id,
      `was made of frames of several places; ${other.id} lies elsewhere than ${frames[0]!.id}.`,
      {
        code: 'E_FRAME_PLACE',
        remedy: 'Frames of one clip show one place: use `windower/still` for pictures of several.',
      },
    );
  return found;
}

const nameOf = (item: RasterItem): string => (item.kind === 'projection' ? item.reducer : usualNames[item.kind]!);

/** The values as float32, NaN where a token is masked. */
function maskedValues(item: RasterItem, tokens: number, bands: number): Float32Array {
  const { data } = toFloat32(item.values);
  const valid = item.kind === 'embedding' ? undefined : item.valid;
  const out = Float32Array.from(data);
  if (valid)
    for (let token = 0; token < tokens; token++)
      if (valid[token] === 0) out.fill(NaN, token * bands, (token + 1) * bands);
  return out;
}

/** One step of several: the mean of those that count, or the most frequent number of a group (the lowest of several). */
function overTime(values: Float32Array, steps: number, length: number, isLabel: boolean): Float32Array {
  const out = new Float32Array(length);
  const counts = new Map<number, number>();
  for (let i = 0; i < length; i++) {
    let [sum, count] = [0, 0];
    counts.clear();
    for (let step = 0; step < steps; step++) {
      const value = values[step * length + i]!;
      if (Number.isNaN(value)) continue;
      sum += value;
      count++;
      if (isLabel) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    out[i] =
      count === 0
        ? NaN
        : isLabel
          ? [...counts].reduce((best, each) =>
              each[1] > best[1] || (each[1] === best[1] && each[0] < best[0]) ? each : best,
            )[0]
          : sum / count;
  }
  return out;
}

async function* writeGroup(group: Group, grids: Scratch, context: Context): AsyncGenerator<Artifact> {
  for (let step = 0; step < group.steps; step++) {
    const { item } = group;
    const written = await context.attempt(item, () => writeStep(group, step, grids, context));
    if (!written) continue;
    yield written.artifact;
    if (!context.options.stac) continue;
    const described = await context.attempt(item, () => writeItem(group, step, written, context));
    if (described) yield described;
  }
}

/** Writes the STAC item of a raster beside it. */
async function writeItem(
  { item, keys }: Group,
  step: number,
  written: WrittenRaster,
  { output, key }: Context,
): Promise<Artifact> {
  const { path, about } = written.artifact;
  const described = itemOfTokens(item, nameOf(item), written);
  return output.write(
    {
      path: path.replace(/\.tif$/, '.json'),
      mediaType: 'application/geo+json',
      key: key(...keys, String(step), 'stac'),
      ...(about && { about }),
    },
    new TextEncoder().encode(`${JSON.stringify(described, null, 2)}\n`),
  );
}

async function writeStep(group: Group, step: number, grids: Scratch, context: Context): Promise<WrittenRaster> {
  const { options, output, key, severalSequences, ownName, signal } = context;
  const { item, sequence, steps, keys, bands } = group;
  const frames = item.clip!.frames;
  const padded = (number: number, digits: number): string => String(number).padStart(digits, '0');
  const [first, last] = [frames[0]!, frames.at(-1)!];
  const name = [
    `${options.prefix ?? nameOf(item)}_frames_${padded(first.number, 4)}_${padded(last.number, 4)}`,
    ...(steps > 1 ? [`step_${padded(step, 2)}`] : []),
  ].join('_');
  const path = pathIn(
    options.directory ?? ownName ?? usualFolder,
    `${severalSequences ? `${sequenceFolder(sequence)}/` : ''}${name}.tif`,
  );
  const seen = steps > 1 ? frames.slice((step * frames.length) / steps, ((step + 1) * frames.length) / steps) : frames;
  // Known before anything is written.
  if (options.stac) timesOf(item.id, seen);
  const raster = rasterOf(group, step, grids, options, seen);
  const compressed = await context.scratch('blocks');
  const artifact = await output.write(
    {
      path,
      mediaType: 'image/tiff',
      key: key(...keys, String(step)),
      about: {
        kind: item.kind,
        sequence,
        frames: seen.map(({ number }) => number),
        ...(group.tiles.length === 1 && { clip: item.clip!.id }),
        ...(item.kind === 'projection' && { reducer: item.reducer }),
        axes: { height: raster.height, width: raster.width, band: options.values === 'colours' ? 4 : bands },
        dtype: raster.type,
      },
    },
    writeCog(raster, compressed, signal),
  );
  await compressed.clear();
  return { artifact, raster, seen };
}

/** The raster of one step, read block by block from the grids. */
function rasterOf(
  { item, crs, bands, tiles }: Group,
  step: number,
  grids: Scratch,
  { values: wanted }: GeoTiffSinkOptions,
  seen: readonly { readonly number: number; readonly at?: string }[],
): CogRaster {
  const isLabel = item.kind === 'projection' && item.meaning === 'label';
  const read = holding(tiles, bands, step, grids);
  const mosaic = tokenMosaic(
    tiles.map(({ grid }) => grid),
    bands,
    read,
    { blend: !isLabel },
  );
  const { lattice } = mosaic;
  const [first, last] = [seen[0], seen.at(-1)];
  const common = {
    width: lattice.width,
    height: lattice.height,
    transform: lattice.transform,
    crs,
    at: first?.at,
    tags: tagsOf(item, first, last),
  };
  if (wanted === 'colours' && item.kind === 'projection') {
    const paint = painterOf(item);
    return {
      ...common,
      bands: 4,
      type: 'uint8',
      colours: true,
      resampling: 'mean',
      read: async (part) => paint(await mosaic.read(part), bands),
    };
  }
  if (isLabel) {
    const groups = item.limits[0]![1] + 1;
    const type = groups <= 255 ? 'uint8' : 'uint16';
    const nodata = type === 'uint8' ? 255 : 65_535;
    return {
      ...common,
      bands,
      type,
      nodata,
      ...(type === 'uint8' && bands === 1 && { palette: Array.from({ length: groups }, (_, i) => categoryColor(i)) }),
      resampling: 'mode',
      bandNames: bandNames(item, bands),
      async read(part) {
        const found = await mosaic.read(part);
        const out = type === 'uint8' ? new Uint8Array(found.length) : new Uint16Array(found.length);
        for (let i = 0; i < out.length; i++) out[i] = Number.isNaN(found[i]!) ? nodata : found[i]!;
        return out;
      },
    };
  }
  return {
    ...common,
    bands,
    type: 'float32',
    nodata: NaN,
    resampling: 'mean',
    bandNames: bandNames(item, bands),
    read: (part) => mosaic.read(part),
  };
}

/** Reads the values of tiles, and keeps those that were read last. */
function holding(
  tiles: Group['tiles'],
  bands: number,
  step: number,
  grids: Scratch,
): (index: number) => Promise<Float32Array> {
  const held = new Map<number, Float32Array>();
  let bytes = 0;
  return async (index) => {
    const known = held.get(index);
    if (known) return known;
    const { grid, offset } = tiles[index]!;
    const length = grid.rows * grid.columns * bands * 4;
    const read = (await grids.read(offset + step * length, length)).slice();
    const values = new Float32Array(read.buffer);
    held.set(index, values);
    bytes += length;
    for (const [oldest, old] of held) {
      if (bytes <= mostHeld || oldest === index) break;
      held.delete(oldest);
      bytes -= old.byteLength;
    }
    return values;
  };
}

function bandNames(item: RasterItem, bands: number): string[] {
  if (item.kind === 'projection')
    return Array.from(
      { length: bands },
      (_, i) => item.componentNames?.[i] ?? (bands === 1 ? item.reducer : `${item.reducer} ${i + 1}`),
    );
  // Names of a thousand channels would only fill the head of the file.
  return [];
}

function tagsOf(
  item: RasterItem,
  first: { readonly number: number; readonly at?: string } | undefined,
  last: { readonly number: number; readonly at?: string } | undefined,
): Record<string, string> {
  return {
    FRAMES: `${first?.number ?? ''}-${last?.number ?? ''}`,
    ...(first?.at !== undefined && { FIRST_TIME: first.at }),
    ...(last?.at !== undefined && { LAST_TIME: last.at }),
    ...(item.kind === 'projection' ? { REDUCER: item.reducer } : { ENCODER: item.encoder.name }),
  };
}

/**
 * Colours as renderers make them: three numbers are red, green and blue; two are red and green over a blue that falls
 * with both; one goes through a colour map, groups have colours that stay apart.
 */
function painterOf({
  id,
  limits,
  meaning,
  values: { shape },
}: Projection): (values: Float32Array, bands: number) => Uint8Array {
  const components = shape.at(-1)!;
  if (limits.length < Math.min(components, 3))
    throw new InputError(id, `has ${components} components and limits for ${limits.length}.`, {
      code: 'E_LIMITS',
      remedy: 'A reducer gives a low and a high value for each component.',
    });
  const table = colorMap('viridis');
  const share = (value: number, component: number): number => {
    const [low, high] = limits[component]!;
    return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  };
  return (values, bands) => {
    const cells = values.length / bands;
    const out = new Uint8Array(cells * 4);
    for (let cell = 0; cell < cells; cell++) {
      const at = cell * bands;
      if (Number.isNaN(values[at]!)) continue;
      out[cell * 4 + 3] = 255;
      if (meaning === 'label') {
        out.set(categoryColor(Math.max(0, Math.round(values[at]!))), cell * 4);
        continue;
      }
      const red = share(values[at]!, 0);
      if (meaning === 'scalar' || bands === 1) {
        const entry = Math.round(red * 255) * 3;
        out.set(table.subarray(entry, entry + 3), cell * 4);
        continue;
      }
      const green = share(values[at + 1]!, 1);
      const blue = bands >= 3 ? share(values[at + 2]!, 2) : 1 - (red + green) / 2;
      out.set([Math.round(red * 255), Math.round(green * 255), Math.round(blue * 255)], cell * 4);
    }
    return out;
  };
}
