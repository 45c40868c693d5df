// What V-JEPA 2's own processor does to frames.

import { imageNet, type PictureProcessing } from '@deepearth/vision/picture-processing';

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
