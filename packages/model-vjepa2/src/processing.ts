// What V-JEPA 2's own processor does to frames.

import type { ProcessorFamily } from '@deepearth/vision/find-processor';
import { imageNet, type PictureProcessing } from '@deepearth/vision/picture-processing';
import type { Architecture } from './architecture.ts';

/**
 * Hugging Face's `VJEPA2VideoProcessor`: the shortest edge to `int(crop * 256 / 224)`, antialiased bilinear on 8-bit
 * values, centre crop, ImageNet's statistics. 256 gives 292, 384 gives 438.
 */
export const vjepa2Processing: PictureProcessing = {
  resize: { shortestEdge: 256, crop: 224 },
  interpolation: 'bilinear',
  resizedAs: 'uint8',
  ...imageNet,
};

/** Edge of a patch in every published checkpoint, pixels. */
export const vjepa2PatchSize = 16;

/** Where the processor of a checkpoint is found, and what is done without one. */
export const processorFamily = ({ cropSize }: Pick<Architecture, 'cropSize'>): ProcessorFamily => ({
  of: 'video',
  published: { processing: vjepa2Processing, crop: { height: cropSize, width: cropSize } },
  known: ['VJEPA2VideoProcessor'],
  fallback: 'VJEPA2VideoProcessor',
});
