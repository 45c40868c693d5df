// What NumPy's values become when they are read.

import type { DType } from '@deepearth/core/tensor';
import type { Element } from './elements.ts';
import type { LazyTensor } from './lazy-tensor.ts';

/** An array of NumPy. */
export interface Ndarray extends LazyTensor {
  readonly kind: 'ndarray';
}

/** `numpy.float32(1.5)` and its like. */
export interface NumpyScalar {
  readonly kind: 'numpy-scalar';
  readonly dtype: DType;
  readonly value: Element;
}
