// Writes grids of tokens as data cubes: Zarr stores that lie where their frames did, with their times.

import {
  defineSink,
  lineage,
  outputPath,
  sequenceFolder,
  spec,
  itemBytes,
  type Artifact,
  type Item,
  type Scratch,
  type StageContext,
} from '@deepearth/core';
import { scratchPieces } from '@deepearth/core/scratch-pieces';
import { writeZip, type ZipInput } from '@deepearth/formats/zip-writer';
import { z } from 'zod';
import { refuseGrids } from '../place/grid-inputs.ts';
import type { GridItem } from '../place/grid-item.ts';
import { heldGrids, mostHeld, type KeptGrid } from '../place/held-grids.ts';
import { gridCollector, type GridCube } from './collect-grids.ts';
import { cubeArrays, type CubeArrays } from './cube-arrays.ts';
import { storeFiles } from './store-files.ts';
import type { StoreFile } from './write-array.ts';

const usualFile = 'cube.zarr';

/** Options of `sink/zarr`. */
export const zarrSinkOptions = z.strictObject({
  file: outputPath()
    .regex(/\.zarr(?:\.zip)?$/, 'expected a name that ends in .zarr or .zarr.zip')
    .default(usualFile)
    .describe(
      'Name of the store inside the output folder (of several sequences, in a folder of each): `.zarr` is a folder of files, `.zarr.zip` one file. Where another stage would write the same name, it is the id of the stage. Grids with other cells, times or coordinate systems get a store of their own, `cube_2.zarr`.',
    ),
  dtype: z
    .enum(['float32', 'float16', 'int8'])
    .default('float32')
    .describe(
      'Type of tokens and embeddings. int8 rounds each token to 127 steps of its largest number, with what a step is in `<name>_scale`: `ds.features * ds.features_scale`. Projections are float32, groups whole numbers.',
    ),
  colours: z
    .boolean()
    .default(false)
    .describe('Projections have their colours beside them, `<name>_rgba`: red, green, blue and opacity as 8 bits.'),
  steps: z
    .enum(['each', 'mean'])
    .default('each')
    .describe(
      'A clip has several steps of time: a time for `each`, or one with their `mean` (of groups the one that a place has most often).',
    ),
  tiles: z
    .enum(['merge', 'separate'])
    .default('merge')
    .describe('Whether tiles of one scene become one cube, blended where they overlap, or a store each.'),
  compression: z
    .number()
    .int()
    .min(0)
    .max(9)
    .default(1)
    .describe('How hard gzip tries, 1 to 9; 0 stores values as they are. Floats hardly get smaller beyond 1.'),
});

/** Options of `sink/zarr`, with their defaults. */
export type ZarrSinkOptions = z.output<typeof zarrSinkOptions>;
type Context = StageContext<ZarrSinkOptions>;

const isZip = (file: string): boolean => file.endsWith('.zip');
const fileOf = ({ file }: ZarrSinkOptions, ownName: string | undefined): string =>
  file === usualFile && ownName !== undefined ? `${ownName}.zarr` : file;

