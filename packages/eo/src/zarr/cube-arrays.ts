// Lays out a cube as the arrays of a store: coordinates, the grid mapping, and the variables.

import type { Json } from '@deepearth/core';
import type { KeptGrid } from '../place/held-grids.ts';
import { latticeOf, meetsCells, type Lattice, type PlacedGrid } from '../place/token-mosaic.ts';
import type { GridCube, GridVariable } from './collect-grids.ts';
import { cubeCoordinates } from './cube-coordinates.ts';
import { embeddingAttributes, embeddingConvention } from './embedding-attributes.ts';
import { timeAxis, type TimeAxis } from './time-axis.ts';
import { gridReader } from './grid-values.ts';
import { groupPlace } from './place-attributes.ts';
import { variableArrays, type CubeStorage, type VariableContext } from './variable-arrays.ts';
import type { WrittenArray } from './write-array.ts';

/** A store before it is written. */
export interface CubeArrays {
  readonly attributes: { readonly [name: string]: Json };
  readonly arrays: readonly WrittenArray[];
  readonly lattice: Lattice;
  readonly axis: TimeAxis;
  /** Whether grids other than tiles have cells that do not meet those of the lattice. */
  readonly between: boolean;
}

/** The arrays of a cube. `held` reads the values of grids; `subject` is what errors name. */
export function cubeArrays(
  cube: GridCube,
  storage: CubeStorage,
  held: (kept: KeptGrid) => Promise<Float32Array>,
  subject: string,
): CubeArrays {
  const { crs, variables } = cube;
  const places = placesOf(variables);
  const lattice = latticeOf(places);
  const axis = timeAxis([...cube.times.values()]);
  const dimensions = lastDimensions();
  const arrays = variables.flatMap((variable) =>
    variableArrays(variable, {
      storage,
      times: axis.times.length,
      lattice,
      read: gridReader(variable, axis.times, lattice, held),
      last: dimensions,
      common: {
        ...(crs !== undefined && { grid_mapping: 'spatial_ref' }),
        coordinates: `${crs === undefined ? '' : 'spatial_ref '}first_frame last_frame`,
      },
      subject: `${subject}: ${variable.name}`,
    }),
  );
  // What lies nowhere is counted in tokens, from its upper left corner.
  const shown: Lattice = crs === undefined ? { ...lattice, transform: [1, 0, 0, 0, 1, 0] } : lattice;
  const { conventions, attributes } = groupPlace(shown, crs);
  const embedded = embeddingAttributes(cube, storage, shown);
  return {
    attributes: {
      zarr_conventions: [...conventions, ...(embedded ? [embeddingConvention] : [])],
      ...attributes,
      ...embedded,
      title: cube.sequence,
    },
    arrays: [...cubeCoordinates(shown, crs, axis, storage.level), ...arrays],
    lattice,
    axis,
    between: !cube.isTiled && places.some((grid) => !meetsCells(lattice, grid)),
  };
}

/** Where the grids of variables lie, each place once. */
function placesOf(variables: readonly GridVariable[]): PlacedGrid[] {
  const found = new Map<string, PlacedGrid>();
  for (const { steps } of variables)
    for (const tiles of steps.values())
      for (const { grid } of tiles) {
        const name = [grid.rows, grid.columns, ...grid.transform].join(' ');
        if (!found.has(name)) found.set(name, grid);
      }
  return [...found.values()];
}

/** Axes of one name have one size: another size makes another name. */
function lastDimensions(): VariableContext['last'] {
  const sizes = new Map<string, number>();
  return (name, size) => {
    const known = sizes.get(name);
    if (known === undefined) sizes.set(name, size);
    return known === undefined || known === size ? name : `${name}_${size}`;
  };
}
