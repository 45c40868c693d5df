// Frames of a clip made ready for V-JEPA 2.

import { InputError } from '@deepearth/core/errors';
import type { Raster } from '@deepearth/core/items';
import { releaseRaster } from '@deepearth/core/raster-memory';
import { readAhead, readsAtOnce } from '@deepearth/onnx/read-ahead';
import type { CropSize, Fit } from '@deepearth/vision/geometry';
import { clipPreparation, type PreparedClip } from '@deepearth/vision/preprocess';
import type { Processor } from '@deepearth/vision/processor-config';
import type { Architecture } from './architecture.ts';

/** How the frames of a clip become the encoder's input. */
export interface ClipOptions {
  /** Pixels of the encoder's input; the processor's own by default. */
  readonly cropSize?: CropSize | undefined;
  readonly fit?: Fit | undefined;
  /** For `fit: tile`: pixels of the input per pixel of the frame. */
  readonly scale?: number | undefined;
  /** For frames that are not 8-bit: the values that become 0 and 255. */
  readonly range?: readonly [low: number, high: number] | undefined;
  /** Where the frames came from, for errors. */
  readonly names?: readonly string[] | undefined;
  /** Called with each wait for pictures. */
  readonly reading?: (<T>(wait: Promise<T>) => Promise<T>) | undefined;
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

/** A frame whose pixels are read when its turn comes. */
export interface UnreadFrame {
  /** A frame that has the key of the one before is not read again. */
  readonly key: unknown;
  /** Of its pixels, where that is known before it is read. */
  readonly bytes?: number;
  read(): Promise<Raster>;
}

/**
 * A clip made ready for an encoder, by the checkpoint's processor. Small frames are read a few at a time; of large ones
 * the pixels of one are in memory. Throws what reading and preparing throw.
 */
export async function readyClip(
  { patchSize, tubelet, family }: Architecture,
  { processing, crop }: Processor,
  frames: readonly UnreadFrame[],
  { cropSize = crop, reading = (wait) => wait, ...options }: ClipOptions,
): Promise<PreparedClip> {
  const preparation = clipPreparation({
    ...options,
    names: options.names ?? frames.map((_, index) => `frame ${index + 1} of ${frames.length}`),
    cropSize,
    patchSize,
    processing,
    tubelet: frames.length === 1 && family === '2.1' ? 1 : tubelet,
  });
  const isRepeated = frames.map(({ key }, index) => index > 0 && key === frames[index - 1]!.key);
  const reads = frames.filter((_, index) => !isRepeated[index]).map((frame) => () => frame.read());
  const rasters = readAhead(reads, readsAtOnce(frames[0]?.bytes ?? Infinity));
  for (const repeated of isRepeated)
    if (repeated) preparation.repeat();
    else {
      const raster = (await reading(rasters.next())).value as Raster;
      if (!preparation.add(raster)) releaseRaster(raster);
    }
  return preparation.finish();
}
