// Writes grids of tokens as rasters that lie where their frames did: one pixel is what one token saw.

import {
  axisSize,
  defineSink,
  outputFolder,
  outputPath,
  pathIn,
  refuse,
  sequenceFolder,
  spec,
  tensor,
  type Artifact,
  type Scratch,
  type StageContext,
} from '@deepearth/core';
import { categoryColor } from '@deepearth/vision/colormaps';
import { z } from 'zod';
import { refuseGrids } from '../place/grid-inputs.ts';
import { isLabel, nameOf, usualName, type GridItem } from '../place/grid-item.ts';
import { heldGrids, mostHeld } from '../place/held-grids.ts';
import { painterOf } from '../place/painter.ts';
import { cellName, placeGrid } from '../place/place-grid.ts';
import { tokenMosaic, type PlacedGrid } from '../place/token-mosaic.ts';
import { itemOfTokens, timesOf, type WrittenRaster } from '../stac/item-of-tokens.ts';
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

type Context = StageContext<GeoTiffSinkOptions>;

const usualFolder = 'rasters';

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

  describe(_, { options, inputs, ownName }) {
    const refused = refuseGrids('sink/geotiff', inputs, 'a raster');
    if (refused) return refused;
    const plain = inputs.find(({ spec: { kind } }) => kind !== 'projection');
    if (options.values === 'colours' && plain)
      return refuse(`${plain.spec.kind} have no colours.`, {
        option: 'values',
        remedy: 'Put a reducer in front, or leave `values` out.',
      });
    const folder = options.directory ?? ownName ?? usualFolder;
    const single = options.steps === 'mean' || inputs.every(({ spec: each }) => (axisSize(each, 'time') ?? 0) === 1);
    return {
      output: spec('artifact', {}, null, null),
      memoryBytes: mostHeld + (1 << 25),
      files: {
        option: 'directory',
        paths: inputs.flatMap(({ id, spec: { kind, names = ['<reducer>'] } }) =>
          (kind === 'projection' ? names : [usualName(kind, kind)]).flatMap((name) =>
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

  async *process(items: AsyncIterable<GridItem>, context) {
    const { attempt, signal } = context;
    const room = { grids: await context.scratch('grids'), blocks: await context.scratch('blocks') };
    const { grids } = room;
    const groups = new Map<string, Group>();
    for await (const item of items) {
      signal.throwIfAborted();
      const group = await attempt(item, async () => {
        const placed = await placeItem(item, grids, context);
        if (!placed.isTile) return placed;
        const known = groups.get(placed.name);
        if (!known) groups.set(placed.name, placed);
        else {
          known.tiles.push(...placed.tiles);
          known.keys.push(...placed.keys);
        }
        return undefined;
      });
      if (!group) continue;
      yield* writeGroup(group, room, context);
      if (groups.size === 0) await grids.clear();
    }
    for (const group of groups.values()) yield* writeGroup(group, room, context);
  },
});

/** Grids that become one raster for each step of time. */
interface Group {
  /** What tells it from others, and orders nothing. */
  readonly name: string;
  readonly item: GridItem;
  readonly sequence: string;
  readonly crs: string;
  readonly bands: number;
  readonly steps: number;
  /** Whether tiles of the same scene may come. */
  readonly isTile: boolean;
  /** Places of the tiles, and where their steps lie in the scratch. */
  readonly tiles: { readonly grid: PlacedGrid; readonly offset: number }[];
  readonly keys: string[];
}

/** Values of grids that are not written yet, and compressed blocks of the raster that is being written. */
interface Room {
  readonly grids: Scratch;
  readonly blocks: Scratch;
}

/** Finds where a grid lies, and keeps its values: steps after one another, NaN for tokens that are masked. */
async function placeItem(item: GridItem, grids: Scratch, { options }: Context): Promise<Group> {
  const { grid, crs, sequence, steps, bands, values, isTile } = placeGrid(item, options);
  const offset = await grids.append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return {
    name: JSON.stringify([item.kind, sequence, item.clip!.index, crs, bands, steps, cellName(grid), nameOf(item)]),
    // Its values are in the scratch.
    item: { ...item, values: tensor('float32', [0, bands], new Float32Array()) } as GridItem,
    sequence,
    crs: crs!,
    bands,
    steps,
    isTile,
    tiles: [{ grid, offset }],
    keys: [item.key],
  };
}

async function* writeGroup(group: Group, room: Room, context: Context): AsyncGenerator<Artifact> {
  for (let step = 0; step < group.steps; step++) {
    const { item } = group;
    const written = await context.attempt(item, () => writeStep(group, step, room, context));
    if (!written) continue;
    yield written.artifact;
    if (!context.options.stac) continue;
    const described = await context.attempt(item, () => writeItem(group, step, written, context));
    if (described) yield described;
  }
}

/** Writes the STAC item of a raster beside it. */
async function writeItem(
  { item, sequence, keys }: Group,
  step: number,
  written: WrittenRaster,
  { output, key }: Context,
): Promise<Artifact> {
  const { path, about } = written.artifact;
  const described = itemOfTokens({ id: item.id, sequence }, nameOf(item), written);
  return output.write(
    {
      path: path.replace(/\.tif$/, '.json'),
      mediaType: 'application/geo+json',
      key: key(keys, String(step), 'stac'),
      ...(about && { about }),
    },
    new TextEncoder().encode(`${JSON.stringify(described, null, 2)}\n`),
  );
}

async function writeStep(
  group: Group,
  step: number,
  { grids, blocks }: Room,
  context: Context,
): Promise<WrittenRaster> {
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
  const artifact = await output.write(
    {
      path,
      mediaType: 'image/tiff',
      key: key(keys, String(step)),
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
    writeCog(raster, blocks, signal),
  );
  await blocks.clear();
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
  const held = heldGrids(grids);
  const mosaic = tokenMosaic(
    tiles.map(({ grid }) => grid),
    bands,
    (index) => {
      const { grid, offset } = tiles[index]!;
      const length = grid.rows * grid.columns * bands;
      return held({ offset: offset + step * length * 4, length });
    },
    { blend: !isLabel(item) },
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
  if (item.kind === 'projection' && item.meaning === 'label') {
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

function bandNames(item: GridItem, bands: number): string[] {
  if (item.kind === 'projection')
    return Array.from(
      { length: bands },
      (_, i) => item.componentNames?.[i] ?? (bands === 1 ? item.reducer : `${item.reducer} ${i + 1}`),
    );
  // Names of a thousand channels would only fill the head of the file.
  return [];
}

function tagsOf(
  item: GridItem,
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
