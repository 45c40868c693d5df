// What `inspect` says of an array of a cube: shape, type, attributes, and on demand statistics and digests.

import { createHash, type Hash } from 'node:crypto';
import { bytesOf, elementBytes, elementCount, InputError, type DType, type Json, type Tensor } from '@deepearth/core';
import { cfValues, numbers, type CfValues } from './cf/values.ts';
import { dateText, isTime, momentOf, timeUnits } from './cf/time.ts';
import type { CubeArray, Span } from './cube.ts';

/** What is read for a description. */
export interface DescribeArrayOptions {
  /** Reads all values for statistics and the SHA-256. */
  readonly digest?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Values that are listed: those of coordinates and other small arrays. */
const mostListed = 64;
/** Bytes of values that are read at once. */
const slabBytes = 1 << 24;
/** Times that are listed. */
const mostTimes = 100_000;

/**
 * The fields of the description: `shape`, `axes`, `dtype`, `attributes`; with `digest` `valid_count`, `min`, `max`,
 * `mean` (over values that are neither NaN, `_FillValue` nor `missing_value`), `sha256` (values in C order,
 * little-endian), and for packed values the same under `decoded`; `values` of up to 64, `times` of a time axis; then
 * how it is stored. Throws what reading throws.
 */
export async function describeArray(
  array: CubeArray,
  subject: string,
  { digest = false, signal }: DescribeArrayOptions = {},
): Promise<{ [field: string]: Json }> {
  const { shape, dtype, attributes } = array;
  const head = { shape, axes: array.axes ?? null, dtype, attributes };
  if (dtype === 'string' || dtype === 'char')
    return {
      ...head,
      values: elementCount(shape) <= mostTimes ? await array.readText(signal) : null,
      ...array.storage,
    };
  const meaning = cfValues(attributes, dtype);
  const small = elementCount(shape) <= mostListed;
  return {
    ...head,
    ...(digest && (await statistics(array, meaning, signal))),
    ...(small && { values: nested(await array.read(undefined, signal)) }),
    ...(await timesOf(array, subject, signal)),
    ...array.storage,
  };
}

/** Statistics of values that come in pieces. */
class Tally {
  readonly #hash: Hash = createHash('sha256');
  #count = 0;
  #least = Infinity;
  #most = -Infinity;
  #sum = 0;
  /** `valid` holds 1 for each value that counts. */
  add(bytes: Uint8Array, values: ArrayLike<number>, valid: Uint8Array): void {
    this.#hash.update(bytes);
    for (let i = 0; i < values.length; i++) {
      if (!valid[i]) continue;
      const value = values[i]!;
      this.#count++;
      this.#sum += value;
      if (value < this.#least) this.#least = value;
      if (value > this.#most) this.#most = value;
    }
  }
  result(): { [field: string]: Json } {
    const some = this.#count > 0;
    return {
      valid_count: this.#count,
      min: some ? plain(this.#least) : null,
      max: some ? plain(this.#most) : null,
      mean: some ? plain(this.#sum / this.#count) : null,
      sha256: this.#hash.digest('hex'),
    };
  }
}

async function statistics(
  array: CubeArray,
  { noData, scale, offset, packed }: CfValues,
  signal: AbortSignal | undefined,
): Promise<{ [field: string]: Json }> {
  const raw = new Tally();
  const decoded = new Tally();
  for await (const slab of slabs(array, signal)) {
    const values = numbers(slab);
    const valid = new Uint8Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      valid[i] = !Number.isNaN(value) && !noData.includes(value) ? 1 : 0;
    }
    raw.add(bytesOf(slab), values, valid);
    if (!packed) continue;
    const measured = new Float64Array(values.length);
    for (let i = 0; i < measured.length; i++) measured[i] = valid[i] ? values[i]! * scale + offset : NaN;
    decoded.add(bytesOf({ dtype: 'float64', shape: [measured.length], data: measured }), measured, valid);
  }
  const { sha256, ...rest } = raw.result() as { readonly sha256: string };
  return {
    ...rest,
    sha256,
    ...(packed && { decoded: { dtype: 'float64', scale, offset, ...decoded.result() } }),
  };
}

/** The values of an array in C order, in pieces of whole chunks along the first axis that is longer than one. */
export async function* slabs(array: CubeArray, signal?: AbortSignal): AsyncGenerator<Tensor> {
  const { shape, chunks } = array;
  const total = elementCount(shape);
  const size = elementBytes(array.dtype as DType);
  const axis = shape.findIndex((count) => count > 1);
  if (axis < 0 || total * size <= slabBytes) {
    yield await array.read(undefined, signal);
    return;
  }
  const chunk = Math.max(1, chunks[axis] ?? 1);
  const rowBytes = (total / shape[axis]!) * size;
  const rows = Math.max(chunk, Math.floor(slabBytes / rowBytes / chunk) * chunk);
  for (let start = 0; start < shape[axis]!; start += rows) {
    const part: Span[] = shape.map((count, at) =>
      at === axis ? { start, count: Math.min(rows, count - start) } : { start: 0, count },
    );
    yield await array.read(part, signal);
  }
}

async function timesOf(
  array: CubeArray,
  subject: string,
  signal: AbortSignal | undefined,
): Promise<{ [field: string]: Json }> {
  if (!isTime(array.attributes) || array.shape.length !== 1 || array.shape[0]! > mostTimes) return {};
  const calendar = typeof array.attributes['calendar'] === 'string' ? array.attributes['calendar'] : 'standard';
  try {
    const meaning = timeUnits(subject, array.attributes);
    const { data } = await array.read(undefined, signal);
    const times = Array.from(data as ArrayLike<number | bigint>, (value) => {
      const moment = momentOf(value, meaning);
      return moment === undefined ? null : dateText(moment, meaning.calendar);
    });
    return { calendar, times };
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== 'E_CF_TIME') throw error;
    return { calendar, times: null, times_refused: error.message };
  }
}

/** A number as JSON says it. */
export const plain = (value: number | bigint): Json => {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return Number.isFinite(value) ? (Object.is(value, -0) ? 0 : value) : String(value);
};

/** Values as lists within lists; that of a scalar by itself. */
function nested(tensor: Tensor): Json {
  const { shape, dtype, data } = tensor;
  const values: ArrayLike<number | bigint> =
    dtype === 'int64' || dtype === 'uint64' ? (data as BigInt64Array) : numbers(tensor);
  const at = (axis: number, index: number): Json => {
    if (axis === shape.length) return plain(values[index]!);
    const inner = elementCount(shape.slice(axis + 1));
    return Array.from({ length: shape[axis]! }, (_, i) => at(axis + 1, index + i * inner));
  };
  return at(0, 0);
}
