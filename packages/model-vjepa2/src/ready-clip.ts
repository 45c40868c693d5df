// Frames of a clip made ready for V-JEPA 2.

import { InputError } from '@deepearth/core/errors';
import type { Raster } from '@deepearth/core/items';
import type { CropSize, Fit } from '@deepearth/vision/geometry';
import { prepareClip, type PreparedClip } from '@deepearth/vision/preprocess';
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

/** A clip made ready for an encoder, by the checkpoint's processor. */
export const readyClip = (
  { patchSize, tubelet, family }: Architecture,
  { processing, crop }: Processor,
  rasters: readonly Raster[],
  { cropSize = crop, ...options }: ClipOptions,
): PreparedClip =>
  prepareClip(rasters, {
    ...options,
    cropSize,
    patchSize,
    processing,
    tubelet: rasters.length === 1 && family === '2.1' ? 1 : tubelet,
  });
