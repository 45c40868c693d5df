// NetCDF-4, which is HDF5 with dimension scales, through the HDF5 library in WebAssembly (h5wasm).

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  elementBytes,
  elementCount,
  InputError,
  lineage,
  tensor,
  type DType,
  type Json,
  type TensorData,
} from '@deepearth/core';
import type { Dataset, File, Group } from 'h5wasm/node';
import { checkSpans, wholeOf, type Attributes, type Cube, type CubeArray, type Dimension } from '../cube.ts';
import { joinedTexts, jsonNumber } from './netcdf3.ts';

type Library = typeof import('h5wasm/node');

let loading: Promise<Library> | undefined;

/** The library, loaded once. */
export const hdf5 = (): Promise<Library> =>
  (loading ??= (async () => {
    const library = await import('h5wasm/node');
    const module = await library.ready;
    // Errors are thrown with their reasons instead of printed.
    (module as unknown as { activate_throwing_error_handler(): number }).activate_throwing_error_handler();
    return library;
  })());

/** Attributes that belong to the file format and not to what is in it. */
const internal = new Set([
  'CLASS',
  'NAME',
  'REFERENCE_LIST',
  'DIMENSION_LIST',
  'DIMENSION_LABELS',
  '_Netcdf4Dimid',
  '_Netcdf4Coordinates',
  '_NCProperties',
  '_nc3_strict',
]);

/** Filters of the HDF5 library itself; others are plug-ins, which there are none of in WebAssembly. */
const knownFilters: Readonly<Record<number, string>> = {
  1: 'zlib',
  2: 'shuffle',
  3: 'fletcher32',
  4: 'szip',
  5: 'nbit',
  6: 'scaleoffset',
};

/** Groups within groups, and arrays of one file, at most. */
const deepest = 16;
const mostArrays = 10_000;

const withoutScale = 'This is a netCDF dimension but not a netCDF variable';

/**
 * Opens a local file that `checkHdf5` has found whole. `name` is what errors call it. Throws an `InputError` where the
 * library cannot open it.
 */
export async function openNetcdf4(path: string, name: string, headDigest: string): Promise<Cube> {
  const library = await hdf5();
  const { size } = await stat(path);
  const file = attempt(name, () => new library.File(resolve(path), 'r'));
  const arrays = new Map<string, CubeArray>();
  const damaged = new Map<string, Error>();
  const dimensions = new Map<string, Dimension>();
  const found: { readonly name: string; readonly dataset: Dataset }[] = [];

  const walk = (group: Group, prefix: string, depth: number): void => {
    for (const key of group.keys()) {
      const path4 = prefix + key;
      try {
        const entity = attempt(`${name}: ${path4}`, () => group.get(key));
        if (entity instanceof library.Group) {
          if (depth < deepest) walk(entity, `${path4}/`, depth + 1);
        } else if (entity instanceof library.Dataset) {
          const scale = textOf(entity, 'CLASS') === 'DIMENSION_SCALE';
          if (scale && entity.shape?.length === 1)
            dimensions.set(path4, { size: entity.shape[0]!, unlimited: isUnlimited(entity.metadata.maxshape?.[0]) });
          if (!(scale && textOf(entity, 'NAME')?.startsWith(withoutScale)))
            found.push({ name: path4, dataset: entity });
        }
        if (found.length > mostArrays)
          throw new InputError(name, `holds more than ${mostArrays} variables.`, { code: 'E_EXCESSIVE' });
      } catch (error) {
        if (!(error instanceof InputError) || error.code === 'E_EXCESSIVE') throw error;
        damaged.set(path4, error);
      }
    }
  };
  try {
    walk(file, '', 0);
    for (const each of found)
      try {
        const array = netcdf4Array(name, each.name, each.dataset);
        arrays.set(each.name, array);
        for (const [axis, path4] of scalesOf(each.dataset).entries()) {
          const known = path4 === undefined ? undefined : dimensions.get(path4);
          // A dimension without an end is as long as the longest variable along it.
          if (known?.unlimited && array.shape[axis]! > known.size)
            dimensions.set(path4!, { ...known, size: array.shape[axis]! });
        }
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        damaged.set(each.name, error);
      }
    const attributes = attributesOf(file, name);
    return {
      kind: 'netcdf',
      name,
      attributes,
      arrays,
      damaged,
      about: {
        data_model: '_nc3_strict' in file.attrs ? 'NETCDF4_CLASSIC' : 'NETCDF4',
        dimensions: Object.fromEntries(
          [...dimensions].map(([key, { size: count, unlimited }]) => [key, { size: count, unlimited }]),
        ),
      },
      version: lineage('netcdf-4', size, headDigest),
      close: async () => close(file),
    };
  } catch (error) {
    close(file);
    throw error;
  }
}

