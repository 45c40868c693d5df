// Arbitraries for fast-check: tensors, shapes, pictures.

import { elementBytes, elementCount, tensor, viewAs, type DType, type Tensor } from '@deepearth/core/tensor';
import fc from 'fast-check';

/** Shapes of `axes` axes with 0 (`least`) to `most` along each. */
export const shapes = ({ minAxes = 0, maxAxes = 4, least = 0, most = 5 } = {}): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: least, max: most }), { minLength: minAxes, maxLength: maxAxes });

/** Tensors of these dtypes (`dtypes` of core is all) and any bits: NaN, infinities and denormals included. */
export const tensors = <D extends DType>(
  of: readonly D[],
  shape: fc.Arbitrary<number[]> = shapes(),
): fc.Arbitrary<Tensor<D>> =>
  fc.tuple(fc.constantFrom(...of), shape).chain(([dtype, sizes]) => {
    const length = elementCount(sizes) * elementBytes(dtype);
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => tensor(dtype, sizes, viewAs(dtype, bytes)));
  });

/** float32 tensors of ordinary numbers. */
export const finiteTensors = (
  shape: fc.Arbitrary<number[]> = shapes(),
  { min = -1e3, max = 1e3 } = {},
): fc.Arbitrary<Tensor<'float32'>> =>
  shape.chain((sizes) => {
    const length = elementCount(sizes);
    return fc
      .array(fc.float({ min: Math.fround(min), max: Math.fround(max), noNaN: true }), {
        minLength: length,
        maxLength: length,
      })
      .map((values) => tensor('float32', sizes, Float32Array.from(values)));
  });
