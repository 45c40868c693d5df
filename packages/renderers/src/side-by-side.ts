// Puts each frame beside the same frame with a projection's colours over it.

import { defineRenderer, outputPath, tensor } from '@deepearth/core';
import { z } from 'zod';
import { drawOverlay, overlayFields, withShown, shownSize } from './draw-overlay.ts';
import { pictures } from './each-frame.ts';
import { layerName } from './layer-name.ts';
import { describeFramePictures } from './projection-spec.ts';

const options = z.strictObject({
  ...overlayFields,
  gapPixels: z.number().int().nonnegative().max(1024).default(0).describe('Black columns between the two.'),
  layer: outputPath()
    .optional()
    .describe('Name of the pictures. Default: the reducer and "side-by-side", as in "umap-side-by-side".'),
});

/** The stage `renderer/side-by-side`. */
export const sideBySide = defineRenderer({
  type: 'side-by-side',
  summary: 'Shows each frame on the left, and on the right the same frame under the colours.',
  options,
  examples: [
    '- type: renderer/side-by-side',
    '- type: renderer/side-by-side\n  with: { interpolation: linear, gapPixels: 8 }',
  ],

  joins: 'merged',
  describe: (_, { options, inputs, ownName }) =>
    describeFramePictures(
      inputs,
      layerName(options.layer, ownName, 'side-by-side'),
      (frame) => {
        const { height, width } = shownSize(frame, options);
        return { height, width: width && 2 * width + options.gapPixels };
      },
      options,
    ),

  process: (projections, context) =>
    pictures(projections, context, {
      per: 'frame',
      layer: ({ reducer }) => layerName(context.options.layer, context.ownName, 'side-by-side')(reducer),
      draw: (shot) =>
        withShown(shot, context.options, context.signal, (shown) => {
          const { rgb, width, height } = shown;
          const under = new Uint8Array(rgb.length);
          drawOverlay(shot.projection, shot.step, shown, context.options, under);
          const columns = 2 * width + context.options.gapPixels;
          const out = new Uint8Array(height * columns * 3);
          for (let row = 0; row < height; row++) {
            const line = rgb.subarray(row * width * 3, (row + 1) * width * 3);
            out.set(line, row * columns * 3);
            out.set(under.subarray(row * width * 3, (row + 1) * width * 3), (row * columns + columns - width) * 3);
          }
          return tensor('uint8', [height, columns, 3], out);
        }),
    }),
});