const closed = new WeakSet<File>();

function close(file: File): void {
  if (closed.has(file)) return;
  closed.add(file);
  file.close();
}

/** What the library throws, as an error that names what was read. */
function attempt<T>(subject: string, work: () => T, details: { readonly remedy?: string } = {}): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(subject, `cannot be read: ${reasonOf(cause)}.`, {
      code: 'E_NETCDF',
      remedy: details.remedy ?? 'The file is damaged: copy or download it again.',
      cause,
    });
  }
}

/** The last line of the library's stack of errors that says what happened. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const reasons = [...text.matchAll(/line \d+ in \w+\(\): (.+)/g)].map(([, reason]) => reason!);
  return (reasons.at(-1) ?? text.split('\n')[0]!).replace(/[.\s]+$/, '');
}

const isUnlimited = (size: number | undefined): boolean => size !== undefined && size > Number.MAX_SAFE_INTEGER;

type HasAttributes = Pick<Dataset, 'attrs'>;

function textOf({ attrs }: HasAttributes, name: string): string | undefined {
  if (!(name in attrs)) return undefined;
  try {
    const { value } = attrs[name]!;
    return typeof value === 'string' ? value.replace(/\0+$/, '') : undefined;
  } catch {
    return undefined;
  }
}

function attributesOf({ attrs }: HasAttributes, subject: string): Attributes {
  const out: [string, Json][] = [];
  for (const key of Object.keys(attrs)) {
    if (internal.has(key)) continue;
    const value = attempt(`${subject}, attribute ${key}`, () => attrs[key]!.value);
    const json = attributeJson(value);
    if (json !== undefined) out.push([key, json]);
  }
  return Object.fromEntries(out);
}

/** `undefined` for what has no form in JSON: references, compounds. */
function attributeJson(value: unknown): Json | undefined {
  if (typeof value === 'string') return value.replace(/\0+$/, '');
  if (typeof value === 'number' || typeof value === 'bigint') return jsonNumber(value);
  if (typeof value === 'boolean') return value;
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) return undefined;
  const all = Array.from(value as ArrayLike<unknown>, attributeJson);
  if (all.some((each) => each === undefined)) return undefined;
  return all.length === 1 ? all[0] : (all as Json[]);
}

