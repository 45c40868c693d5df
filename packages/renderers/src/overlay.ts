// Lays a projection's colours over the frames they were made from.

import { defineRenderer, outputPath, tensor } from '@deepearth/core';
import { z } from 'zod';
import { drawOverlay, overlayFields, readRgb } from './draw-overlay.ts';
import { pictures } from './each-frame.ts';
import { layerName } from './layer-name.ts';
import { describeFramePictures } from './projection-spec.ts';

/** Options of `renderer/overlay`. */
export const overlayOptions = z.strictObject({
  ...overlayFields,
  layer: outputPath()
    .optional()
    .describe('Name of the pictures. Default: the reducer and "overlay", as in "umap-overlay".'),
});

/** The stage `renderer/overlay`. */
export const overlay = defineRenderer({
  type: 'overlay',
  summary: 'Lays the colours over the frames, each exactly over the pixels its token saw.',
  options: overlayOptions,
  examples: ['- type: renderer/overlay', '- type: renderer/overlay\n  with: { opacity: 0.7, interpolation: smooth }'],

  joins: 'merged',
  describe: (_, { options, inputs, ownName }) =>
    describeFramePictures(inputs, layerName(options.layer, ownName, 'overlay')),

  process: (projections, context) =>
    pictures(projections, context, {
      per: 'frame',
      layer: ({ reducer }) => layerName(context.options.layer, context.ownName, 'overlay')(reducer),
      async draw(shot) {
        const rgb = await readRgb(shot, context.signal);
        const out = new Uint8Array(rgb.length);
        drawOverlay(shot.projection, shot.step, rgb, context.options, out);
        return tensor('uint8', [shot.frame.height, shot.frame.width, 3], out);
      },
    }),
});
