// Writes small Zarr stores of format 3 for tests: uncompressed, or with gzip.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Json } from '@deepearth/core';

/** An array to write. */
export interface MadeArray {
  readonly axes: readonly string[];
  readonly shape: readonly number[];
  readonly chunks?: readonly number[];
  readonly dtype: 'uint8' | 'int16' | 'uint16' | 'int32' | 'int64' | 'float32' | 'float64';
  readonly fill?: Json;
  readonly attributes?: { readonly [name: string]: Json };
  readonly gzip?: boolean;
  /** The value at a position. */
  readonly value: (...position: number[]) => number;
}

const constructors = {
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
};

const count = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

/** Positions of a shape in C order. */
function* positions(shape: readonly number[]): Generator<number[]> {
  for (let i = 0; i < count(shape); i++) {
    let rest = i;
    const at = new Array<number>(shape.length);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    yield at;
  }
}

/** Keys and bytes of a store with these arrays. */
export function zarrFiles(
  arrays: { readonly [name: string]: MadeArray },
  attributes: { readonly [name: string]: Json } = {},
): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const json = (key: string, value: unknown): void =>
    void files.set(key, new TextEncoder().encode(JSON.stringify(value)));
  json('zarr.json', { zarr_format: 3, node_type: 'group', attributes });
  for (const [
    name,
    { axes, shape, chunks = shape, dtype, fill = 0, attributes: own = {}, gzip, value },
  ] of Object.entries(arrays)) {
    json(`${name}/zarr.json`, {
      zarr_format: 3,
      node_type: 'array',
      shape,
      data_type: dtype,
      chunk_grid: { name: 'regular', configuration: { chunk_shape: chunks } },
      chunk_key_encoding: { name: 'default', configuration: { separator: '/' } },
      fill_value: fill,
      codecs: [
        { name: 'bytes', configuration: { endian: 'little' } },
        ...(gzip ? [{ name: 'gzip', configuration: { level: 1 } }] : []),
      ],
      attributes: own,
      dimension_names: axes,
    });
    const grid = shape.map((size, axis) => Math.ceil(size / chunks[axis]!));
    for (const chunk of positions(grid)) {
      const data = new constructors[dtype](count(chunks));
      let i = 0;
      for (const within of positions(chunks)) {
        const at = within.map((where, axis) => where + chunk[axis]! * chunks[axis]!);
        const inside = at.every((where, axis) => where < shape[axis]!);
        const number = inside ? value(...at) : 0;
        data[i++] = (dtype === 'int64' ? BigInt(number) : number) as never;
      }
      const bytes = new Uint8Array(data.buffer);
      files.set(`${name}/${['c', ...chunk].join('/')}`, gzip ? gzipSync(bytes) : bytes);
    }
  }
  return files;
}

/** Writes the files of a store below a folder. */
export async function writeStore(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [key, bytes] of files) {
    await mkdir(dirname(join(folder, key)), { recursive: true });
    await writeFile(join(folder, key), bytes);
  }
}

/** A small field of temperatures over some hours, with its coordinates; rows run to the south. */
export function weatherStore(times = 5, rows = 12, columns = 16): Map<string, Uint8Array> {
  return zarrFiles({
    t2m: {
      axes: ['time', 'lat', 'lon'],
      shape: [times, rows, columns],
      chunks: [2, 8, 8],
      dtype: 'int16',
      attributes: { scale_factor: 0.1, add_offset: 280, _FillValue: -999, units: 'K' },
      gzip: true,
      value: (t, y, x) => (t === 1 && y === 0 && x === 0 ? -999 : 10 * t + y - x),
    },
    time: {
      axes: ['time'],
      shape: [times],
      dtype: 'int64',
      attributes: { units: 'hours since 2024-02-28', standard_name: 'time' },
      value: (t) => 12 * t,
    },
    lat: {
      axes: ['lat'],
      shape: [rows],
      dtype: 'float64',
      attributes: { units: 'degrees_north' },
      value: (y) => 60 - y / 2,
    },
    lon: {
      axes: ['lon'],
      shape: [columns],
      dtype: 'float64',
      attributes: { units: 'degrees_east' },
      value: (x) => -10 + x / 2,
    },
  });
}
