// DINOv2's learned positions for pictures of other sizes: the weights that resize their grid.

import { tensor, type Tensor } from '@deepearth/core/tensor';
import { floatWeights } from '@deepearth/vision/resize-weights';
import type { Kind } from './architecture.ts';

/**
 * The matrix `[to, from]` that resizes one axis of the positions as transformers does: bicubic, output cell `i` centred
 * on `(i + 0.5) * from / to - 0.5`. `Dinov2Model` does not antialias (a = -0.75, edges repeated);
 * `Dinov2WithRegistersModel` does (a = -0.5, the filter cut off at the edges and stretched where the grid shrinks).
 */
export function positionWeights(kind: Kind, from: number, to: number): Tensor<'float32'> {
  const matrix = new Float32Array(to * from);
  if (kind === 'dinov2-registers') {
    const { taps, start, size, weights } = floatWeights(from, to, 'bicubic');
    for (let i = 0; i < to; i++)
      for (let j = 0; j < size[i]!; j++) matrix[i * from + start[i]! + j] = weights[i * taps + j]!;
  } else {
    for (let i = 0; i < to; i++) {
      const position = ((i + 0.5) * from) / to - 0.5;
      const first = Math.floor(position);
      for (let j = -1; j <= 2; j++) {
        const cell = Math.min(Math.max(first + j, 0), from - 1);
        matrix[i * from + cell]! += cubic(Math.abs(position - first - j));
      }
    }
  }
  return tensor('float32', [to, from], matrix);
}

/** Keys' cubic convolution with PyTorch's a = -0.75. */
function cubic(distance: number): number {
  const a = -0.75;
  return distance <= 1
    ? ((a + 2) * distance - (a + 3)) * distance ** 2 + 1
    : ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a;
}
