// Token grids put down on disk, so that a fit over a whole run holds one grid at a time.

import { InputError } from '@deepearth/core/errors';
import { float32FromHalf, halfFromFloat32, toFloat32 } from '@deepearth/core/half';
import type { TokenGrid } from '@deepearth/core/items';
import { elementCount } from '@deepearth/core/tensor';
import { firstNotFinite } from './finite.ts';
import { runSliced, type Sliced } from '../shared/pace.ts';
import { workFile, type RecordPlace } from './work-file.ts';

export const precisions = ['float16', 'float32'] as const;
export type Precision = (typeof precisions)[number];

/** A grid whose values are on disk; the rest of it (clip, geometry, key) stays at hand. */
export interface SpooledGrid {
  readonly item: Omit<TokenGrid, 'values' | 'valid'>;
  /** `[time, height, width]`. */
  readonly shape: readonly number[];
  /** Tokens of the grid, and how many of them saw data. */
  readonly tokens: number;
  readonly rows: number;
}

/** The tokens of a grid that saw data. */
export interface GridRows {
  /** `[rows, channels]`, valid tokens only, in order. */
  readonly rows: Float32Array;
  /** `[tokens]`, absent when all are valid. */
  readonly valid?: Uint8Array;
}

export interface Spool {
  readonly grids: readonly SpooledGrid[];
  /** Numbers per token; 0 before the first grid. */
  readonly channels: number;
  /** Valid tokens of all grids. */
  readonly rows: number;
  /**
   * Puts a grid down and returns its valid tokens, unrounded. Throws an `InputError` for NaN and infinity (the token
   * named), another width or another encoder.
   */
  append(grid: TokenGrid): Promise<GridRows>;
  /** Reads a grid back, as precisely as the spool keeps it. */
  read(index: number): Promise<GridRows>;
  /** Which tokens of a grid are valid; `undefined` when all are. */
  mask(index: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/**
 * Starts an empty spool in a folder. With `float16` values keep 11 bits, each grid scaled by a power of two where they
 * would not fit; tokens that come as float16 are kept as they are.
 */
export async function tokenSpool(folder: string, precision: Precision, signal: AbortSignal): Promise<Spool> {
  const file = await workFile(folder, 'tokens.spool');
  const grids: (SpooledGrid & { place: RecordPlace; mask: RecordPlace | undefined; half: boolean; scale: number })[] =
    [];
  let rows = 0;
  let channels = 0;
  return {
    grids,
    get channels() {
      return channels;
    },
    get rows() {
      return rows;
    },
    async append(grid) {
      signal.throwIfAborted();
      checkSame(grid, grids[0]?.item, channels);
      const taken = await validRows(grid, signal);
      channels = grid.values.shape.at(-1)!;
      const half = precision === 'float16';
      let largest = 0;
      if (half)
        for (let i = 0; i < taken.rows.length; i++)
          if (Math.abs(taken.rows[i]!) > largest) largest = Math.abs(taken.rows[i]!);
      const scale =
        largest === 0 || (largest < 65504 && largest > 0.03) ? 1 : 2 ** (14 - Math.floor(Math.log2(largest)));
      const place = await file.append(
        half ? bytesView(await runSliced(toHalves(taken.rows, scale), signal)) : bytesView(taken.rows),
      );
      const mask = taken.valid ? await file.append(taken.valid) : undefined;
      const { values: _values, valid: _valid, ...item } = grid;
      const shape = grid.values.shape.slice(0, -1);
      const count = taken.rows.length / channels;
      grids.push({ item, shape, tokens: elementCount(shape), rows: count, place, mask, half, scale });
      rows += count;
      return taken;
    },
    async read(index) {
      signal.throwIfAborted();
      const { place, mask, half, scale } = grids[index]!;
      const bytes = await file.read(place);
      const values = half
        ? await runSliced(fromHalves(new Uint16Array(bytes.buffer), scale), signal)
        : new Float32Array(bytes.buffer);
      return mask ? { rows: values, valid: await file.read(mask) } : { rows: values };
    },
    async mask(index) {
      const { mask } = grids[index]!;
      return mask && file.read(mask);
    },
    close: () => file.close(),
  };
}

const bytesView = (values: Uint16Array | Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

const slice = 1 << 19;

function* toHalves(values: Float32Array, scale: number): Sliced<Uint16Array> {
  const bits = new Uint16Array(values.length);
  for (let at = 0; at < values.length; at += slice) {
    const part = values.subarray(at, at + slice);
    halfFromFloat32(scale === 1 ? part : part.map((value) => value * scale), bits.subarray(at, at + part.length));
    yield;
  }
  return bits;
}

function* fromHalves(bits: Uint16Array, scale: number): Sliced<Float32Array> {
  const values = new Float32Array(bits.length);
  for (let at = 0; at < bits.length; at += slice) {
    const part = values.subarray(at, at + slice);
    float32FromHalf(bits.subarray(at, at + slice), part);
    if (scale !== 1) for (let i = 0; i < part.length; i++) part[i]! /= scale;
    yield;
  }
  return values;
}

/**
 * The tokens of a grid that saw data, checked. Throws an `InputError` that names the first token with NaN or infinity.
 */
export async function validRows(grid: TokenGrid, signal?: AbortSignal): Promise<GridRows> {
  const channels = grid.values.shape.at(-1);
  if (channels === undefined || channels < 1 || grid.values.shape.length < 2) {
    throw new InputError(
      grid.id,
      `tokens of shape [${grid.values.shape.join(', ')}] have no channels; the last axis holds them, after time, height and width.`,
    );
  }
  const tokens = elementCount(grid.values.shape.slice(0, -1));
  if (grid.valid && grid.valid.length !== tokens)
    throw new InputError(grid.id, `its mask has ${grid.valid.length} entries for ${tokens} tokens.`);
  const values = toFloat32(grid.values).data;
  signal?.throwIfAborted();
  const masked = grid.valid?.includes(0) ? grid.valid : undefined;
  if (!masked) {
    refuseNotFinite(grid, values, channels, (row) => row);
    return { rows: values };
  }
  const kept = [...masked.keys()].filter((token) => masked[token]);
  const rows = new Float32Array(kept.length * channels);
  kept.forEach((token, row) => rows.set(values.subarray(token * channels, (token + 1) * channels), row * channels));
  refuseNotFinite(grid, rows, channels, (row) => kept[row]!);
  return { rows, valid: Uint8Array.from(masked, (value) => (value ? 1 : 0)) };
}

function refuseNotFinite(
  grid: TokenGrid,
  rows: Float32Array,
  channels: number,
  tokenOf: (row: number) => number,
): void {
  const at = firstNotFinite(rows);
  if (at < 0) return;
  throw new InputError(
    grid.id,
    `${namedToken(tokenOf(Math.floor(at / channels)), grid.values.shape.slice(0, -1))}, channel ${at % channels}, is ${rows[at]}.`,
    {
      code: 'E_NOT_FINITE',
      remedy: 'Look at the frames of this clip; onError: skip leaves it out.',
    },
  );
}

/** For people: `the token at time 2, row 5, column 7`. */
export function namedToken(token: number, shape: readonly number[]): string {
  const names = shape.length === 3 ? ['time', 'row', 'column'] : shape.map((_, axis) => `axis ${axis}`);
  let rest = token;
  const place = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return `the token at ${place.map((value, axis) => `${names[axis]} ${value}`).join(', ')}`;
}

function checkSame(grid: TokenGrid, first: Omit<TokenGrid, 'values' | 'valid'> | undefined, channels: number): void {
  if (!first) return;
  const width = grid.values.shape.at(-1);
  if (width !== channels)
    throw new InputError(
      grid.id,
      `has tokens of ${width} numbers, the grids before it ${channels}; one fit takes one width.`,
    );
  if (grid.encoder.fingerprint !== first.encoder.fingerprint) {
    throw new InputError(
      grid.id,
      `was made by ${grid.encoder.name} (${grid.encoder.fingerprint}), ${first.id} by ${first.encoder.name} (${first.encoder.fingerprint}).`,
      {
        remedy: 'Tokens of different encoders do not mix: give each its own reducer.',
      },
    );
  }
}
