// The layout of the Python extractor's .pt files, so that its readers go on working.

import { basename } from 'node:path';
import {
  elementCount,
  geometryOf,
  tensor,
  type Embedding,
  type Json,
  type Origin,
  type Projection,
  type Tensor,
  type TokenGrid,
} from '@deepearth/core';
import type { LazyTensor } from '@deepearth/formats/lazy-tensor';
import type { PtWritable } from '@deepearth/formats/pt-pickle-writer';
import { torchSize } from '@deepearth/formats/python-values';
import { pythonTokensMetadata } from '@deepearth/formats/python-tokens';
import { scaleShape } from '@deepearth/formats/int8';
import { scaleName } from '@deepearth/formats/scale';
import { storedClip, type StoredClip } from '@deepearth/formats/token-file';

/** Values in memory, or in another file from which they are copied. */
export interface PythonValues {
  readonly tensor: Tensor | LazyTensor;
  /** What rows in eight bits are multiplied by, `[..., 1]`, or the whole tensor, `[]`. */
  readonly scale?: Tensor | LazyTensor | undefined;
}

/** A tensor under its name, and its scales beside it. */
const named = (name: string, { tensor, scale }: PythonValues, shape = tensor.shape): Record<string, PtWritable> => ({
  [name]: { ...tensor, shape },
  ...(scale && { [scaleName(name)]: { ...scale, shape: scale.shape.length ? scaleShape(shape) : [] } }),
});

const padded = (number: number): string => String(number).padStart(4, '0');

/** `t0: frames_0000_0001, …`: the first and last frame that each time step saw. */
function temporalMapping({ frames }: StoredClip, steps: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: steps }, (_, step) => {
      const first = frames[Math.floor((step * frames.length) / steps)]!;
      const last = frames[Math.max(0, Math.ceil(((step + 1) * frames.length) / steps) - 1)]!;
      return [`t${step}`, `frames_${padded(first.number)}_${padded(last.number)}`];
    }),
  );
}

/** What is written of a frame's origin: the part of a grid's origin that Python code looks for, where there is one. */
const geometryFor = (item: { readonly origin?: Origin }): { geometry?: PtWritable } => {
  const geometry = geometryOf(item);
  return geometry ? { geometry: { ...geometry } } : {};
};

/** Entries of the user's own for `metadata`. */
export type OwnMetadata = { readonly [name: string]: Json };

/**
 * What the Python extractor said of a window, in its words and order, but for `extraction_timestamp`, which a file has
 * where the user's `own` entries say it: it is the same bytes whenever it is made. New are `frame_paths`,
 * `padded_frames`, and `clip`, which has the frames whole, as token files have them: a path alone does not lead back to
 * a frame of a video or of invented weather. Without a clip only the model is known.
 */
function metadataOf(
  clip: StoredClip | undefined,
  steps: number,
  model: string,
  own: OwnMetadata,
): Record<string, PtWritable> {
  if (!clip) return { model, ...own };
  const { frames } = clip;
  return {
    window_idx: clip.index,
    start_frame: frames[0]!.number,
    end_frame: frames.at(-1)!.number,
    frame_numbers: frames.map(({ number }) => number),
    frame_files: frames.map(({ locator }) => basename(locator.uri)),
    num_input_frames: frames.length,
    num_output_temporal: steps,
    temporal_mapping: temporalMapping(clip, steps),
    model,
    ...own,
    frame_paths: frames.map(({ locator }) => locator.uri),
    padded_frames: clip.padded,
    // Without what is `undefined`.
    clip: JSON.parse(JSON.stringify(storedClip(clip))) as PtWritable,
  };
}

/** A token grid of which the values are given apart. */
export interface WrittenTokens extends Omit<TokenGrid, 'values' | 'clip'> {
  readonly clip?: StoredClip;
}

