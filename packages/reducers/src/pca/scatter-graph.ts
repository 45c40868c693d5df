// The ONNX graph that multiplies a block of tokens with itself.

import { tensor, type Tensor } from '@deepearth/core/tensor';
import { onnxModel } from '@deepearth/formats/onnx';

/** Bands of columns; each is multiplied with itself and all bands after it, so 5/8 of the square are computed. */
export const bandsOf = (channels: number): number => (channels < 256 ? 1 : 4);

/** First column of each band, and the end of the last. */
export const bandStarts = (channels: number): number[] => {
  const bands = bandsOf(channels);
  return Array.from({ length: bands + 1 }, (_, i) => Math.round((i * channels) / bands));
};

/**
 * `x [rows, channels]` to `mean [1, channels]` (float32, good enough to centre with), `sum [1, channels]` of the
 * centred block, by which the rounding of the mean is put right, and for each band `band0 … [band, channels from its
 * first on]` of products.
 */
export function scatterGraph(channels: number): Uint8Array {
  const graph = onnxModel({ name: 'scatter', opsets: { '': 17 } });
  const whole = (name: string, value: number): string =>
    graph.constant(name, tensor('int64', [1], BigInt64Array.of(BigInt(value))) as Tensor);
  const x = graph.input('x', 'float32', ['rows', channels]);
  const rowAxis = whole('rowAxis', 0);
  const mean = graph.op('ReduceMean', [x], { axes: [0], keepdims: 1 }, { name: 'mean' });
  graph.output(mean, 'float32', [1, channels]);
  const centred = graph.op('Sub', [x, mean]);
  graph.output(graph.op('ReduceSum', [centred, rowAxis], { keepdims: 1 }, { name: 'sum' }), 'float32', [1, channels]);
  const starts = bandStarts(channels);
  const columnAxis = starts.length > 2 ? whole('columnAxis', 1) : '';
  // Transposed once: a product that transposes its left side itself takes a quarter longer.
  const turned = graph.op('Transpose', [centred], { perm: [1, 0] });
  for (let band = 0; band + 1 < starts.length; band++) {
    const cut = (name: string, values: string, axis: string, from: number, to: number): string =>
      from === 0 && to === channels
        ? values
        : graph.op('Slice', [values, whole(`${name}From${band}`, from), whole(`${name}To${band}`, to), axis]);
    const left = cut('left', turned, rowAxis, starts[band]!, starts[band + 1]!);
    const right = cut('right', centred, columnAxis, starts[band]!, channels);
    graph.output(graph.op('Gemm', [left, right], {}, { name: `band${band}` }), 'float32', [
      starts[band + 1]! - starts[band]!,
      channels - starts[band]!,
    ]);
  }
  return graph.encode();
}
