// The tokens of a grid at length 1, and where they stand.

import { elementCount, InputError, toFloat32, type TokenGrid } from '@deepearth/core';

/** Tokens as the bundle takes them. */
export interface UnitRows {
  /** `[tokens, channels]`; zeros where a token saw no data, or has no length. */
  readonly rows: Float32Array;
  readonly channels: number;
  /** `[time, height, width]`, 1 for an axis that the grid does not have. */
  readonly grid: readonly [number, number, number];
  /** How many are zeros. */
  readonly masked: number;
}

const places = ['time', 'height', 'width'];

/** Whether tokens with these axes stand somewhere in a picture. */
export const standInPictures = (axes: readonly string[]): boolean =>
  axes.at(-1) === 'channels' &&
  axes.includes('height') &&
  axes.includes('width') &&
  axes.slice(0, -1).every((axis, i, all) => places.indexOf(axis) > places.indexOf(all[i - 1] ?? ''));

/** Throws an `InputError` for tokens that stand in no picture, and for one with NaN or infinity. */
export function unitRows({ id, axes, values, valid }: Pick<TokenGrid, 'id' | 'axes' | 'values' | 'valid'>): UnitRows {
  const { shape } = values;
  if (!standInPictures(axes) || axes.length !== shape.length)
    throw new InputError(
      id,
      `its tokens are [${axes.join(', ')}], and a page shows those of [time, height, width, channels].`,
      {
        code: 'E_GRID_AXES',
        remedy: 'Write them with `sink/features`.',
      },
    );
  const size = (axis: string): number => shape[axes.indexOf(axis)] ?? 1;
  const channels = size('channels');
  const tokens = elementCount(shape.slice(0, -1));
  const { data } = toFloat32(values);
  const rows = new Float32Array(tokens * channels);
  let masked = 0;
  for (let token = 0; token < tokens; token++) {
    const from = token * channels;
    if (valid?.[token] === 0) {
      masked++;
      continue;
    }
    let squares = 0;
    for (let c = 0; c < channels; c++) squares += data[from + c]! * data[from + c]!;
    if (!Number.isFinite(squares))
      throw new InputError(id, `its token ${token} holds NaN or infinity.`, {
        code: 'E_NOT_FINITE',
        remedy: 'Look at what it was made of; onError: skip leaves it out.',
      });
    if (squares === 0) masked++;
    const factor = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    for (let c = 0; c < channels; c++) rows[from + c] = data[from + c]! * factor;
  }
  return { rows, channels, grid: [axes.includes('time') ? size('time') : 1, size('height'), size('width')], masked };
}
