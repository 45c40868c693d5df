// Reads views of stored values (transposed, stepped, expanded, big-endian) as if they lay in C order, little-endian.

import type { ByteSource } from './bytes.ts';

/** A view of values in a source; sizes and strides count elements. */
export interface StridedView {
  /** Holds the values only: element 0 starts at byte 0. */
  readonly source: ByteSource;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  /** Offset of the first element, in elements. */
  readonly offset: number;
  readonly elementBytes: number;
  /**
   * Bytes that are turned round when the values are big-endian: those of an element, or of half a complex one; 1
   * otherwise.
   */
  readonly swapBytes?: number;
}

/** How much of the source is held at once. */
const windowBytes = 1 << 24;

/** How much of a view to ask for at once: each asking may go through the whole source. */
export const stridedChunkBytes = 1 << 26;

/** C order strides of a shape. */
export function contiguousStride(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length);
  for (let axis = shape.length - 1, step = 1; axis >= 0; axis--) {
    stride[axis] = step;
    step *= Math.max(shape[axis]!, 1);
  }
  return stride;
}

/** Whether a view's values follow each other in C order. */
export function isContiguous(shape: readonly number[], stride: readonly number[]): boolean {
  if (shape.includes(0)) return true;
  const expected = contiguousStride(shape);
  return shape.every((size, axis) => size === 1 || stride[axis] === expected[axis]);
}

/** Turns the bytes of every element round, in place. */
export function swapInPlace(bytes: Uint8Array, width: number): Uint8Array {
  if (width === 2) for (let i = 0; i + 1 < bytes.length; i += 2) [bytes[i], bytes[i + 1]] = [bytes[i + 1]!, bytes[i]!];
  else if (width > 2) for (let i = 0; i + width <= bytes.length; i += width) bytes.subarray(i, i + width).reverse();
  return bytes;
}

/** `length` bytes from `start` of the view's values in C order, little-endian. */
export async function readStrided(
  view: StridedView,
  start: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const { source, shape, stride, offset, elementBytes, swapBytes = 1 } = view;
  if (isContiguous(shape, stride)) {
    const bytes = await source.read(offset * elementBytes + start, length, signal);
    if (swapBytes === 1) return bytes;
    // The range may begin inside an element.
    const lead = start % swapBytes;
    if (lead === 0 && length % swapBytes === 0) return swapInPlace(bytes.slice(), swapBytes);
    const from = start - lead;
    const to = Math.ceil((start + length) / swapBytes) * swapBytes;
    return (await readStrided(view, from, to - from, signal)).subarray(lead, lead + length);
  }
  const first = Math.floor(start / elementBytes);
  const last = Math.ceil((start + length) / elementBytes);
  const out = new Uint8Array((last - first) * elementBytes);
  await gather(view, first, last, out, windowOf(source, elementBytes, signal));
  swapInPlace(out, swapBytes);
  return out.subarray(start - first * elementBytes, start - first * elementBytes + length);
}

/** A piece of the source, elements `first` to `end`. */
interface Window {
  bytes: Uint8Array;
  first: number;
  end: number;
  /** Moves it so that it starts at an element. Going forward, every byte is read once. */
  move(element: number, spanEnd: number): Promise<void>;
}

function windowOf(source: ByteSource, elementBytes: number, signal?: AbortSignal): Window {
  const most = Math.max(1, Math.floor(windowBytes / elementBytes));
  const window: Window = {
    bytes: new Uint8Array(0),
    first: 0,
    end: 0,
    move: async (element, spanEnd) => {
      const count = Math.min(most, spanEnd - element);
      window.bytes = await source.read(element * elementBytes, count * elementBytes, signal);
      [window.first, window.end] = [element, element + count];
    },
  };
  return window;
}

/**
 * Copies elements `first` to `last` (in C order) into `out`, as a few boxes: part of a row, whole rows, part of a row.
 */
