// Copies parts of arrays whose axes lie in any order.

import { elementCount, type TensorData } from '@deepearth/core';
import type { Span } from '../cube.ts';

/** A view of values; strides and offset count elements. */
export interface Strided {
  readonly data: TensorData;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Strides of a shape in C order. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, step = 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** The part `spans` of `source` into `target`, whose shape is that of the part. Both hold one kind of values. */
export function copyPart(source: Strided, spans: readonly Span[], target: Strided): void {
  const from = spans.reduce((sum, { start }, axis) => sum + start * source.strides[axis]!, source.offset);
  const shape = spans.map(({ count }) => count);
  walk(shape, source.strides, target.strides, from, target.offset, (a, b, count, stepA, stepB) => {
    const [read, write] = [source.data, target.data] as [Float64Array, Float64Array];
    if (stepA === 1 && stepB === 1) write.set(read.subarray(a, a + count), b);
    else for (let i = 0; i < count; i++, a += stepA, b += stepB) write[b] = read[a]!;
  });
}

/** Fills a target with one value. */
export function filledPart({ data, shape, strides, offset }: Strided, value: number | bigint): void {
  walk(shape, strides, strides, offset, offset, (a, _, count, step) => {
    const write = data as Float64Array;
    if (step === 1) write.fill(value as number, a, a + count);
    else for (let i = 0; i < count; i++, a += step) write[a] = value as number;
  });
}

/** Calls `line` for every line along the last axis; lines that follow one another in both are one. */
function walk(
  shape: readonly number[],
  stepsA: readonly number[],
  stepsB: readonly number[],
  a: number,
  b: number,
  line: (a: number, b: number, count: number, stepA: number, stepB: number) => void,
): void {
  if (elementCount(shape) === 0) return;
  let axes = shape.length;
  let count = axes ? shape[axes - 1]! : 1;
  const [stepA, stepB] = axes ? [stepsA[axes - 1]!, stepsB[axes - 1]!] : [1, 1];
  if (axes) axes--;
  while (axes && stepsA[axes - 1] === count * stepA && stepsB[axes - 1] === count * stepB) count *= shape[--axes]!;
  const at = new Array<number>(axes).fill(0);
  for (;;) {
    line(a, b, count, stepA, stepB);
    let axis = axes - 1;
    for (; axis >= 0; axis--) {
      a += stepsA[axis]!;
      b += stepsB[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      a -= stepsA[axis]! * shape[axis]!;
      b -= stepsB[axis]! * shape[axis]!;
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}