/**
 * Tokens as `features` `[tokens, channels]` (all axes but the last as one), with `shape`, `dtype`, `model_info` and
 * `metadata`; the shares of `valid` (0 to 255) where there are any, and `globals` with their names.
 */
export function tokensForPython(tokens: WrittenTokens, values: PythonValues, own: OwnMetadata = {}): PtWritable {
  const { axes, valid, clip, encoder, globals } = tokens;
  const { shape, dtype } = values.tensor;
  const size = (name: string): number | undefined => (axes.includes(name) ? shape[axes.indexOf(name)]! : undefined);
  const channels = shape.at(-1)!;
  const count = elementCount(shape.slice(0, -1));
  const [time, height, width] = [size('time'), size('height'), size('width')];
  const flat = [count, channels];
  return {
    ...named('features', values, flat),
    shape: torchSize(flat),
    dtype: `torch.${dtype}`,
    model_info: {
      model_name: encoder.name,
      ...(clip && { num_input_frames: clip.frames.length }),
      ...(time !== undefined && { num_output_temporal: time }),
      ...(height !== undefined &&
        width !== undefined && {
          spatial_patches: height * width,
          spatial_grid_size: height === width ? height : [height, width],
        }),
      patch_dim: channels,
      total_patches: count,
    },
    metadata: {
      ...metadataOf(clip, time ?? 1, encoder.name, own),
      ...geometryFor(tokens),
      ...pythonTokensMetadata(tokens, shape),
    },
    ...(axes.join() !== 'time,height,width,channels' && { axes: [...axes], grid_shape: [...shape] }),
    ...(valid && { valid: tensor('uint8', [count], valid) }),
    ...(globals && { globals: globals.values, global_names: [...globals.names], global_axes: [...globals.axes] }),
  };
}

/** Tokens as one of many in a file, as the Python image extractor wrote them: `features` and `metadata`. */
export function imageForPython(tokens: WrittenTokens, values: PythonValues, own: OwnMetadata = {}): PtWritable {
  const { valid, globals, encoder, clip } = tokens;
  const { shape } = values.tensor;
  const count = elementCount(shape.slice(0, -1));
  return {
    ...named('features', values, [count, shape.at(-1)!]),
    metadata: {
      model: encoder.name,
      ...own,
      ...(clip && { frame_paths: [...new Set(clip.frames.map(({ locator }) => locator.uri))] }),
      ...geometryFor(tokens),
      ...pythonTokensMetadata(tokens, shape),
    },
    ...(valid && { valid: tensor('uint8', [count], valid) }),
    ...(globals && { globals: globals.values, global_names: [...globals.names], global_axes: [...globals.axes] }),
  };
}

/** An embedding as `features` with its own axes. */
export const embeddingForPython = (
  { axes, clip, encoder }: Embedding,
  values: PythonValues,
  own: OwnMetadata = {},
): PtWritable => ({
  ...named('features', values),
  shape: torchSize(values.tensor.shape),
  dtype: `torch.${values.tensor.dtype}`,
  axes: [...axes],
  model_info: { model_name: encoder.name, ...(clip && { num_input_frames: clip.frames.length }) },
  metadata: metadataOf(clip, 1, encoder.name, own),
});

/**
 * A projection as `projection`, its axes those of the tokens with `components` last, with the limits of its colours.
 */
export const projectionForPython = (
  projection: Projection,
  values: PythonValues,
  own: OwnMetadata = {},
): PtWritable => {
  const { axes, valid, limits, meaning, reducer, clip } = projection;
  const { shape, dtype } = values.tensor;
  return {
    ...named('projection', values),
    shape: torchSize(shape),
    dtype: `torch.${dtype}`,
    reducer,
    meaning,
    limits: limits.map((pair) => [...pair]),
    metadata: {
      ...metadataOf(clip, shape[Math.max(0, axes.indexOf('time'))]!, reducer, own),
      ...geometryFor(projection),
    },
    ...(valid && { valid: tensor('uint8', shape.slice(0, -1), valid) }),
  };
};
