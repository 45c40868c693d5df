// Lays a projection's colours over the frames they were made from.

import { defineRenderer, outputPath, tensor } from '@deepearth/core';
import { z } from 'zod';
import { drawOverlay, overlayFields, withShown, shownSize } from './draw-overlay.ts';
import { overlapField, pictures } from './each-frame.ts';
import { layerName } from './layer-name.ts';
import { describeFramePictures } from './projection-spec.ts';

/** Options of `renderer/overlay`. */
export const overlayOptions = z.strictObject({
  ...overlayFields,
  per: z
    .enum(['frame', 'step'])
    .optional()
    .describe('A picture for every `frame` (the default), or for the first frame of every time `step` of the grid.'),
  overlap: overlapField,
  layer: outputPath()
    .optional()
    .describe('Name of the pictures. Default: the reducer and "overlay", as in "umap-overlay".'),
});

/** The stage `renderer/overlay`. */
export const overlay = defineRenderer({
  type: 'overlay',
  summary: 'Lays the colours over the frames, each exactly over the pixels its token saw.',
  options: overlayOptions,
  examples: ['- type: renderer/overlay', '- type: renderer/overlay\n  with: { opacity: 0.7, interpolation: bicubic }'],

  joins: 'merged',
  describe: (_, { options, inputs, ownName }) =>
    describeFramePictures(
      inputs,
      layerName(options.layer, ownName, 'overlay'),
      (frame) => shownSize(frame, options),
      options,
    ),

  process: (projections, context) =>
    pictures(projections, context, {
      per: context.options.per ?? 'frame',
      overlap: context.options.overlap,
      layer: ({ reducer }) => layerName(context.options.layer, context.ownName, 'overlay')(reducer),
      draw: (shot) =>
        withShown(shot, context.options, context.signal, (shown) => {
          const out = context.pixels.take(shown.rgb.length);
          drawOverlay(shot.projection, shot.step, shown, context.options, out);
          return tensor('uint8', [shown.height, shown.width, 3], out);
        }),
    }),
});
