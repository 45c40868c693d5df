// Floats as eight bits with a scale for each row, and back: NAME holds whole numbers from -127 to 127, NAME.scale what
// they are to be multiplied by.

import { elementBytes, elementCount, viewAs } from '@deepearth/core/tensor';
import { readFloat32, refuseValue, isFloat, type Named } from './cast.ts';
import { lazyTensor, type LazyTensor } from './lazy-tensor.ts';

/** A tensor in eight bits. */
export interface Quantized {
  /** Of the shape of the tensor. */
  readonly values: LazyTensor<'int8'>;
  /** Of the same shape with 1 for its last axis, so that `values * scale` is the tensor. */
  readonly scale: LazyTensor<'float32'>;
}

/** The shape of the scales of a tensor: one for each row along the last axis; a single one for a scalar. */
export const scaleShape = (shape: readonly number[]): number[] => (shape.length ? [...shape.slice(0, -1), 1] : []);

/** How many values are read at once: 4 MiB of float32. */
const elementsAtOnce = 1 << 20;
const steps = 127;
/** A scale below the normal floats would itself have few digits. */
const smallestScale = 2 ** -126;
/** Added and taken away again, it rounds a double to a whole number, ties to even, as torch and NumPy round. */
const rounding = 1.5 * 2 ** 52;

/** What a row whose largest magnitude is `most` is divided by; 1 for a row of zeros. */
function scaleOf(most: number): number {
  if (most === 0) return 1;
  const scale = Math.max(Math.fround(most / steps), smallestScale);
  // Rounded up, the largest floats would come back as infinities.
  return Math.fround(scale * steps) === Infinity ? Math.fround(scale * (1 - 2 ** -24)) : scale;
}

/**
 * A float tensor in eight bits, symmetric: the largest magnitude of a row (along the last axis) becomes 127, and
 * everything is rounded to the nearest whole number. Values are read twice, once for the scales and once for the
 * numbers, and no more than a few MiB of them are in memory. Reading throws an `InputError` (`E_VALUE_RANGE`) for NaN
 * and infinities. Throws a `TypeError` for types that are no floats.
 */
