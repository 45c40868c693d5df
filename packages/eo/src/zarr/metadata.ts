// The metadata of Zarr arrays, formats 2 and 3, brought to one form.

import { elementCount, InputError, type Json } from '@deepearth/core';
import type { Attributes } from '../cube.ts';
import { codecNames, decoderOf2, decoderOf3, isElementwise, UnknownCodec, UnknownType, type Decode } from './codecs.ts';
import { dataTypeOf2, dataTypeOf3, fieldOf, fillElement, textOf, type DataType } from './data-type.ts';

/** How bytes become the values of a chunk. */
export interface ChunkCodec {
  /** Undone one after the other. */
  readonly steps: readonly Decode[];
  /** What the bytes then are. */
  readonly content:
    | { readonly kind: 'values'; readonly bigEndian: boolean }
    | { readonly kind: 'texts' }
    | {
        readonly kind: 'shard';
        readonly chunkShape: readonly number[];
        readonly inner: ChunkCodec;
        readonly index: ChunkCodec;
        /** Bytes of the index as it is stored. */
        readonly indexBytes: number;
        readonly indexAtStart: boolean;
      };
  /** Which axis of the array each stored axis is. */
  readonly order: readonly number[];
}

/** An array as its metadata describe it. */
export interface ArrayMetadata {
  readonly format: 2 | 3;
  readonly shape: readonly number[];
  readonly axes: readonly string[] | undefined;
  readonly type: DataType;
  readonly fill: number | bigint;
  /** As the metadata have it. */
  readonly fillValue: Json;
  readonly attributes: Attributes;
  /** Sizes of what lies under one key; chunks at the upper edges may reach beyond the array. */
  readonly chunkShape: readonly number[];
  readonly codec: ChunkCodec;
  /** The key of a chunk, relative to the array. */
  keyOf(chunk: readonly number[]): string;
}

/** Values of one chunk at most, so that broken metadata do not ask for all memory. */
const mostChunkBytes = 2 ** 31;
const mostAxes = 32;

class Wrong extends Error {}

/** What is wrong with metadata, as an error that names the file. */
function refusing<T>(subject: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof UnknownCodec)
      throw new InputError(subject, `needs ${cause.message}, which is not read.`, {
        code: 'E_CODEC',
        remedy:
          cause instanceof UnknownType
            ? 'Write the array as whole numbers or floats of at most 64 bits, or as text; complex numbers as two arrays.'
            : `Write the array with one of these: ${codecNames.join(', ')}.`,
        cause,
      });
    if (!(cause instanceof Wrong)) throw cause;
    throw new InputError(subject, `is no metadata of a Zarr array: ${cause.message}.`, {
      code: 'E_ZARR_METADATA',
      cause,
    });
  }
}

const wrong = (message: string): never => {
  throw new Wrong(message);
};

function sizes(value: Json | undefined, name: string, least: number): readonly number[] {
  const good = Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= least);
  if (!good) return wrong(`its ${name} is ${shown(value)}, a list of whole numbers from ${least} on is expected`);
  if ((value as readonly number[]).length > mostAxes) return wrong(`its ${name} has more than ${mostAxes} axes`);
  return value as readonly number[];
}

const shown = (value: Json | undefined): string => {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

const attributesOf = (value: Json | undefined): Attributes =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Attributes) : {};

const identity = (axes: number): number[] => Array.from({ length: axes }, (_, axis) => axis);

function checkChunk(chunkShape: readonly number[], shape: readonly number[], { bytes = 1 }: DataType): void {
  if (chunkShape.length !== shape.length)
    wrong(`its chunks have ${chunkShape.length} axes, the array has ${shape.length}`);
  if (elementCount(chunkShape) * bytes > mostChunkBytes)
    wrong(`one chunk would be ${elementCount(chunkShape) * bytes} bytes, the most that is read is ${mostChunkBytes}`);
}

/**
 * The metadata of an array of format 2: `.zarray`, and `.zattrs` beside it. Throws an `InputError` naming `subject`.
 */
