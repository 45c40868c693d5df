// One clip of pictures through an encoder: prepared, cut into tiles where asked, encoded, and put together again.

import { InputError } from '@deepearth/core/errors';
import type { Geometry, Raster } from '@deepearth/core/items';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { CropSize, Fit } from '@deepearth/vision/geometry';
import type { TileAssembly } from '@deepearth/vision/assemble-tiles';
import { prepareClip, type PreparedClip } from '@deepearth/vision/preprocess';
import type { Encoder } from './encoder.ts';
import { vjepa2Processing } from './processing.ts';

export interface ClipOptions {
  /** Pixels of the encoder's input; the checkpoint's own unless told. */
  readonly cropSize?: CropSize | undefined;
  readonly fit?: Fit | undefined;
  /** For `fit: tile`: pixels of the input per pixel of the frame. */
  readonly scale?: number | undefined;
  /** For frames that are not 8-bit: the values that become 0 and 255. */
  readonly range?: readonly [low: number, high: number] | undefined;
  /** Where the frames came from, for errors. */
  readonly names?: readonly string[] | undefined;
}

export interface EncodedClip {
  /** `[time, height, width, channels]`. */
  readonly values: Tensor<'float32'>;
  readonly geometry: Geometry;
  readonly valid?: Uint8Array;
}

/** Refuses a clip whose last frame no token would see. A single frame is fine: it is an image. */
export function checkFrameCount(frames: number, tubelet: number, name: string): void {
  if (frames > 1 && frames % tubelet)
    throw new InputError(
      name,
      `it has ${frames} frames, and a token spans ${tubelet}: the last ${frames % tubelet === 1 ? 'frame' : `${frames % tubelet} frames`} would be left out.`,
      {
        code: 'E_ODD_CLIP',
        remedy: `Give a multiple of ${tubelet}.`,
      },
    );
}

/** A clip made ready for an encoder. */
export function readyClip(
  encoder: Encoder,
  rasters: readonly Raster[],
  { cropSize = encoder.architecture.cropSize, ...options }: ClipOptions,
): PreparedClip {
  const { tubelet, family, patchSize } = encoder.architecture;
  return prepareClip(rasters, {
    ...options,
    cropSize,
    patchSize,
    processing: vjepa2Processing,
    tubelet: rasters.length === 1 && family === '2.1' ? 1 : tubelet,
  });
}

/**
 * Encodes clips of one length, `batchSize` pieces (clips, or tiles of clips) in a call. Returns them in order. Throws
 * an `InputError` for frames that cannot be prepared and for an output that is not finite.
 */
export async function encodeClips(
  encoder: Encoder,
  clips: readonly PreparedClip[],
  batchSize: number,
  signal?: AbortSignal,
): Promise<EncodedClip[]> {
  const pieces = clips.flatMap((clip, index) =>
    Array.from({ length: clip.tiles.rows * clip.tiles.columns }, (_, tile) => ({
      clip,
      index,
      row: Math.floor(tile / clip.tiles.columns),
      column: tile % clip.tiles.columns,
    })),
  );
  const results: Result[] = clips.map(() => ({}));
  const jobs: Promise<void>[] = [];
  for (let at = 0; at < pieces.length;) {
    const [first] = pieces.slice(at, at + 1) as [(typeof pieces)[number]];
    let end = at + 1;
    while (end < pieces.length && end - at < batchSize && sameShape(pieces[end]!.clip, first.clip)) end++;
    const batch = pieces.slice(at, end);
    at = end;
    // As many calls at a time as there are devices; each has its pixels in memory.
    if (jobs.length >= encoder.devices.length) await jobs.shift();
    const job = encodeBatch(encoder, batch, results, signal);
    job.catch(() => undefined);
    jobs.push(job);
  }
  await Promise.all(jobs);
  return clips.map(({ geometry, valid }, index) => {
    const { values, assembly } = results[index]!;
    return { values: values ?? assembly!.finish(), geometry, ...(valid && { valid }) };
  });
}

const sameShape = (a: PreparedClip, b: PreparedClip): boolean =>
  a.frames === b.frames && a.height === b.height && a.width === b.width;

interface Piece {
  readonly clip: PreparedClip;
  readonly index: number;
  readonly row: number;
  readonly column: number;
}

/** A clip's tokens: whole, or of tiles that are put together. */
interface Result {
  values?: Tensor<'float32'>;
  assembly?: TileAssembly;
}

async function encodeBatch(
  encoder: Encoder,
  batch: readonly Piece[],
  results: readonly Result[],
  signal?: AbortSignal,
): Promise<void> {
  const { frames, height, width } = batch[0]!.clip;
  const size = frames * 3 * height * width;
  const pixels = new Float32Array(batch.length * size);
  batch.forEach(({ clip, row, column }, i) => clip.pixels(row, column, pixels.subarray(i * size, (i + 1) * size)));
  const { tokens, grid } = await encoder.encode(
    tensor('float32', [batch.length, frames, 3, height, width], pixels),
    signal,
  );
  const channels = tokens.shape.at(-1)!;
  const each = tokens.data.length / batch.length;
  batch.forEach(({ clip, index, row, column }, i) => {
    const values = tokens.data.subarray(i * each, (i + 1) * each);
    if (!values.every(Number.isFinite))
      throw new InputError('encoder', 'its answer holds NaN or infinity.', {
        code: 'E_NAN',
        remedy: 'Try fp32, or check the checkpoint with `deepearth model check`.',
      });
    const result = results[index]!;
    if (clip.tiles.rows * clip.tiles.columns > 1) {
      result.assembly ??= clip.assemble(grid.time, channels);
      result.assembly.add(row, column, values);
    } else {
      const shape = [grid.time, grid.height, grid.width, channels];
      result.values = tensor('float32', shape, batch.length === 1 ? values : values.slice());
    }
  });
}
