// NetCDF-3: classic, 64-bit offset (CDF-2) and 64-bit data (CDF-5), after the NetCDF Classic Format Specification of
// Unidata and "CDF-5 file format" of PnetCDF. Only the header and what is asked for are read.

import { elementBytes, elementCount, InputError, lineage, zeros, type DType, type Json } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';
import { checkSpans, wholeOf, type Attributes, type Cube, type CubeArray, type Dimension, type Span } from '../cube.ts';
import { elementsOf } from '../zarr/elements.ts';
import { copyPart, stridesOf } from '../zarr/strided-part.ts';

/** Element types by their number in the header; 2 is text. */
const types: Readonly<Record<number, DType | 'char'>> = {
  1: 'int8',
  2: 'char',
  3: 'int16',
  4: 'int32',
  5: 'float32',
  6: 'float64',
  7: 'uint8',
  8: 'uint16',
  9: 'uint32',
  10: 'int64',
  11: 'uint64',
};

const models = { 1: 'NETCDF3_CLASSIC', 2: 'NETCDF3_64BIT_OFFSET', 5: 'NETCDF3_64BIT_DATA' } as const;

/** A header at most; and what is read at first. */
const mostHeaderBytes = 2 ** 28;
const firstBytes = 2 ** 16;
/** Bytes that are read in one go although not all of them are wanted. */
const coalescedBytes = 2 ** 22;

interface Variable {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly attributes: Attributes;
  readonly type: DType | 'char';
  readonly begin: number;
}

const remedy = 'Copy or download it again.';

/**
 * Opens a file whose first bytes are "CDF"; `together` bytes are read in one go although not all of them are wanted.
 * Throws an `InputError` for a header that is damaged or a file cut short.
 */
export async function openNetcdf3(source: ByteSource, signal?: AbortSignal, together = coalescedBytes): Promise<Cube> {
  const header = await readHeader(source, signal);
  const { dimensions, attributes, variables, version } = header;
  const isRecord = ({ dimensions: axes }: Variable): boolean => dimensions[axes[0] ?? -1]?.unlimited ?? false;
  const elementOf = (variable: Variable): number => (variable.type === 'char' ? 1 : elementBytes(variable.type));
  /** Bytes of a variable, or of one record of it, without the padding. */
  const bytesOf = (variable: Variable): number =>
    variable.dimensions
      .slice(isRecord(variable) ? 1 : 0)
      .reduce((bytes, at) => bytes * dimensions[at]!.size, elementOf(variable));
  const padded = (bytes: number): number => Math.ceil(bytes / 4) * 4;
  const recorded = variables.filter(isRecord);
  // Records of a single variable follow each other without padding.
  const recordBytes =
    recorded.length === 1 ? bytesOf(recorded[0]!) : recorded.reduce((sum, each) => sum + padded(bytesOf(each)), 0);
  const records =
    header.records ??
    (recorded.length && recordBytes
      ? Math.max(0, Math.floor((source.size - Math.min(...recorded.map(({ begin }) => begin))) / recordBytes))
      : 0);
  const sizes = dimensions.map(({ size, unlimited }) => (unlimited ? records : size));
  for (const variable of variables) {
    const record = isRecord(variable);
    if (record && records === 0) continue;
    const end = variable.begin + (record ? (records - 1) * recordBytes : 0) + bytesOf(variable);
    if (end > source.size)
      throw new InputError(
        source.name,
        `is cut short: its header says that ${JSON.stringify(variable.name)} ends at byte ${end}, the file has ${source.size}.`,
        { code: 'E_FILE_TRUNCATED', remedy },
      );
  }
  const arrays = new Map<string, CubeArray>();
  for (const variable of variables)
    arrays.set(
      variable.name,
      netcdf3Array(source, variable, {
        shape: variable.dimensions.map((at) => sizes[at]!),
        axes: variable.dimensions.map((at) => dimensions[at]!.name),
        recordBytes: isRecord(variable) ? recordBytes : undefined,
        together,
      }),
    );
  return {
    kind: 'netcdf',
    name: source.name,
    attributes,
    arrays,
    damaged: new Map(),
    about: {
      data_model: models[version],
      dimensions: Object.fromEntries(
        dimensions.map(({ name, unlimited }, at) => [name, { size: sizes[at]!, unlimited }]),
      ) as { readonly [name: string]: Json },
    },
    version: lineage('netcdf-3', source.size, header.digest),
    close: () => source.close(),
  };
}