export const metadataOf2 = (subject: string, array: Json, attributes: Json | undefined): ArrayMetadata =>
  refusing(subject, () => {
    if (fieldOf(array, 'zarr_format') !== 2) wrong(`its zarr_format is ${shown(fieldOf(array, 'zarr_format'))}, not 2`);
    const shape = sizes(fieldOf(array, 'shape'), 'shape', 0);
    const chunkShape = sizes(fieldOf(array, 'chunks'), 'chunks', 1);
    const type = dataTypeOf2(fieldOf(array, 'dtype') ?? null);
    if (!type) throw new UnknownType(`the type ${shown(fieldOf(array, 'dtype'))}`);
    checkChunk(chunkShape, shape, type);
    const filters = (fieldOf(array, 'filters') ?? []) as readonly Json[];
    const compressor = fieldOf(array, 'compressor') ?? null;
    if (!Array.isArray(filters)) wrong(`its filters are ${shown(filters)}`);
    const last = textOf(filters.at(-1), 'id');
    const texts = type.dtype === 'string' && type.bytes === undefined;
    if (texts && (filters.length !== 1 || last !== 'vlen-utf8'))
      throw new UnknownCodec('the type |O without vlen-utf8');
    const steps = [compressor, ...(texts ? [] : [...filters].reverse())].flatMap((codec) =>
      codec === null ? [] : [decoderOf2(codec)],
    );
    const own = attributesOf(attributes);
    const named = own['_ARRAY_DIMENSIONS'];
    const axes = Array.isArray(named) && named.length === shape.length ? (named as readonly string[]) : undefined;
    const { _ARRAY_DIMENSIONS: _, ...rest } = own;
    const separator = textOf(array, 'dimension_separator') ?? '.';
    const order = identity(shape.length);
    return {
      format: 2,
      shape,
      axes: axes ?? (shape.length === 0 ? [] : undefined),
      type,
      ...fillOf(array, type),
      attributes: withTime(rest, type),
      chunkShape,
      codec: {
        steps,
        content: texts ? { kind: 'texts' } : { kind: 'values', bigEndian: type.bigEndian },
        order: fieldOf(array, 'order') === 'F' ? order.reverse() : order,
      },
      keyOf: (chunk) => (chunk.length ? chunk.join(separator) : '0'),
    };
  });

/** What stands where no chunk is, as an element and as the metadata has it. */
function fillOf(array: Json, type: DataType): Pick<ArrayMetadata, 'fill' | 'fillValue'> {
  const fillValue = fieldOf(array, 'fill_value') ?? null;
  return {
    fill: fillElement(type, fillValue) ?? wrong(`its fill_value is ${shown(fieldOf(array, 'fill_value'))}`),
    fillValue,
  };
}

/** The metadata of an array of format 3: `zarr.json`. Throws an `InputError` naming `subject`. */
export const metadataOf3 = (subject: string, array: Json): ArrayMetadata =>
  refusing(subject, () => {
    const shape = sizes(fieldOf(array, 'shape'), 'shape', 0);
    const grid = fieldOf(array, 'chunk_grid');
    if (textOf(grid, 'name') !== 'regular') throw new UnknownCodec(`the chunk grid ${shown(textOf(grid, 'name'))}`);
    const chunkShape = sizes(fieldOf(fieldOf(grid, 'configuration'), 'chunk_shape'), 'chunk_shape', 1);
    const type = dataTypeOf3(fieldOf(array, 'data_type') ?? null);
    if (!type) throw new UnknownType(`the type ${shown(fieldOf(array, 'data_type'))}`);
    checkChunk(chunkShape, shape, type);
    const transformers = fieldOf(array, 'storage_transformers');
    if (Array.isArray(transformers) && transformers.length) throw new UnknownCodec('a storage transformer');
    const names = fieldOf(array, 'dimension_names');
    const axes =
      Array.isArray(names) && names.length === shape.length && names.every((name) => typeof name === 'string')
        ? (names as readonly string[])
        : undefined;
    const encoding = fieldOf(array, 'chunk_key_encoding');
    const scheme = textOf(encoding, 'name') ?? 'default';
    if (scheme !== 'default' && scheme !== 'v2') throw new UnknownCodec(`the chunk keys ${shown(scheme)}`);
    const separator = textOf(fieldOf(encoding, 'configuration'), 'separator') ?? (scheme === 'default' ? '/' : '.');
    return {
      format: 3,
      shape,
      axes: axes ?? (shape.length === 0 ? [] : undefined),
      type,
      ...fillOf(array, type),
      attributes: withTime(attributesOf(fieldOf(array, 'attributes')), type),
      chunkShape,
      codec: codecOf3(fieldOf(array, 'codecs'), chunkShape, type),
      keyOf: (chunk) =>
        scheme === 'default' ? ['c', ...chunk].join(separator) : chunk.length ? chunk.join(separator) : '0',
    };
  });