async function gather(
  { shape, stride, offset, elementBytes }: StridedView,
  first: number,
  last: number,
  out: Uint8Array,
  window: Window,
): Promise<void> {
  const boxes: { shape: number[]; stride: number[]; offset: number; at: number }[] = [];
  const cut = (axis: number, from: number, to: number, origin: number, at: number): void => {
    if (from >= to) return;
    if (axis === shape.length) {
      boxes.push({ shape: [], stride: [], offset: origin, at });
      return;
    }
    const inner = shape.slice(axis + 1).reduce((n, size) => n * size, 1);
    const top = Math.ceil(from / inner);
    const bottom = Math.floor(to / inner);
    if (top > bottom)
      return cut(
        axis + 1,
        from % inner,
        (from % inner) + to - from,
        origin + Math.floor(from / inner) * stride[axis]!,
        at,
      );
    if (top * inner > from) cut(axis + 1, from % inner, inner, origin + (top - 1) * stride[axis]!, at);
    if (bottom > top)
      boxes.push({
        shape: [bottom - top, ...shape.slice(axis + 1)],
        stride: stride.slice(axis),
        offset: origin + top * stride[axis]!,
        at: at + top * inner - from,
      });
    if (bottom * inner < to)
      cut(axis + 1, 0, to - bottom * inner, origin + bottom * stride[axis]!, at + bottom * inner - from);
  };
  cut(0, first, last, offset, 0);
  for (const box of boxes) await copyBox(box, elementBytes, out, window);
}

/** Goes through a box in the order of the source, so that its bytes are read forward. */
async function copyBox(
  box: { shape: number[]; stride: number[]; offset: number; at: number },
  elementBytes: number,
  out: Uint8Array,
  window: Window,
): Promise<void> {
  const target = contiguousStride(box.shape);
  const axes = box.shape
    .map((size, axis) => ({ size, from: box.stride[axis]!, to: target[axis]! }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => b.from - a.from || b.to - a.to);
  const row = axes.pop() ?? { size: 1, from: 0, to: 0 };
  const spanEnd =
    axes.reduce((end, { size, from }) => end + (size - 1) * from, box.offset + (row.size - 1) * row.from) + 1;
  const counter = new Array<number>(axes.length).fill(0);
  let source = box.offset;
  let place = box.at;
  for (;;) {
    for (let done = 0; done < row.size;) {
      const element = source + done * row.from;
      if (element < window.first || element >= window.end) await window.move(element, spanEnd);
      const count =
        row.from === 0 ? row.size - done : Math.min(row.size - done, Math.ceil((window.end - element) / row.from));
      copyRow(window.bytes, element - window.first, row.from, out, place + done * row.to, row.to, count, elementBytes);
      done += count;
    }
    let axis = axes.length - 1;
    for (; axis >= 0; axis--) {
      const { size, from, to } = axes[axis]!;
      source += from;
      place += to;
      if (++counter[axis]! < size) break;
      source -= size * from;
      place -= size * to;
      counter[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/**
 * `count` elements, `fromStep` apart in `from` and `toStep` apart in `to`. Bytes, not numbers, are copied: a NaN keeps
 * its bits.
 */
function copyRow(
  from: Uint8Array,
  fromAt: number,
  fromStep: number,
  to: Uint8Array,
  toAt: number,
  toStep: number,
  count: number,
  elementBytes: number,
): void {
  if (fromStep === 1 && toStep === 1) {
    to.set(from.subarray(fromAt * elementBytes, (fromAt + count) * elementBytes), toAt * elementBytes);
    return;
  }
  const width =
    elementBytes % 4 === 0 && from.byteOffset % 4 === 0
      ? 4
      : elementBytes % 2 === 0 && from.byteOffset % 2 === 0
        ? 2
        : 1;
  const type = (width === 4 ? Uint32Array : width === 2 ? Uint16Array : Uint8Array) as new (
    buffer: ArrayBufferLike,
    offset: number,
    length: number,
  ) => Uint32Array;
  const source = new type(from.buffer, from.byteOffset, from.byteLength / width);
  const target = new type(to.buffer, to.byteOffset, to.byteLength / width);
  const parts = elementBytes / width;
  for (let i = 0, s = fromAt * parts, t = toAt * parts; i < count; i++, s += fromStep * parts, t += toStep * parts) {
    for (let part = 0; part < parts; part++) target[t + part] = source[s + part]!;
  }
}