interface Header {
  readonly version: 1 | 2 | 5;
  /** `undefined` where the file was still being written. */
  readonly records: number | undefined;
  readonly dimensions: readonly (Dimension & { readonly name: string })[];
  readonly attributes: Attributes;
  readonly variables: readonly Variable[];
  readonly digest: string;
}

/** The header is longer than what has been read. */
class MoreBytes extends Error {}

async function readHeader(source: ByteSource, signal: AbortSignal | undefined): Promise<Header> {
  for (let length = Math.min(firstBytes, source.size); ; length = Math.min(length * 8, source.size))
    try {
      return parseHeader(await source.read(0, length, signal), source.name);
    } catch (error) {
      if (!(error instanceof MoreBytes)) throw error;
      if (length === source.size)
        throw new InputError(source.name, `is cut short: its header goes on after its ${source.size} bytes.`, {
          code: 'E_FILE_TRUNCATED',
          remedy,
        });
      if (length >= mostHeaderBytes)
        throw new InputError(source.name, `has a header of more than ${mostHeaderBytes} bytes.`, {
          code: 'E_EXCESSIVE',
        });
    }
}

function parseHeader(bytes: Uint8Array, name: string): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (message: string): never => {
    throw new InputError(name, `has a NetCDF header that makes no sense: ${message}.`, { code: 'E_NETCDF', remedy });
  };
  let at = 4;
  const take = (count: number): number => {
    const from = at;
    if (!Number.isSafeInteger(from + count)) refuse(`a length of ${count} at byte ${from}`);
    if (from + count > bytes.length) throw new MoreBytes();
    at += count;
    return from;
  };
  const version = bytes[3] as 1 | 2 | 5;
  if (!(version in models)) refuse(`version ${version}`);
  const wide = version === 5;
  const uint32 = (): number => view.getUint32(take(4));
  const uint64 = (): number => {
    const value = view.getBigUint64(take(8));
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? refuse(`the number ${value} at byte ${at - 8}`) : Number(value);
  };
  const number = wide ? uint64 : uint32;
  const padding = (length: number): void => void take((4 - (length % 4)) % 4);
  const text = (): string => {
    const length = number();
    const from = take(length);
    padding(length);
    return new TextDecoder().decode(bytes.subarray(from, from + length));
  };
  /** A list that begins with its tag, or with zeros where it is empty. */
  const list = <T>(tag: number, what: string, item: () => T): T[] => {
    const found = uint32();
    const count = number();
    if (found === 0 && count === 0) return [];
    if (found !== tag) return refuse(`${found} where its list of ${what} begins`);
    if (count > bytes.length) throw count > mostHeaderBytes ? refuse(`${count} ${what}`) : new MoreBytes();
    return Array.from({ length: count }, item);
  };
  const typeOf = (): DType | 'char' => {
    const code = uint32();
    return types[code] ?? refuse(`the type ${code} at byte ${at - 4}`);
  };
  const attribute = (): [string, Json] => {
    const key = text();
    const type = typeOf();
    const count = number();
    const length = count * (type === 'char' ? 1 : elementBytes(type));
    const from = take(length);
    padding(length);
    const stored = bytes.subarray(from, from + length);
    if (type === 'char') return [key, new TextDecoder().decode(stored).replace(/\0+$/, '')];
    const values = Array.from(elementsOf(type, stored, true) as ArrayLike<number | bigint>, jsonNumber);
    return [key, values.length === 1 ? values[0]! : values];
  };
  const attributes = (): Attributes => Object.fromEntries(list(12, 'attributes', attribute));

  const streaming = wide ? 2n ** 64n - 1n : 2n ** 32n - 1n;
  const counted = wide ? view.getBigUint64(take(8)) : BigInt(uint32());
  if (counted !== streaming && counted > BigInt(Number.MAX_SAFE_INTEGER)) refuse(`${counted} records`);
  const dimensions = list(10, 'dimensions', () => {
    const dimension = { name: text(), size: number() };
    return { ...dimension, unlimited: dimension.size === 0 };
  });
  const own = attributes();
  const variables = list(11, 'variables', () => {
    const variable = text();
    const axes = Array.from({ length: Math.min(number(), 1024) }, () => number());
    if (axes.some((axis) => axis >= dimensions.length)) refuse(`${variable} has dimension ${Math.max(...axes)}`);
    if (axes.slice(1).some((axis) => dimensions[axis]!.unlimited))
      refuse(`${variable} is unlimited along an axis that is not its first`);
    const about = attributes();
    const type = typeOf();
    number();
    const begin = version === 1 ? uint32() : uint64();
    return { name: variable, dimensions: axes, attributes: about, type, begin };
  });
  return {
    version,
    records: counted === streaming ? undefined : Number(counted),
    dimensions,
    attributes: own,
    variables,
    digest: lineage(Buffer.from(bytes.subarray(0, at)).toString('base64')),
  };
}

