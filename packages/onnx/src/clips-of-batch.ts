// A batch by its parts: some sequences of it, and the outputs of parts as those of the whole.

import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { Encoded } from './encoded.ts';

/** `count` sequences of a batch, `[batch, …]`, from the one at `from`; nothing is copied. */
export function clipsOf(batch: Tensor<'float32'>, from: number, count: number): Tensor<'float32'> {
  const [all, ...rest] = batch.shape as [number, ...number[]];
  if (from === 0 && count === all) return batch;
  const each = batch.data.length / all;
  return tensor('float32', [count, ...rest], batch.data.subarray(from * each, (from + count) * each));
}

/** The outputs of parts of a batch as one. */
export function joinEncoded(parts: readonly Encoded[]): Encoded {
  const [first] = parts as [Encoded];
  if (parts.length === 1) return first;
  const joined = (of: (part: Encoded) => Tensor): Tensor => {
    const { dtype, shape } = of(first);
    const pieces = parts.map((part) => of(part).data);
    const Values = pieces[0]!.constructor as new (length: number) => Float32Array;
    const data = new Values(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      data.set(piece as Float32Array, at);
      at += piece.length;
    }
    return tensor(dtype, [parts.reduce((sum, part) => sum + of(part).shape[0]!, 0), ...shape.slice(1)], data);
  };
  return {
    tokens: joined(({ tokens }) => tokens) as Tensor<'float32'>,
    ...(first.globals && { globals: joined(({ globals }) => globals!) as Tensor<'float32'> }),
    outputs: Object.fromEntries(
      Object.keys(first.outputs).map((name) => [name, joined(({ outputs }) => outputs[name]!)]),
    ),
    grid: first.grid,
  };
}
