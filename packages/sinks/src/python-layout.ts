// The layout of the Python extractor's .pt files, so that its readers go on working.

import { basename } from 'node:path';
import type { Clip, Embedding, Projection, Tensor, TokenGrid } from '@deepearth/core';
import type { PtWritable } from '@deepearth/formats/pt-pickle-writer';
import { torchSize } from '@deepearth/formats/python-values';

type Values = Tensor<'float32' | 'float16'>;

const padded = (number: number): string => String(number).padStart(4, '0');

/** `t0: frames_0000_0001, …`: the first and last frame that each time step saw. */
function temporalMapping({ frames }: Clip, steps: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: steps }, (_, step) => {
      const first = frames[Math.floor((step * frames.length) / steps)]!;
      const last = frames[Math.max(0, Math.ceil(((step + 1) * frames.length) / steps) - 1)]!;
      return [`t${step}`, `frames_${padded(first.number)}_${padded(last.number)}`];
    }),
  );
}

/**
 * What the Python extractor said of a window, in its words and order, but for `extraction_timestamp`: a file is the
 * same bytes whenever it is made. New are `frame_paths` (names alone did not lead back to the frames) and
 * `padded_frames`.
 */
function metadataOf(clip: Clip, steps: number, model: string): Record<string, PtWritable> {
  const { frames } = clip;
  return {
    window_idx: clip.index,
    start_frame: frames[0]!.number,
    end_frame: frames.at(-1)!.number,
    frame_numbers: frames.map(({ number }) => number),
    frame_files: frames.map(({ origin }) => basename(origin)),
    num_input_frames: frames.length,
    num_output_temporal: steps,
    temporal_mapping: temporalMapping(clip, steps),
    model,
    frame_paths: frames.map(({ origin }) => origin),
    padded_frames: clip.padded,
  };
}

/**
 * Tokens as `features` `[time · height · width, channels]`, with `shape`, `dtype`, `model_info` and `metadata`; a mask
 * as `valid` where there is one.
 */
export function tokensForPython(
  { values: { shape }, valid, clip, encoder, geometry }: TokenGrid,
  values: Values,
): PtWritable {
  const [time, height, width, channels] = shape as [number, number, number, number];
  const flat = [time * height * width, channels];
  return {
    features: { ...values, shape: flat },
    shape: torchSize(flat),
    dtype: `torch.${values.dtype}`,
    model_info: {
      model_name: encoder.name,
      num_input_frames: clip.frames.length,
      num_output_temporal: time,
      spatial_patches: height * width,
      spatial_grid_size: height === width ? height : [height, width],
      patch_dim: channels,
      total_patches: time * height * width,
    },
    metadata: { ...metadataOf(clip, time, encoder.name), geometry: { ...geometry } },
    ...(valid && { valid: { dtype: 'bool', shape: [flat[0]!], data: valid } satisfies Tensor<'bool'> }),
  };
}

/** An embedding as `features` with its own axes. */
export const embeddingForPython = ({ axes, clip, encoder }: Embedding, values: Values): PtWritable => ({
  features: values,
  shape: torchSize(values.shape),
  dtype: `torch.${values.dtype}`,
  axes: [...axes],
  model_info: { model_name: encoder.name, num_input_frames: clip.frames.length },
  metadata: metadataOf(clip, 1, encoder.name),
});

/** A projection as `projection` `[time, height, width, components]` with the limits of its colours. */
export const projectionForPython = (
  { valid, limits, meaning, reducer, clip, geometry }: Projection,
  values: Values,
): PtWritable => ({
  projection: values,
  shape: torchSize(values.shape),
  dtype: `torch.${values.dtype}`,
  reducer,
  meaning,
  limits: limits.map((pair) => [...pair]),
  metadata: { ...metadataOf(clip, values.shape[0]!, reducer), geometry: { ...geometry } },
  ...(valid && { valid: { dtype: 'bool', shape: values.shape.slice(0, 3), data: valid } satisfies Tensor<'bool'> }),
});
