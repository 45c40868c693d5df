// V-JEPA 2 as a library: load a model, hand it pictures, get tokens.

import { InputError } from '@deepearth/core/errors';
import type { EncoderIdentity, Raster } from '@deepearth/core/items';
import { tensor } from '@deepearth/core/tensor';
import type { PreparedClip } from '@deepearth/vision/preprocess';
import { readPicture } from '@deepearth/vision/read-picture';
import type { Architecture } from './architecture.ts';
import { openCheckpoint } from '@deepearth/onnx/checkpoint';
import { largestBatch } from '@deepearth/onnx/batch-trial';
import { encodeFrames, pixelsOf } from '@deepearth/onnx/encode-frames';
import { openEncoder, type EncoderOptions } from '@deepearth/onnx/encoder';
import { vjepa2Family } from './family.ts';
import type { Device } from '@deepearth/onnx/devices';
import { resolveModel } from '@deepearth/onnx/resolve-model';
import { findProcessor } from '@deepearth/vision/find-processor';
import { processorFamily } from './processing.ts';
import { checkFrameCount, readyClip, type ClipOptions } from './ready-clip.ts';
import { tokensOf, type Tokens } from './tokens.ts';
import type { Precision } from '@deepearth/onnx/precision';

/** Pixels in memory: `height * width * channels` values, row by row, 1, 3 or 4 channels (the fourth is opacity). */
export interface RawPicture {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** A path, the bytes of a picture file, raw pixels (an `ImageData` is one), or a raster. */
export type PictureInput = string | Uint8Array | RawPicture | Raster;

/** Which model is loaded, where it runs, and how pictures become its input. */
export interface ExtractorOptions
  extends ClipOptions, Pick<EncoderOptions, 'precision' | 'threads' | 'signal' | 'log' | 'progress'> {
  /**
   * `builtin`, a folder with config.json and model.safetensors, a weights file, or a name on the Hugging Face Hub.
   * `builtin` by default.
   */
  readonly model?: string;
  /** Weights file inside the model's folder, when it is not model.safetensors. */
  readonly weights?: string | undefined;
  /** Where to run; `auto` by default. */
  readonly device?: Device;
  /** Several devices side by side, instead of `device`. */
  readonly devices?: readonly Device[];
  /**
   * Clips (or tiles) in one call; by default 1 on the CPU, and on a GPU what a trial with the first call finds
   * quickest.
   */
  readonly batchSize?: number;
  /**
   * How often a still image is repeated for V-JEPA 2.0, which knows clips only; 16 by default. 2.1 has an image
   * embedding.
   */
  readonly stillFrames?: number;
}

/** Options of one call of `extract`. */
export interface ExtractOptions {
  /** Ends the work; the model is loaded again by the next call. */
  readonly signal?: AbortSignal;
}

/**
 * A loaded model. `extract` throws an `InputError` for pictures that cannot be read, an odd number of frames, and
 * output that is not finite.
 */
export interface VJepa2Extractor extends AsyncDisposable {
  readonly architecture: Architecture;
  /** Name of the model and digest of architecture, weights and precision. */
  readonly encoder: EncoderIdentity;
  readonly precision: Precision;
  /** Where it runs. */
  readonly devices: readonly string[];
  /**
   * One image: `[8, 24, 24, 1408]` for 16 repetitions through ViT-g at 384 pixels, `[1, 24, 24, 1408]` in V-JEPA 2.1.
   */
  extract(image: PictureInput, options?: ExtractOptions): Promise<Tokens>;
  /** The frames of one clip, an even number: `[frames / 2, height / 16, width / 16, channels]`. */
  extract(frames: readonly PictureInput[], options?: ExtractOptions): Promise<Tokens>;
  /** Several clips, returned in order. */
  extract(clips: readonly (readonly PictureInput[])[], options?: ExtractOptions): Promise<Tokens[]>;
  /** Ends the model's processes. Safe to call twice. */
  dispose(): Promise<void>;
}

/** Loads a model. Throws an `InputError` when the model, a tensor of it or the device is not there or not right. */
async function load(options: ExtractorOptions = {}): Promise<VJepa2Extractor> {
  const {
    model = 'builtin',
    weights,
    device = 'auto',
    devices = [device],
    batchSize: given,
    stillFrames = 16,
    ...rest
  } = options;
  const { path, name } = await resolveModel([vjepa2Family], model, rest);
  const checkpoint = await openCheckpoint(vjepa2Family, path, { weights, name });
  const { architecture, folder } = checkpoint;
  for (const note of checkpoint.notes) rest.log?.(note);
  const { encoder, processor } = await (async () => {
    const processor = await findProcessor(folder, processorFamily(architecture));
    return { processor, encoder: await openEncoder(checkpoint, { ...rest, devices }) };
  })().catch(async (error: unknown) => {
    await checkpoint.close();
    throw error;
  });
  let disposed = false;
  let found: number | undefined;

  async function ready(inputs: readonly PictureInput[]) {
    const still = inputs.length === 1 && architecture.family === '2.0';
    const frames = still ? Array.from({ length: stillFrames }, () => inputs[0]!) : inputs;
    if (frames.length === 0) throw new InputError('clip', 'there are no frames in it.');
    checkFrameCount(frames.length, architecture.tubelet, 'clip');
    const names = frames.map((input, i) => (typeof input === 'string' ? input : `frame ${i + 1} of ${frames.length}`));
    const unread = frames.map((key, i) => ({ key, read: () => toRaster(key, names[i]!) }));
    return readyClip(architecture, processor, unread, { ...rest, names });
  }

  async function extract(
    input: PictureInput | readonly PictureInput[] | readonly (readonly PictureInput[])[],
    { signal }: ExtractOptions = {},
  ): Promise<Tokens | Tokens[]> {
    if (disposed) throw new InputError('extractor', 'it has been disposed; load it again.', { code: 'E_DISPOSED' });
    signal?.throwIfAborted();
    const list = Array.isArray(input) ? (input as readonly unknown[]) : undefined;
    const several = list !== undefined && list.length > 0 && list.every(Array.isArray);
    const clips = several
      ? (input as readonly (readonly PictureInput[])[])
      : [list ? (input as readonly PictureInput[]) : [input as PictureInput]];
    const results: Tokens[] = [];
    for (let at = 0; at < clips.length;) {
      const prepared = [await ready(clips[at]!)];
      const [source] = prepared as [PreparedClip];
      // A few calls are no trial: what one that was cut short finds is not kept.
      const batchSize =
        given ??
        found ??
        (await encoder.batchSizeFor(
          () => pixelsOf([{ source, row: 0, column: 0 }]),
          clips.length * source.tiles.rows * source.tiles.columns,
          signal,
        ));
      if (clips.length >= largestBatch) found ??= batchSize;
      // So many clips at a time that every device has a full batch; more would only wait in memory.
      const next = at + batchSize * encoder.devices.length;
      for (const clip of clips.slice(at + 1, next)) prepared.push(await ready(clip));
      at = next;
      for (const { values, geometry, valid } of await encodeFrames(encoder, prepared, batchSize, signal))
        results.push(tokensOf(values, geometry, valid));
    }
    return several ? results : results[0]!;
  }

  const dispose = async (): Promise<void> => {
    disposed = true;
    await encoder.close();
    await checkpoint.close();
  };
  return {
    architecture,
    encoder: encoder.identity,
    precision: encoder.precision,
    devices: encoder.devices,
    extract: extract as VJepa2Extractor['extract'],
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/**
 * Loads V-JEPA 2:
 *
 *     await using extractor = await VJepa2Extractor.load({ model: 'facebook/vjepa2-vitg-fpc64-384' });
 *     const tokens = await extractor.extract(paths);      // 16 frames: [8, 24, 24, 1408]
 *     const vector = tokens.aggregate('mean');            // [1408]
 */
export const VJepa2Extractor = { load };

async function toRaster(input: PictureInput, name: string): Promise<Raster> {
  if (typeof input === 'string' || input instanceof Uint8Array) return readPicture(input, { name });
  if ('values' in input) return input;
  const { data, width, height } = input;
  const channels = data.length / (width * height);
  if (!Number.isInteger(channels) || ![1, 3, 4].includes(channels))
    throw new InputError(
      name,
      `${width} x ${height} pixels with ${data.length} values: expected 1, 3 or 4 values a pixel.`,
    );
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return {
    values: tensor('uint8', [height, width, channels], bytes),
    channels: channels === 1 ? ['grey'] : ['red', 'green', 'blue', 'alpha'].slice(0, channels),
  };
}
