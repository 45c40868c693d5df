// Tells a lack of memory from other failures of ONNX Runtime.

import { DeepEarthError } from '@deepearth/core/errors';

/**
 * What is said where memory does not suffice: by ONNX Runtime's arenas (CUDA's too), by CUDA, cuBLAS and cuDNN, by
 * Direct3D, by C++ and by JavaScript.
 */
const said =
  /failed to allocate memory|out of memory|out_of_memory|outofmemory|bad_alloc|bfc_?arena|(?:cublas|cudnn)\w*_alloc_failed|8007000e|array buffer allocation failed|enomem/i;

/** Whether a run failed for want of memory. */
export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof DeepEarthError && error.code === 'E_ONNX_RUNTIME' && said.test(error.message);
