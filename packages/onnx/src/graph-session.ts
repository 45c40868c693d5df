// Opens an encoder's graph on a device and makes its inputs from pixels.

import { InputError } from '@deepearth/core/errors';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { tokenGrid, type Architecture } from './architecture.ts';
import type { DevicePlan } from '@deepearth/onnx/devices';
import { encoderGraph, type GraphOptions } from './graph.ts';
import { cutPatches } from './patches.ts';
import { rotaryTables, type Grid } from './rotary.ts';
import { openSession, type Session, type Tensors } from '@deepearth/onnx/session';
import type { PlacedWeights } from './weights.ts';

export interface OpenGraphOptions {
  readonly plan: DevicePlan;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly profile?: string | undefined;
}

/** Opens one variant of the encoder's graph on one device. */
export function openGraph(
  { folder, weights }: PlacedWeights,
  graph: Omit<GraphOptions, 'weights'>,
  { plan, threads, signal, profile }: OpenGraphOptions,
): Promise<Session> {
  return openSession({
    model: encoderGraph({ ...graph, weights }),
    folder,
    providers: plan.providers,
    environment: plan.environment,
    threads,
    signal,
    profile,
  });
}

/** Which embedding a clip goes through, and its patches. */
export function prepare(
  architecture: Architecture,
  pixels: Tensor<'float32'>,
): { input: 'video' | 'image'; patches: Tensor<'float32'>; grid: Grid } {
  const { family, tubelet, patchSize } = architecture;
  const [batch, frames, channels, height, width] = pixels.shape as [number, number, number, number, number];
  if (pixels.shape.length !== 5 || channels !== 3 || batch < 1 || frames < 1 || height < patchSize || width < patchSize)
    throw new InputError(
      'clip',
      `pixels are [batch, frames, 3, height, width], at least ${patchSize} pixels high and wide; these are [${pixels.shape.join(', ')}].`,
    );
  const grid = tokenGrid(architecture, frames, height, width);
  if (frames === 1 && family === '2.1') return { input: 'image', patches: cutPatches(pixels, 1, patchSize), grid };
  return {
    input: 'video',
    patches: cutPatches(frames < tubelet ? repeated(pixels, tubelet) : pixels, tubelet, patchSize),
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
export function tablesFor(architecture: Architecture, grid: Grid): Tensors {
  const { headSize, family, rotaryGrid } = architecture;
  const key = JSON.stringify([headSize, family, rotaryGrid, grid]);
  if (lastTables?.key === key) return lastTables.tables;
  const { cosEven, sinEven, cosOdd, sinOdd } = rotaryTables(architecture, grid);
  const tables: Tensors = family === '2.0' ? { cosEven, sinEven, cosOdd, sinOdd } : { cosEven, sinEven };
  lastTables = { key, tables };
  return tables;
}
