// The coordinates of a cube as arrays: where its cells lie, when its steps were, and what the numbers mean.

import type { TensorData } from '@deepearth/core';
import { apply } from '../affine.ts';
import type { Lattice } from '../place/token-mosaic.ts';
import type { GridTime } from '../place/grid-times.ts';
import type { TimeAxis } from './time-axis.ts';
import { axisAttributes, gridMapping } from './place-attributes.ts';
import type { WrittenArray, WrittenType } from './write-array.ts';

/** What coordinates of cubes are called. */
export const coordinateNames: readonly string[] = [
  'x',
  'y',
  'time',
  'time_bounds',
  'first_frame',
  'last_frame',
  'spatial_ref',
];

/** The arrays x, y, time, time_bounds, first_frame, last_frame and spatial_ref, of one chunk each. */
export function cubeCoordinates(
  lattice: Lattice,
  crs: string | undefined,
  { times, dtype, starts, ends, attributes }: TimeAxis,
  level: number,
): WrittenArray[] {
  const { width, height, transform } = lattice;
  const [, b, , d] = transform;
  const named = axisAttributes(crs);
  const whole = (
    name: string,
    dimensionNames: readonly string[],
    shape: readonly number[],
    type: WrittenType,
    data: TensorData,
    own: WrittenArray['attributes'],
  ): WrittenArray => ({
    name,
    dimensions: dimensionNames,
    shape,
    dtype: type,
    fill: type === 'float64' ? NaN : 0,
    attributes: own,
    layout: { chunk: shape },
    level,
    read: () => data,
  });
  const middles = (count: number, at: (middle: number) => number): Float64Array =>
    Float64Array.from({ length: count }, (_, index) => at(index + 0.5));
  const numbers = (of: (time: GridTime) => { readonly number: number }): BigInt64Array =>
    BigInt64Array.from(times, (time) => BigInt(of(time).number));
  const bounds = dtype === 'int64' ? new BigInt64Array(times.length * 2) : new Float64Array(times.length * 2);
  times.forEach((_, index) => {
    bounds[index * 2] = starts[index]!;
    bounds[index * 2 + 1] = ends[index]!;
  });
  // Those of a rotated lattice are no rows and columns of coordinates: its transform says where they lie.
  const straight = b === 0 && d === 0;
  return [
    ...(straight
      ? [
          whole(
            'x',
            ['x'],
            [width],
            'float64',
            middles(width, (column) => apply(transform, column, 0)[0]),
            named.x,
          ),
          whole(
            'y',
            ['y'],
            [height],
            'float64',
            middles(height, (row) => apply(transform, 0, row)[1]),
            named.y,
          ),
        ]
      : []),
    whole('time', ['time'], [times.length], dtype, starts, { axis: 'T', ...attributes, bounds: 'time_bounds' }),
    whole('time_bounds', ['time', 'bounds'], [times.length, 2], dtype, bounds, {}),
    ...(['first', 'last'] as const).map((end) =>
      whole(
        `${end}_frame`,
        ['time'],
        [times.length],
        'int64',
        numbers((time) => time[end]),
        {
          long_name: `number of the ${end} frame that a step of time saw`,
        },
      ),
    ),
    ...(crs === undefined ? [] : [whole('spatial_ref', [], [], 'int32', Int32Array.of(0), gridMapping(crs, lattice))]),
  ];
}
