// How pictures are prepared for a DINO encoder: as its own preprocessor_config.json says, or as the published ones do.

import type { ProcessorFamily } from '@deepearth/vision/find-processor';
import { imageNet } from '@deepearth/vision/picture-processing';
import type { Processor } from '@deepearth/vision/processor-config';
import type { Architecture } from './architecture.ts';

const crop = { height: 224, width: 224 };

/** What the published checkpoints of each kind come with. Those of satellite pictures have other statistics. */
export const publishedProcessor = ({ kind }: Pick<Architecture, 'kind'>): Processor =>
  kind === 'dinov3'
    ? { processing: { resize: 'exact', interpolation: 'bilinear', resizedAs: 'float32', ...imageNet }, crop }
    : {
        processing: {
          resize: { shortestEdge: 256, crop: 224 },
          interpolation: 'bicubic',
          resizedAs: 'uint8',
          ...imageNet,
        },
        crop,
      };

/** Where the processor of such a checkpoint is found, and what is done without one. */
export const processorFamily = (architecture: Pick<Architecture, 'kind'>): ProcessorFamily => ({
  of: 'image',
  published: publishedProcessor(architecture),
  known: ['BitImageProcessor', 'CLIPImageProcessor', 'DINOv3ViTImageProcessor', 'ViTImageProcessor'],
  fallback: architecture.kind === 'dinov3' ? 'DINOv3ViTImageProcessor' : 'BitImageProcessor',
});
