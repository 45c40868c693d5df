// Gathers the grids of a run as variables of cubes: those of one scene with the same cells and steps of time share a
// cube.

import { geometryOf, InputError, lineage, type Scratch } from '@deepearth/core';
import { commonGeoreference } from '../place/georeference-of.ts';
import { nameOf, withoutValues, type GridItem } from '../place/grid-item.ts';
import type { KeptGrid } from '../place/held-grids.ts';
import { cellName, placeGrid, placeInPixels, type PlacedValues, type PlacingOptions } from '../place/place-grid.ts';
import type { PlacedGrid } from '../place/token-mosaic.ts';
import { gridTimes, type GridTime } from '../place/grid-times.ts';
import { coordinateNames } from './cube-coordinates.ts';

/** One step of time of one grid: where it lies on the Earth, and where its values lie in the scratch. */
export interface GridStep {
  readonly grid: PlacedGrid;
  readonly kept: KeptGrid;
}

/** The grids of one input. */
export interface GridVariable {
  /** "features", "embeddings" or the name of the reducer; the id of the input where two would be called the same. */
  readonly name: string;
  readonly input: string;
  /** The first item; its values are in the scratch. */
  readonly item: GridItem;
  readonly bands: number;
  /** By `timeKey`; several for tiles. */
  readonly steps: Map<string, GridStep[]>;
}

/** Grids that share their cells and times. */
export interface GridCube {
  readonly sequence: string;
  readonly crs: string | undefined;
  /** What a cell sees, in pixels of the frames. */
  readonly cell: PlacedValues['cell'];
  /** Whether it is made of the tiles of a scene. */
  readonly isTiled: boolean;
  readonly variables: GridVariable[];
  readonly times: Map<string, GridTime>;
  /** A digest of the keys of all items. */
  readonly key: string;
}

type Growing = { -readonly [Name in keyof GridCube]: GridCube[Name] };

export const timeKey = ({ clip, step }: Pick<GridTime, 'clip' | 'step'>): string => `${clip}/${step}`;

/** Takes grids one after another. */
export interface GridCollector {
  /** Throws an `InputError` for an item that is no grid, or another one than those before it of the same input. */
  add(input: string, item: GridItem): Promise<void>;
  /** The cubes in the order in which they began. */
  cubes(): GridCube[];
}

export function gridCollector(scratch: Scratch, options: PlacingOptions): GridCollector {
  const cubes = new Map<string, Growing>();

  return {
    async add(input, item) {
      if (!item.clip)
        throw new InputError(item.id, 'was not made of frames, and a cube has a place and a time for each token.', {
          code: 'E_GRID_AXES',
          remedy: 'Write it with `sink/features`.',
        });
      const placed =
        commonGeoreference(item) && geometryOf(item) ? placeGrid(item, options) : placeInPixels(item, options);
      const { sequence, crs, grid, steps, bands, values, cell, isTile: isTiled } = placed;
      const name = JSON.stringify([sequence, crs, cellName(grid), steps]);
      const cube = cubes.get(name) ?? { sequence, crs, cell, isTiled, variables: [], times: new Map(), key: '' };
      const variable = variableOf(cube, input, item, bands);
      const offset = await scratch.append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      const length = grid.rows * grid.columns * bands;
      for (const time of gridTimes(item.clip, steps)) {
        const key = timeKey(time);
        if (!cube.times.has(key)) cube.times.set(key, time);
        const kept = { grid, kept: { offset: offset + time.step * length * 4, length } };
        const known = variable.steps.get(key);
        if (known) known.push(kept);
        else variable.steps.set(key, [kept]);
      }
      cube.key = lineage(cube.key, input, item.key);
      cubes.set(name, cube);
    },

    cubes: () => [...cubes.values()].map((cube) => ({ ...cube, variables: named(cube.variables) })),
  };
}

/** The variable of an input; begun with its first item. */
function variableOf(cube: Growing, input: string, item: GridItem, bands: number): GridVariable {
  const known = cube.variables.find((variable) => variable.input === input);
  if (!known) {
    const variable = { name: nameOf(item), input, item: withoutValues(item), bands, steps: new Map() };
    cube.variables.push(variable);
    return variable;
  }
  if (known.bands !== bands)
    throw new InputError(item.id, `has ${bands} numbers for each token, those before it have ${known.bands}.`, {
      code: 'E_GRID_AXES',
      remedy: 'A variable holds grids of one kind: give each kind a sink/zarr of its own.',
    });
  return known;
}

/** Variables that would be called the same are called like their inputs; none is called like a coordinate. */
const named = (variables: readonly GridVariable[]): GridVariable[] =>
  variables.map((variable) => {
    const isShared = variables.some(({ name, input }) => name === variable.name && input !== variable.input);
    const name = isShared ? variable.input : variable.name;
    return { ...variable, name: coordinateNames.includes(name) ? `${name}_values` : name };
  });