export function quantizedRows(t: LazyTensor, named: Named): Quantized {
  if (!isFloat(t.dtype)) throw new TypeError(`${named.name} is ${t.dtype}, which is no float type`);
  const { shape } = t;
  const row = shape.at(-1) ?? 1;
  const rows = elementCount(shape.slice(0, -1));

  /** The largest magnitude among values, the first of which is number `first` of the tensor. */
  const mostOf = (values: Float32Array, first: number): number => {
    let most = 0;
    let odd = false;
    for (let i = 0; i < values.length; i++) {
      const magnitude = Math.abs(values[i]!);
      if (magnitude > most) most = magnitude;
      odd ||= magnitude !== magnitude;
    }
    if (odd || most === Infinity) {
      const at = values.findIndex((value) => !Number.isFinite(value));
      refuseValue(
        named,
        `${String(values[at])} (number ${first + at}) has no place in int8`,
        'Keep float16 or float32, which hold it.',
      );
    }
    return most;
  };
  // A row that is longer than what is read at once is read in parts, and once more for its numbers.
  let known: { readonly index: number; readonly scale: number } | undefined;
  const longScale = async (index: number, signal?: AbortSignal): Promise<number> => {
    if (known?.index === index) return known.scale;
    let most = 0;
    for (let at = 0; at < row; at += elementsAtOnce) {
      const first = index * row + at;
      const part = await readFloat32(t, first, Math.min(elementsAtOnce, row - at), named, signal);
      most = Math.max(most, mostOf(part, first));
    }
    known = { index, scale: scaleOf(most) };
    return known.scale;
  };
  const quantize = (values: Float32Array, scale: number, out: Int8Array): void => {
    for (let i = 0; i < values.length; i++)
      out[i] = Math.min(steps, Math.max(-steps, values[i]! / scale + rounding - rounding));
  };

  const long = row > elementsAtOnce;
  const rowsAtOnce = Math.max(1, Math.floor(elementsAtOnce / Math.max(1, row)));

  /** The scales of rows, at most as many as are read at once. */
  const scales = async (first: number, count: number, signal?: AbortSignal): Promise<Float32Array> => {
    if (long) return Float32Array.of(await longScale(first, signal));
    const values = await readFloat32(t, first * row, count * row, named, signal);
    return Float32Array.from({ length: count }, (_, i) =>
      scaleOf(mostOf(values.subarray(i * row, (i + 1) * row), (first + i) * row)),
    );
  };
  const numbers = async (start: number, length: number, signal?: AbortSignal): Promise<Int8Array> => {
    const out = new Int8Array(length);
    for (let done = 0; done < length;) {
      const index = Math.floor((start + done) / row);
      if (long) {
        const scale = await longScale(index, signal);
        const count = Math.min(elementsAtOnce, length - done, (index + 1) * row - start - done);
        const part = await readFloat32(t, start + done, count, named, signal);
        quantize(part, scale, out.subarray(done, done + count));
        done += count;
        continue;
      }
      // Whole rows, of which a part is asked for.
      const count = Math.min(rowsAtOnce, Math.ceil((start + length) / row) - index);
      const values = await readFloat32(t, index * row, count * row, named, signal);
      const block = new Int8Array(values.length);
      for (let i = 0; i < count; i++) {
        const part = values.subarray(i * row, (i + 1) * row);
        quantize(part, scaleOf(mostOf(part, (index + i) * row)), block.subarray(i * row));
      }
      const from = start + done - index * row;
      const piece = block.subarray(from, from + length - done);
      out.set(piece, done);
      done += piece.length;
    }
    return out;
  };
  return {
    values: lazyTensor({
      dtype: 'int8',
      shape,
      readBytes: async (start, length, signal) => new Uint8Array((await numbers(start, length, signal)).buffer),
      verify: t.verify,
      stepBytes: long ? elementsAtOnce : rowsAtOnce * Math.max(1, row),
    }),
    scale: lazyTensor({
      dtype: 'float32',
      shape: scaleShape(shape),
      readBytes: async (start, length, signal) => {
        const first = Math.floor(start / 4);
        const end = Math.min(rows, Math.ceil((start + length) / 4));
        const out = new Float32Array(end - first);
        const step = long ? 1 : rowsAtOnce;
        for (let at = first; at < end; at += step)
          out.set(await scales(at, Math.min(step, end - at), signal), at - first);
        return new Uint8Array(out.buffer, start - first * 4, length);
      },
      verify: t.verify,
    }),
  };
}

/** Whether two tensors are one in eight bits and its scales. */
export const areQuantized = (
  values: Pick<LazyTensor, 'dtype' | 'shape'>,
  scale: Pick<LazyTensor, 'dtype' | 'shape'>,
): boolean =>
  values.dtype === 'int8' && scale.dtype === 'float32' && scale.shape.join() === scaleShape(values.shape).join();

/**
 * The float32 tensor that whole numbers and their scales stand for (`areQuantized`), as it is read.
 */
export function dequantized(values: LazyTensor, scale: LazyTensor): LazyTensor<'float32'> {
  if (!areQuantized(values, scale))
    throw new TypeError(
      `${values.dtype} of shape [${values.shape.join(', ')}] and ${scale.dtype} of [${scale.shape.join(', ')}] are no tensor in eight bits`,
    );
  const row = values.shape.at(-1) ?? 1;
  return lazyTensor({
    dtype: 'float32',
    shape: values.shape,
    readBytes: async (start, length, signal) => {
      const width = elementBytes('float32');
      const first = Math.floor(start / width);
      const end = Math.ceil((start + length) / width);
      if (end === first) return new Uint8Array(0);
      const firstRow = Math.floor(first / row);
      const numbers = viewAs('int8', await values.readBytes(first, end - first, signal));
      const count = Math.ceil(end / row) - firstRow;
      const scales = viewAs('float32', await scale.readBytes(firstRow * width, count * width, signal));
      const out = new Float32Array(numbers.length);
      for (let i = 0, index = 0; i < out.length; index++) {
        const rowEnd = Math.min(out.length, (firstRow + index + 1) * row - first);
        for (const by = scales[index]!; i < rowEnd; i++) out[i] = numbers[i]! * by;
      }
      return new Uint8Array(out.buffer, start - first * width, length);
    },
    verify: async (signal) => {
      await values.verify(signal);
      await scale.verify(signal);
    },
  });
}