/** Units of time that the type has, where the attributes say none. */
const withTime = (attributes: Attributes, { timeUnit }: DataType): Attributes =>
  timeUnit && attributes['units'] === undefined
    ? { ...attributes, units: `${timeUnit} since 1970-01-01`, calendar: 'proleptic_gregorian' }
    : attributes;

/** A chain of codecs of format 3, for chunks of one shape. */
function codecOf3(codecs: Json | undefined, chunkShape: readonly number[], type: DataType): ChunkCodec {
  if (!Array.isArray(codecs) || codecs.length === 0) return wrong(`its codecs are ${shown(codecs)}`);
  let order = identity(chunkShape.length);
  let content: ChunkCodec['content'] | undefined;
  const steps: Decode[] = [];
  const filters: Decode[] = [];
  let adds = false;
  for (const codec of codecs as readonly Json[]) {
    const name = typeof codec === 'string' ? codec : textOf(codec, 'name');
    const configuration = fieldOf(codec, 'configuration');
    if (content) steps.unshift(decoderOf3(codec));
    else if (name === 'transpose') {
      const turn = sizes(fieldOf(configuration, 'order'), 'order of axes', 0);
      if (turn.length !== order.length || new Set(turn).size !== turn.length || Math.max(-1, ...turn) >= turn.length)
        return wrong(`its order of axes is ${shown(turn)}`);
      // Sums run along the order in which they were made.
      if (adds) throw new UnknownCodec('the codec "numcodecs.delta" in front of "transpose"');
      order = turn.map((axis) => order[axis]!);
    } else if (name === 'bytes') content = { kind: 'values', bigEndian: textOf(configuration, 'endian') === 'big' };
    else if (name === 'vlen-utf8') content = { kind: 'texts' };
    else if (name === 'sharding_indexed') content = shardOf(configuration, chunkShape, order, type);
    else if (isElementwise(name)) {
      filters.unshift(decoderOf3(codec));
      adds ||= name === 'numcodecs.delta';
    } else throw new UnknownCodec(`the codec ${shown(name)} where a chunk becomes bytes`);
  }
  if (!content) return wrong('none of its codecs makes bytes of a chunk');
  if ((content.kind === 'texts') !== (type.dtype === 'string' && type.bytes === undefined))
    throw new UnknownCodec(`the type ${type.dtype} in ${content.kind === 'texts' ? 'vlen-utf8' : 'bytes'}`);
  if (filters.length && (content.kind !== 'values' || content.bigEndian))
    throw new UnknownCodec(
      `a filter of numcodecs in front of ${content.kind === 'values' ? 'values with their high byte first' : `a codec of ${content.kind === 'shard' ? 'shards' : 'texts'}`}`,
    );
  return { steps: [...steps, ...filters], content, order };
}

function shardOf(
  configuration: Json | undefined,
  shardShape: readonly number[],
  order: readonly number[],
  type: DataType,
): ChunkCodec['content'] {
  const chunkShape = sizes(fieldOf(configuration, 'chunk_shape'), 'chunk_shape of shards', 1);
  const stored = order.map((axis) => shardShape[axis]!);
  if (chunkShape.length !== stored.length || stored.some((size, axis) => size % chunkShape[axis]!))
    return wrong(`its shards of ${shown(stored)} do not divide into chunks of ${shown(chunkShape)}`);
  const grid = stored.map((size, axis) => size / chunkShape[axis]!);
  const numbers: DataType = { dtype: 'uint64', bytes: 8, bigEndian: false };
  const indexCodecs = fieldOf(configuration, 'index_codecs');
  const names = Array.isArray(indexCodecs) ? indexCodecs.map((codec) => textOf(codec as Json, 'name')) : [];
  if (names.some((name) => name !== 'bytes' && name !== 'crc32c'))
    throw new UnknownCodec(`the codecs ${shown(names as Json)} of a shard's index`);
  const location = textOf(configuration, 'index_location') ?? 'end';
  return {
    kind: 'shard',
    chunkShape,
    inner: codecOf3(fieldOf(configuration, 'codecs'), chunkShape, type),
    index: codecOf3(indexCodecs, [...grid, 2], numbers),
    indexBytes: 16 * elementCount(grid) + 4 * names.filter((name) => name === 'crc32c').length,
    indexAtStart: location === 'start',
  };
}