/** A number as JSON holds it: NaN and infinities as text, and whole numbers that would lose digits. */
export function jsonNumber(value: number | bigint): Json {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return Number.isFinite(value) ? value : String(value);
}

function netcdf3Array(
  source: ByteSource,
  { name, type, attributes, begin }: Variable,
  {
    shape,
    axes,
    recordBytes,
    together,
  }: {
    readonly shape: readonly number[];
    readonly axes: readonly string[];
    readonly recordBytes: number | undefined;
    readonly together: number;
  },
): CubeArray {
  const subject = `${source.name}: ${name}`;
  const dtype: DType = type === 'char' ? 'uint8' : type;
  const size = elementBytes(dtype);
  const strides = stridesOf(shape);

  async function readPart(part: readonly Span[], signal: AbortSignal | undefined) {
    checkSpans(subject, part, shape);
    const sizes = part.map(({ count }) => count);
    const out = zeros(dtype, sizes);
    const outStrides = stridesOf(sizes);
    if (elementCount(sizes) === 0) return out;

    /** Reads a part of the axes from `axis` on: in pieces of which not much is read in vain. */
    const readFrom = async (axis: number, inner: readonly Span[], byte: number, to: number): Promise<void> => {
      const first = inner.reduce((sum, { start }, at) => sum + start * strides[axis + at]!, 0);
      const span = inner.reduce((sum, { count }, at) => sum + (count - 1) * strides[axis + at]!, 1);
      const wanted = inner.reduce((count, each) => count * each.count, 1);
      if (inner.length === 0 || span * size <= Math.max(together, 2 * wanted * size)) {
        const bytes = await source.read(byte + first * size, span * size, signal);
        const shapeOf = inner.map(({ count }) => count);
        const found = {
          data: elementsOf(dtype, bytes, true),
          shape: shapeOf,
          strides: strides.slice(axis),
          offset: 0,
        };
        const target = { data: out.data, shape: shapeOf, strides: outStrides.slice(axis), offset: to };
        copyPart(
          found,
          shapeOf.map((count) => ({ start: 0, count })),
          target,
        );
        return;
      }
      // As many rows at a time as may be read together; one by one where even a row is too long.
      const [{ start, count }, ...rest] = inner as [Span, ...Span[]];
      const rows = Math.floor(together / (strides[axis]! * size));
      for (let i = 0; i < count; i += Math.max(1, rows)) {
        const at = to + i * outStrides[axis]!;
        if (rows > 0) await readFrom(axis, [{ start: start + i, count: Math.min(rows, count - i) }, ...rest], byte, at);
        else await readFrom(axis + 1, rest, byte + (start + i) * strides[axis]! * size, at);
      }
    };

    if (recordBytes === undefined) await readFrom(0, part, begin, 0);
    else
      for (let i = 0; i < part[0]!.count; i++) {
        signal?.throwIfAborted();
        await readFrom(1, part.slice(1), begin + (part[0]!.start + i) * recordBytes, i * outStrides[0]!);
      }
    return out;
  }

  return {
    name,
    shape,
    axes,
    dtype: type,
    attributes,
    chunks: recordBytes === undefined ? shape : [1, ...shape.slice(1)],
    storage: { storage: { chunks: 'contiguous', filters: null, byte_order: 'native' } },
    read: (part = wholeOf(shape), signal) => readPart(part, signal),
    async readText(signal) {
      const { data } = await readPart(wholeOf(shape), signal);
      return joinedTexts(data as Uint8Array, shape);
    },
  };
}

/** Characters as text along the last axis, NUL at the end left out; without an axis one character. */
export function joinedTexts(characters: Uint8Array, shape: readonly number[]): string[] {
  const length = shape.at(-1) ?? 1;
  const decoder = new TextDecoder();
  return Array.from({ length: length ? characters.length / length : 0 }, (_, i) =>
    decoder.decode(characters.subarray(i * length, (i + 1) * length)).replace(/\0+$/, ''),
  );
}