/** The paths of the dimension scales of a dataset's axes, without the slash in front. */
function scalesOf(dataset: Dataset): (string | undefined)[] {
  const rank = dataset.shape?.length ?? 0;
  // A scale is its own axis.
  if (textOf(dataset, 'CLASS') === 'DIMENSION_SCALE' && rank === 1) return [dataset.path.replace(/^\//, '')];
  return Array.from({ length: rank }, (_, axis) => {
    if (!('DIMENSION_LIST' in dataset.attrs)) return undefined;
    return attempt(dataset.path, () => dataset.get_attached_scales(axis))[0]?.replace(/^\//, '');
  });
}

const integers: Readonly<Record<number, readonly [signed: DType, unsigned: DType]>> = {
  1: ['int8', 'uint8'],
  2: ['int16', 'uint16'],
  4: ['int32', 'uint32'],
  8: ['int64', 'uint64'],
};

interface Kind {
  readonly type: number;
  readonly size: number;
  readonly signed: boolean;
}

/** The type of a dataset's values (classes of H5Tget_class); `undefined` for one that is not read. */
function typeOf({ metadata }: Dataset): CubeArray['dtype'] | undefined {
  const { type, size, signed, enum_type } = metadata as unknown as Kind & {
    readonly enum_type?: { readonly type: number };
  };
  if (type === 0 || (type === 8 && enum_type?.type === 0)) return integers[size]?.[signed ? 0 : 1];
  if (type === 1) return ({ 4: 'float32', 8: 'float64' } as const)[size];
  if (type === 3) return size === 1 && !metadata.vlen ? 'char' : 'string';
  return undefined;
}

function netcdf4Array(fileName: string, name: string, dataset: Dataset): CubeArray {
  const subject = `${fileName}: ${name}`;
  const shape = dataset.shape ?? [];
  const type = typeOf(dataset);
  if (!type)
    throw new InputError(
      subject,
      `has a type that is not read (class ${dataset.metadata.type} of HDF5, ${dataset.metadata.size} bytes).`,
      {
        code: 'E_VARIABLE',
        remedy: 'Write the variable as numbers or text.',
      },
    );
  const { filters } = dataset;
  const foreign = filters.find(({ id }) => !knownFilters[id]);
  const scales = scalesOf(dataset);
  const names = scales.map((path) => path?.split('/').at(-1));
  const chunks = (dataset.metadata.chunks as number[] | null) ?? undefined;
  const level = filters.find(({ id }) => id === 1)?.cd_values[0];
  const named = Object.fromEntries(filters.map(({ id, name: filter }) => [knownFilters[id] ?? filter, true as Json]));
  const number = type !== 'string' && type !== 'char';

  const get = <T>(work: () => T): T => {
    if (foreign)
      throw new InputError(
        subject,
        `is compressed with the HDF5 filter ${foreign.id} (${foreign.name || 'unknown'}), which is not read.`,
        {
          code: 'E_CODEC',
          remedy: 'Write it with deflate: nccopy -d 4 -F none in.nc out.nc.',
        },
      );
    return attempt(subject, work);
  };

  return {
    name,
    shape,
    axes: names.every((axis) => axis !== undefined) ? (names as string[]) : undefined,
    dtype: type,
    attributes: attributesOf(dataset, subject),
    chunks: chunks ?? shape,
    storage: {
      storage: {
        chunks: chunks ?? 'contiguous',
        filters: filters.length ? { ...named, ...(level !== undefined && { complevel: level }) } : null,
        byte_order:
          number && elementBytes(type) > 1
            ? dataset.metadata.littleEndian
              ? 'little'
              : 'big'
            : number
              ? 'little'
              : 'native',
      },
    },

    async read(part = wholeOf(shape), signal) {
      signal?.throwIfAborted();
      if (!number) throw new InputError(subject, `holds text, numbers are expected.`, { code: 'E_VARIABLE' });
      checkSpans(subject, part, shape);
      const sizes = part.map(({ count }) => count);
      if (elementCount(sizes) === 0) return tensor(type, sizes, emptyOf(type));
      const value = get(() =>
        shape.length ? dataset.slice(part.map(({ start, count }) => [start, start + count])) : dataset.value,
      );
      const data = ArrayBuffer.isView(value) ? value : scalar(type, value as number | bigint);
      return tensor(type, sizes, data as TensorData);
    },

    async readText(signal) {
      signal?.throwIfAborted();
      if (number) throw new InputError(subject, `holds ${type}, text is expected.`, { code: 'E_VARIABLE' });
      const value = get(() => dataset.value);
      const texts = (Array.isArray(value) ? value : [value]) as string[];
      if (type === 'string') return texts.map((text) => String(text ?? '').replace(/\0+$/, ''));
      return joinedTexts(
        Uint8Array.from(texts, (character) => character.charCodeAt(0) || 0),
        shape,
      );
    },
  };
}

const emptyOf = (type: DType): TensorData => scalar(type, 0).slice(0, 0) as TensorData;

/** One value as an array of its type. */
function scalar(type: DType, value: number | bigint): TensorData {
  const big = type === 'int64' || type === 'uint64';
  const { data } = tensor(type, [1], new arrays[type as keyof typeof arrays](1) as never);
  (data as Float64Array)[0] = (big ? BigInt(value) : Number(value)) as number;
  return data;
}

const arrays = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
};