/** The stage `sink/zarr`. */
export const zarrSink = defineSink<typeof zarrSinkOptions, undefined, undefined, Item, Artifact>({
  type: 'zarr',
  summary:
    'Writes tokens, embeddings and projections of a run as a data cube (Zarr): time, y, x, and a variable for each input.',
  options: zarrSinkOptions,
  joins: 'separate',
  readsAhead: true,
  examples: [
    '- type: sink/zarr',
    '- type: sink/zarr\n  from: [tokens, pca, clusters]\n  with: { dtype: int8, colours: true }',
    '- type: sink/zarr\n  with: { file: season.zarr.zip, steps: mean }',
  ],

  describe(_, { options, inputs, ownName }) {
    const refused = refuseGrids('sink/zarr', inputs, 'a cube', '`sink/geoparquet` takes vectors of whole clips.');
    if (refused) return refused;
    const sizes = inputs.map(({ spec: each }) => {
      const bytes = itemBytes({ ...each, dtype: 'float32' });
      return bytes === null || each.count === null ? null : bytes * each.count;
    });
    const bytes = sizes.every((size) => size !== null) ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
    const file = fileOf(options, ownName);
    return {
      output: spec('artifact', {}, null, null),
      drains: true,
      memoryBytes: mostHeld + (1 << 25),
      // What waits, and the files.
      ...(bytes !== undefined && { diskBytes: 2 * bytes + (1 << 16) }),
      files: { option: 'file', paths: [{ path: `<sequence>/${file}${isZip(file) ? '' : '/zarr.json'}` }] },
      notes: ['grids wait in the work folder until all have come'],
    };
  },

  async *process(_, context) {
    const { inputs, options, signal, attempt, severalSequences, log, ownName } = context;
    const scratch = await context.scratch('grids');
    const grids = gridCollector(scratch, options);
    for (const { id, items } of inputs)
      for await (const item of items) {
        signal.throwIfAborted();
        await attempt(item, () => grids.add(id, item as GridItem));
      }
    const cubes = grids.cubes();
    if (cubes.length === 0) return log.warn('nothing came in, so no store is written');
    const read = heldGrids(scratch);
    const held = (kept: KeptGrid): Promise<Float32Array> => {
      signal.throwIfAborted();
      return read(kept);
    };
    const file = fileOf(options, ownName);
    const counts = new Map<string, number>();
    for (const cube of cubes) {
      const folder = severalSequences ? `${sequenceFolder(cube.sequence)}/` : '';
      const number = (counts.get(folder) ?? 0) + 1;
      counts.set(folder, number);
      const path = folder + (number === 1 ? file : file.replace(/(?=\.zarr(?:\.zip)?$)/, `_${number}`));
      if (number === 2)
        log.warn(
          `${cube.sequence} has grids of several cells, steps or coordinate systems: each kind has a store of its own`,
        );
      const arrays = cubeArrays(cube, { ...options, level: options.compression }, held, path);
      if (arrays.between)
        log.warn(`${path}: not all grids meet the cells of the first; what lies between them is interpolated`);
      yield* writeCube(cube, arrays, path, context);
    }
  },
});

/** Writes a store: `zarr.json` of the whole last, so that nothing opens that is not there. */
async function* writeCube(
  cube: GridCube,
  arrays: CubeArrays,
  path: string,
  { key, output, scratch, signal }: Context,
): AsyncGenerator<Artifact> {
  const about = {
    kind: 'artifact',
    sequence: cube.sequence,
    axes: { time: arrays.axis.times.length, y: arrays.lattice.height, x: arrays.lattice.width },
  };
  if (isZip(path)) {
    const room = await scratch('file');
    const entries = async function* (): AsyncGenerator<ZipInput> {
      for await (const file of storeFiles(arrays)) {
        signal.throwIfAborted();
        await room.clear();
        yield await spooled(file, room);
      }
    };
    yield await output.write({ path, mediaType: 'application/zip', key: key(cube.key), about }, writeZip(entries()));
    return;
  }
  for await (const file of storeFiles(arrays)) {
    signal.throwIfAborted();
    yield await output.write(
      {
        path: `${path}/${file.key}`,
        mediaType: file.key.endsWith('.json') ? 'application/json' : 'application/octet-stream',
        key: key(lineage(cube.key, file.key)),
        about,
      },
      pieces(file),
    );
  }
}

async function* pieces(file: StoreFile): AsyncGenerator<Uint8Array> {
  yield* file.content();
}

/** A file as an entry of an archive, which has to know its size ahead. */
async function spooled(file: StoreFile, room: Pick<Scratch, 'append' | 'read'>): Promise<ZipInput> {
  let size = 0;
  for await (const piece of file.content()) {
    await room.append(piece);
    size += piece.length;
  }
  return {
    name: file.key,
    size,
    chunks: () => scratchPieces(room, size),
  };
}
