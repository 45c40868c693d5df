// What a Zarr store and a NetCDF file have in common: named arrays with named axes and attributes, read in parts.

import type { DType, Json, Tensor } from '@deepearth/core';

/** A part of one axis: `count` positions from `start` on. */
export interface Span {
  readonly start: number;
  readonly count: number;
}

/** Attributes of a group or an array, by name. Whole numbers beyond 2^53 have lost digits. */
export type Attributes = { readonly [name: string]: Json };

/** One array (Zarr) or variable (NetCDF). */
export interface CubeArray {
  /** With the groups it lies in: "t2m", "quality/flags". */
  readonly name: string;
  readonly shape: readonly number[];
  /** Names of the axes, as many as `shape` has numbers; absent where the file gives them none. */
  readonly axes: readonly string[] | undefined;
  /** `string` and `char` are read with `readText`, everything else with `read`. */
  readonly dtype: DType | 'string' | 'char';
  readonly attributes: Attributes;
  /** What is stored together, and read together: sizes along the axes; `shape` where it lies in one piece. */
  readonly chunks: readonly number[];
  /** What `inspect` says of how it is stored. */
  readonly storage: { readonly [name: string]: Json };
  /**
   * The values of a part in C order, all of it by default. They may share memory with what is kept: do not write to
   * them. Throws an `InputError` that names the file, and the chunk where there is one.
   */
  read(part?: readonly Span[], signal?: AbortSignal): Promise<Tensor>;
  /** The values of an array of strings, in C order; characters are joined along the last axis. */
  readText(signal?: AbortSignal): Promise<string[]>;
}

/** A dimension that variables share. */
export interface Dimension {
  readonly size: number;
  readonly unlimited: boolean;
}

/** An open store or file. */
export interface Cube {
  readonly kind: 'zarr' | 'netcdf';
  /** As the user named it: a path or an address. */
  readonly name: string;
  readonly attributes: Attributes;
  /** By name; arrays whose metadata are damaged are not among them, and stand in `damaged`. */
  readonly arrays: ReadonlyMap<string, CubeArray>;
  /** Why arrays cannot be opened, by name. */
  readonly damaged: ReadonlyMap<string, Error>;
  /** What `inspect` says of the whole. */
  readonly about: { readonly [name: string]: Json };
  /**
   * A digest that changes when the content does, as far as it can be told without reading all of it: of the metadata of
   * a store, of the size, time of change and header of a file.
   */
  readonly version: string;
  /** Names and sizes of its files, where they can be listed; absent for a single file. */
  sizes?(signal?: AbortSignal): Promise<ReadonlyMap<string, number> | undefined>;
  close(): Promise<void>;
}

/** All positions of a shape. */
export const wholeOf = (shape: readonly number[]): Span[] => shape.map((count) => ({ start: 0, count }));

/** Throws a `RangeError` for a part that leaves an array. */
export function checkSpans(name: string, part: readonly Span[], shape: readonly number[]): void {
  const inside =
    part.length === shape.length &&
    part.every(
      ({ start, count }, axis) =>
        Number.isSafeInteger(start) &&
        Number.isSafeInteger(count) &&
        start >= 0 &&
        count >= 0 &&
        start + count <= shape[axis]!,
    );
  if (!inside)
    throw new RangeError(
      `${name} has shape [${shape.join(', ')}], the part ${part.map(({ start, count }) => `${start}…${start + count}`).join(', ')} leaves it`,
    );
}
