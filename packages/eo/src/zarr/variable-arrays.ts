// A variable of a cube as arrays: its values, what they are to be multiplied by, their colours.

import { elementBytes, type Projection, type TensorData } from '@deepearth/core';
import type { Span } from '../cube.ts';
import { painterOf } from '../place/painter.ts';
import type { Lattice } from '../place/token-mosaic.ts';
import { chunkLayout } from './chunk-layout.ts';
import type { GridVariable } from './collect-grids.ts';
import { asGroups, asHalf, asInt8, scalesOf, type ReadGrids } from './grid-values.ts';
import type { WrittenArray } from './write-array.ts';

type Fields = WrittenArray['attributes'];

/** How the variables of a cube are stored. */
export interface CubeStorage {
  /** The type of tokens and embeddings. */
  readonly dtype: 'float32' | 'float16' | 'int8';
  /** Whether projections have their colours beside them. */
  readonly colours: boolean;
  readonly level: number;
}

/** What the variables of a cube have in common, and where the values of one come from. */
export interface VariableContext {
  readonly storage: CubeStorage;
  /** How many times the cube has. */
  readonly times: number;
  readonly lattice: Lattice;
  readonly read: ReadGrids;
  /** The name of the last axis of a variable. */
  last(name: string, size: number): string;
  readonly common: Fields;
  readonly subject: string;
}

/** The arrays of a variable: its values, what they are to be multiplied by, their colours. */
export function variableArrays({ name, item, bands }: GridVariable, context: VariableContext): WrittenArray[] {
  const { storage, times, lattice, read, last, common, subject } = context;
  const plane = [times, lattice.height, lattice.width];
  const planeAxes = ['time', 'y', 'x'];
  const array = (
    own: Pick<WrittenArray, 'name' | 'dtype' | 'fill'> & {
      readonly axis?: readonly [name: string, size: number];
      readonly attributes: Fields;
    },
    values: (part: readonly Span[]) => Promise<TensorData>,
  ): WrittenArray => {
    const shape = [...plane, ...(own.axis ? [own.axis[1]] : [])];
    return {
      name: own.name,
      dtype: own.dtype,
      fill: own.fill,
      attributes: { ...own.attributes, ...common },
      dimensions: [...planeAxes, ...(own.axis ? [own.axis[0]] : [])],
      shape,
      layout: chunkLayout(shape, elementBytes(own.dtype)),
      level: storage.level,
      read: values,
    };
  };
  if (item.kind === 'projection') return projectionArrays(item);
  const axis = [last('feature', bands), bands] as const;
  const attributes = { long_name: `${item.kind} of ${item.encoder.name}` };
  if (storage.dtype !== 'int8') {
    const { dtype } = storage;
    return [
      array({ name, dtype, fill: NaN, axis, attributes }, async (part) => {
        const values = await read(part);
        return dtype === 'float16' ? asHalf(values, subject) : values;
      }),
    ];
  }
  return [
    array({ name, dtype: 'int8', fill: 0, axis, attributes: { ...attributes, scale: scaleName(name) } }, async (part) =>
      asInt8(await read(part), bands, subject),
    ),
    array(
      {
        name: scaleName(name),
        dtype: 'float32',
        fill: NaN,
        attributes: { long_name: `what ${name} is to be multiplied by; NaN where nothing is known` },
      },
      (part) => inRows(part, bands, async (rows) => scalesOf(await read(rows), bands, subject)),
    ),
  ];

  function projectionArrays(projection: Projection): WrittenArray[] {
    const { meaning, reducer, limits, componentNames } = projection;
    const long = {
      long_name: `${meaning === 'label' ? 'group' : meaning === 'scalar' ? 'value' : 'coordinates'} of ${reducer}`,
    };
    const groups = (limits[0]?.[1] ?? 0) + 1;
    const none = groups <= 255 ? 255 : 65_535;
    // Without an axis where there is one number.
    const own = bands > 1 ? { axis: [last('band', bands), bands] as const } : {};
    const values =
      meaning === 'label'
        ? array(
            {
              name,
              dtype: none === 255 ? 'uint8' : 'uint16',
              fill: none,
              ...own,
              attributes: { ...long, _FillValue: none, valid_min: 0, valid_max: groups - 1 },
            },
            async (part) => asGroups(await read(part), none),
          )
        : array(
            {
              name,
              dtype: 'float32',
              fill: NaN,
              ...own,
              attributes: {
                ...long,
                ...(componentNames && { band_names: [...componentNames] }),
                limits: limits.map((pair) => [...pair]),
              },
            },
            read,
          );
    if (!storage.colours) return [values];
    const paint = painterOf(projection);
    const colours = array(
      {
        name: `${name}_rgba`,
        dtype: 'uint8',
        fill: 0,
        axis: [last('rgba', 4), 4],
        attributes: { long_name: `red, green, blue and opacity of ${reducer}` },
      },
      async (part) => paint(await read(part), bands),
    );
    return [values, colours];
  }
}

/** The array of the scales of a variable. */
export const scaleName = (name: string): string => `${name}_scale`;

/** Numbers that are in memory at once while one is made of all bands of a token. */
const atOnce = 1 << 21;

/** What `work` makes of a part, a few rows at a time. */
async function inRows(
  [time, y, x]: readonly Span[],
  bands: number,
  work: (part: readonly Span[]) => Promise<Float32Array>,
): Promise<Float32Array> {
  const out = new Float32Array(time!.count * y!.count * x!.count);
  const most = Math.max(1, Math.floor(atOnce / (x!.count * bands)));
  let at = 0;
  for (let step = 0; step < time!.count; step++)
    for (let row = 0; row < y!.count; row += most) {
      const rows = { start: y!.start + row, count: Math.min(most, y!.count - row) };
      const made = await work([{ start: time!.start + step, count: 1 }, rows, x!]);
      out.set(made, at);
      at += made.length;
    }
  return out;
}
