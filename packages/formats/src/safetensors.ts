// Reads safetensors files by their header, and writes them: from memory, or streaming with the header planned ahead.

import { InputError } from '@deepearth/core/errors';
import { elementBytes, type DType, type Tensor } from '@deepearth/core/tensor';
import { collect, type ByteSource } from './bytes.ts';
import { namedTensors, storedTensor, type NamedValues, type StoredTensor, type TensorValues } from './lazy-tensor.ts';
import { printable, show } from './printable.ts';
import { parseStrictJson } from './strict-json.ts';
import { refuseUnread, type UnreadTensor } from './unread-tensor.ts';

/**
 * In the order of the reference implementation, by which files are laid out: last kinds first, so that everything stays
 * aligned.
 */
const names: ReadonlyMap<string, DType> = new Map([
  ['BOOL', 'bool'],
  ['U8', 'uint8'],
  ['I8', 'int8'],
  ['F8_E5M2', 'float8_e5m2'],
  ['F8_E4M3', 'float8_e4m3fn'],
  ['I16', 'int16'],
  ['U16', 'uint16'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I32', 'int32'],
  ['U32', 'uint32'],
  ['F32', 'float32'],
  ['C64', 'complex64'],
  ['F64', 'float64'],
  ['I64', 'int64'],
  ['U64', 'uint64'],
]);
/** The element types that the format has. */
export const safetensorsDtypes: ReadonlySet<DType> = new Set(names.values());
const nameOf = new Map([...names].map(([name, dtype], rank) => [dtype, { name, rank }]));

/**
 * The reference implementation allows 100 MB, which would take gigabytes to hold; a model of 10,000 tensors has a
 * header of 1 MB.
 */
const mostHeaderBytes = 1 << 24;
/** Some 80,000 tensors; a header is no more than three deep. */
const headerLimits = { depth: 8, marks: 1_000_000 };
const firstBytes = 1 << 14;
const mostAxes = 64;

/** A safetensors file whose header has been read and checked. */
export interface Safetensors {
  readonly source: ByteSource;
  /** By name, in the order in which they lie in the file; each knows its absolute offset (`location`). */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Tensors of element types that are not known here, by name; those of the others are read all the same. */
  readonly unread: ReadonlyMap<string, UnreadTensor>;
  readonly metadata: ReadonlyMap<string, string>;
  /** The tensor of a name, `undefined` where there is none. Throws an `InputError` for one that is not read. */
  find(name: string): StoredTensor | undefined;
  /** Reads one tensor. Throws an `InputError` that lists names when there is none of that name, and as `find`. */
  tensor(name: string, signal?: AbortSignal): Promise<Tensor>;
}

/** Opens a safetensors file by reading its header only. Throws an `InputError` that names what is wrong with it. */
export async function openSafetensors(source: ByteSource, signal?: AbortSignal): Promise<Safetensors> {
  const refuse = (message: string, cause?: unknown): never => {
    throw new InputError(source.name, `is no valid safetensors file: ${message}.`, { cause, code: 'E_SAFETENSORS' });
  };
  if (source.size < 8) refuse(`it has ${source.size} bytes, and the length of the header alone takes 8`);
  // Most headers come with the first read, which matters where a read is a request.
  const start = await source.read(0, Math.min(firstBytes, source.size), signal);
  const headerBytes = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (headerBytes > mostHeaderBytes)
    refuse(`its header would be ${headerBytes} bytes, the limit is ${mostHeaderBytes}`);
  const headerEnd = 8 + Number(headerBytes);
  if (headerEnd > source.size) refuse(`its header would be ${headerBytes} bytes, but the file has ${source.size}`);
  const header =
    headerEnd <= start.byteLength ? start.subarray(8, headerEnd) : await source.read(8, Number(headerBytes), signal);
  if (header[0] !== 0x7b) refuse('its header does not start with "{"');
  let parsed: Record<string, unknown> = {};
  try {
    parsed = parseStrictJson(header, headerLimits) as Record<string, unknown>;
  } catch (cause) {
    refuse(`its header: ${(cause as Error).message}`, cause);
  }

  const metadata = new Map<string, string>();
  const found: [string, StoredTensor | Unread][] = [];
  for (const [name, value] of Object.entries(parsed)) {
    // The reference implementation takes null for no metadata.
    if (name === '__metadata__' && value === null) continue;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      refuse(`the header's ${show(name)} is no object`);
    const fields = new Map(Object.entries(value as object));
    if (name === '__metadata__') {
      for (const [key, text] of fields) {
        if (typeof text !== 'string') refuse(`the metadata value of ${show(key)} is no string`);
        metadata.set(key, text as string);
      }
    } else found.push([name, tensorAt(source, headerEnd, name, fields, refuse)]);
  }

  found.sort(([, a], [, b]) => a.location.offset - b.location.offset || a.location.bytes - b.location.bytes);
  let end = headerEnd;
  for (const [name, { location }] of found) {
    const how = location.offset < end ? 'inside the tensor before it' : 'leaving a hole';
    if (location.offset !== end)
      refuse(`tensor ${show(name)} starts at byte ${location.offset}, ${how} (expected ${end})`);
    end += location.bytes;
  }
  if (end !== source.size) refuse(`its tensors end at byte ${end}, but the file has ${source.size}`);

  const tensors = new Map<string, StoredTensor>();
  const unread = new Map<string, UnreadTensor>();
  for (const [name, tensor] of found)
    if ('kind' in tensor) unread.set(name, tensor);
    else tensors.set(name, tensor);
  const find = (name: string): StoredTensor | undefined => {
    const refused = unread.get(name);
    return refused ? refuseUnread(source.name, name, refused) : tensors.get(name);
  };
  return {
    source,
    tensors,
    unread,
    metadata,
    find,
    tensor: async (name, abort) => {
      const lazy = find(name);
      if (!lazy)
        throw new InputError(
          source.name,
          `has no tensor ${show(name)}; it has ${tensors.size}: ${printable([...tensors.keys()].slice(0, 8).join(', '))}${tensors.size > 8 ? ', …' : ''}.`,
          { code: 'E_TENSOR_MISSING' },
        );
      return lazy.read(abort);
    },
  };
}

/** A tensor whose values lie somewhere and mean nothing here. */
type Unread = UnreadTensor & Pick<StoredTensor, 'location'>;

function tensorAt(
  source: ByteSource,
  start: number,
  name: string,
  fields: ReadonlyMap<string, unknown>,
  refuse: (message: string) => never,
): StoredTensor | Unread {
  const tensor = `tensor ${show(name)}`;
  const whole = (value: unknown): value is number =>
    Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
  const kind = fields.get('dtype');
  if (typeof kind !== 'string') return refuse(`${tensor} has the type ${show(kind)}; it has to be a name`);
  const dtype = names.get(kind);
  const shape = fields.get('shape');
  if (!Array.isArray(shape) || !shape.every(whole))
    return refuse(`${tensor} has the shape ${show(shape)}; it has to be a list of whole numbers`);
  if (shape.length > mostAxes) return refuse(`${tensor} has ${shape.length} axes; up to ${mostAxes} are read`);
  const offsets = fields.get('data_offsets');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(whole) || offsets[0]! > offsets[1]!)
    return refuse(`${tensor} has the data_offsets ${show(offsets)}`);
  const [from, to] = offsets as [number, number];
  if (start + to > source.size)
    return refuse(`${tensor} would end at byte ${start + to}, but the file has ${source.size}`);
  if (!dtype) {
    const location = { offset: start + from, bytes: to - from };
    return { kind: 'unread', what: `of the type ${show(kind)}`, shape: shape as number[], location };
  }
  let bytes = elementBytes(dtype);
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return refuse(`${tensor} has the impossible shape ${show(shape)}`);
  }
  if (to - from !== bytes)
    return refuse(`${tensor} of shape ${show(shape)} needs ${bytes} bytes as ${kind} and has ${to - from}`);
  return storedTensor(source, dtype, shape, start + from);
}

