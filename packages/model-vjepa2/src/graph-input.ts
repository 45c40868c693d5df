// Makes the graph's inputs from pixels: patches and the tables of rotary attention.

import { InputError } from '@deepearth/core/errors';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { Grid } from '@deepearth/onnx/architecture';
import type { GraphInput } from '@deepearth/onnx/family';
import type { Tensors } from '@deepearth/onnx/session';
import { tokenGrid, type Architecture } from './architecture.ts';
import { cutPatches } from '@deepearth/onnx/patches';
import { rotaryTables } from './rotary.ts';

/**
 * Inputs of the graph for normalised pixels, `[batch, frames, 3, height, width]`, and which embedding they go through:
 * one frame goes through the image embedding of V-JEPA 2.1 and is repeated to a tubelet in 2.0; an odd last frame is
 * dropped, as in the original.
 */
export function graphInput(architecture: Architecture, pixels: Tensor<'float32'>): GraphInput {
  const { family, tubelet, patchSize } = architecture;
  const [batch, frames, channels, height, width] = pixels.shape as [number, number, number, number, number];
  if (pixels.shape.length !== 5 || channels !== 3 || batch < 1 || frames < 1 || height < patchSize || width < patchSize)
    throw new InputError(
      'clip',
      `pixels are [batch, frames, 3, height, width], at least ${patchSize} pixels high and wide; these are [${pixels.shape.join(', ')}].`,
    );
  const grid = tokenGrid(architecture, frames, height, width);
  const image = frames === 1 && family === '2.1';
  const patches = image
    ? cutPatches(pixels, 1, patchSize)
    : cutPatches(frames < tubelet ? repeated(pixels, tubelet) : pixels, tubelet, patchSize);
  return {
    variant: image ? 'image' : 'video',
    feeds: { patches, ...tablesFor(architecture, grid) },
    size: { batch, tokens: patches.shape[1]! },
    grid,
  };
}

/** Each clip of one frame `times` times. */
function repeated(pixels: Tensor<'float32'>, times: number): Tensor<'float32'> {
  const [batch, , ...rest] = pixels.shape as [number, number, ...number[]];
  const frame = pixels.data.length / batch;
  const data = new Float32Array(pixels.data.length * times);
  for (let clip = 0; clip < batch; clip++)
    for (let time = 0; time < times; time++)
      data.set(pixels.data.subarray(clip * frame, (clip + 1) * frame), (clip * times + time) * frame);
  return tensor('float32', [batch, times, ...rest], data);
}

let lastTables: { key: string; tables: Tensors } | undefined;

/** The rotary tables that the graph of this family takes; those of the last shape are kept. */
function tablesFor(architecture: Architecture, grid: Grid): Tensors {
  const { headSize, family, rotaryGrid } = architecture;
  const key = JSON.stringify([headSize, family, rotaryGrid, grid]);
  if (lastTables?.key === key) return lastTables.tables;
  const { cosEven, sinEven, cosOdd, sinOdd } = rotaryTables(architecture, grid);
  const tables: Tensors = family === '2.0' ? { cosEven, sinEven, cosOdd, sinOdd } : { cosEven, sinEven };
  lastTables = { key, tables };
  return tables;
}
