// Numbers with a scale beside them: NAME holds them, NAME.scale what they are to be multiplied by. One scale for a
// tensor (float16 of values that are beyond it), or one for each row (eight bits).

import { readFloat32 } from './cast.ts';
import { areQuantized, dequantized } from './int8.ts';
import { lazyTensor, type LazyTensor } from './lazy-tensor.ts';
import { unscaled } from './scaled-half.ts';

/** What the tensor of the scales of a tensor is called. */
export const scaleName = (name: string): string => `${name}.scale`;

/**
 * Whether the second tensor is the scale of the first: one factor for half precision, or one for each row of eight
 * bits.
 */
export const areScaled = (
  values: Pick<LazyTensor, 'dtype' | 'shape'>,
  scale: Pick<LazyTensor, 'dtype' | 'shape'>,
): boolean =>
  areQuantized(values, scale) || (values.dtype === 'float16' && scale.dtype === 'float32' && scale.shape.length === 0);

/**
 * What a tensor and the scales beside it stand for, float32, as it is read; the tensor itself where there are none.
 * `file` is what an `InputError` names when the scale is no finite number above 0.
 */
export function withScale(values: LazyTensor, scale: LazyTensor | undefined, file: string): LazyTensor {
  if (scale === undefined) return values;
  if (areQuantized(values, scale)) return dequantized(values, scale);
  return lazyTensor({
    dtype: 'float32',
    shape: values.shape,
    readBytes: async (start, length, signal) => {
      const first = Math.floor(start / 4);
      const count = Math.ceil((start + length) / 4) - first;
      const part = await readFloat32(values, first, count, { name: 'values', file }, signal);
      const { data } = unscaled({ dtype: 'float32', shape: [count], data: part }, await scale.read(signal), file);
      return new Uint8Array(data.buffer, data.byteOffset + start - first * 4, length);
    },
    verify: async (signal) => {
      await values.verify(signal);
      await scale.verify(signal);
    },
  });
}