/** A tensor to be written, known by its shape before its values are. */
export interface TensorPlan {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A planned tensor with its values: C order, little-endian, in pieces of any size. */
export interface TensorChunks extends TensorPlan {
  chunks(): TensorValues;
}

/** The layout of a file before any of its values are there. */
export interface SafetensorsPlan<T extends TensorPlan = TensorPlan> {
  /** Everything before the first value. */
  readonly header: Uint8Array;
  /** In the order in which values follow the header, with absolute offsets. */
  readonly layout: readonly (T & { readonly offset: number; readonly bytes: number })[];
  /** Size of the whole file, in bytes. */
  readonly size: number;
}

/** Text that comes with the tensors of a safetensors file, by name. */
export type Metadata = ReadonlyMap<string, string> | Readonly<Record<string, string>>;

const entriesOf = (metadata: Metadata): [string, string][] =>
  metadata instanceof Map ? [...metadata] : Object.entries(metadata as Record<string, string>);
const byText = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/**
 * Lays out a file: wide types first, then by name, the header padded to 8 bytes, so every tensor is aligned and the
 * same tensors always give the same bytes (those of the reference implementation). Throws a `TypeError` for names that
 * come twice or are no valid Unicode, and for complex128, which the format does not have.
 */
export function planSafetensors<T extends TensorPlan>(
  tensors: Iterable<T>,
  metadata: Metadata = {},
): SafetensorsPlan<T> {
  const planned = [...tensors].map((plan) => {
    const kind = nameOf.get(plan.dtype);
    if (!kind) throw new TypeError(`safetensors has no type for ${plan.dtype}, the type of ${show(plan.name)}`);
    return { plan, kind };
  });
  planned.sort((a, b) => b.kind.rank - a.kind.rank || byText([a.plan.name, 0], [b.plan.name, 0]));
  const seen = new Set(['__metadata__']);
  const parts: string[] = [];
  const notes = entriesOf(metadata).sort(byText);
  if (notes.length)
    parts.push(`"__metadata__":{${notes.map(([key, text]) => `${quote(key)}:${quote(text)}`).join(',')}}`);
  let at = 0;
  const sizes = planned.map(({ plan, kind }) => {
    if (seen.has(plan.name)) throw new TypeError(`two tensors are to be written under the name ${show(plan.name)}`);
    seen.add(plan.name);
    if (!plan.shape.every((size) => Number.isSafeInteger(size) && size >= 0))
      throw new TypeError(`${plan.name} has the shape [${plan.shape.join(', ')}]`);
    const bytes = plan.shape.reduce((n, size) => n * size, elementBytes(plan.dtype));
    parts.push(
      `${quote(plan.name)}:{"dtype":"${kind.name}","shape":[${plan.shape.join(',')}],"data_offsets":[${at},${at + bytes}]}`,
    );
    at += bytes;
    return { plan, offset: at - bytes, bytes };
  });
  const json = new TextEncoder().encode(`{${parts.join(',')}}`);
  const padded = Math.ceil(json.byteLength / 8) * 8;
  if (padded > mostHeaderBytes)
    throw new TypeError(`the header would be ${padded} bytes, the format's limit is ${mostHeaderBytes}`);
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return {
    header,
    layout: sizes.map(({ plan, offset, bytes }) => ({ ...plan, offset: header.byteLength + offset, bytes })),
    size: header.byteLength + at,
  };
}

function quote(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new TypeError(`${show(text)} is no valid Unicode`);
  return JSON.stringify(text);
}

/**
 * Writes a file piece by piece; no more than a chunk is in memory. Throws a `RangeError` when a tensor's chunks are not
 * what its shape needs.
 */
export async function* writeSafetensors(
  tensors: Iterable<TensorChunks>,
  metadata: Metadata = {},
): AsyncGenerator<Uint8Array> {
  const { header, layout } = planSafetensors(tensors, metadata);
  yield header;
  for (const { name, bytes, chunks } of layout) {
    let got = 0;
    for await (const chunk of chunks()) {
      got += chunk.byteLength;
      if (got > bytes) break;
      yield chunk;
    }
    if (got !== bytes) throw new RangeError(`${show(name)} needs ${bytes} bytes and got ${got > bytes ? 'more' : got}`);
  }
}

/** A whole file in memory; tensors of other files may be among them. */
export const encodeSafetensors = (tensors: NamedValues, metadata: Metadata = {}): Promise<Uint8Array> =>
  collect(
    writeSafetensors(
      [...namedTensors(tensors)].map(([name, { dtype, shape, chunks }]) => ({ name, dtype, shape, chunks })),
      metadata,
    ),
  );
