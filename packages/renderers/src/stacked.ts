// Stacks each frame on top of the same frame with a projection's colours over it.

import { defineRenderer, outputPath, tensor, type Tensor } from '@deepearth/core';
import { z } from 'zod';
import { drawOverlay, overlayFields, shownSize, withShown, type ShownFrame } from './draw-overlay.ts';
import { pictures } from './each-frame.ts';
import { layerName } from './layer-name.ts';
import { describeFramePictures } from './projection-spec.ts';

/** Options of `renderer/stacked`. */
export const stackedOptions = z.strictObject({
  ...overlayFields,
  gapPixels: z.number().int().nonnegative().max(1024).default(0).describe('Black rows between the two.'),
  layer: outputPath()
    .optional()
    .describe('Name of the pictures. Default: the reducer and "stacked", as in "umap-stacked".'),
});

/** The stage `renderer/stacked`. */
export const stacked = defineRenderer({
  type: 'stacked',
  summary: 'Shows each frame above, and below it the same frame under the colours.',
  options: stackedOptions,
  examples: ['- type: renderer/stacked', '- type: renderer/stacked\n  with: { opacity: 0.6, gapPixels: 8 }'],

  joins: 'merged',
  describe: (_, { options, inputs, ownName }) =>
    describeFramePictures(
      inputs,
      layerName(options.layer, ownName, 'stacked'),
      (frame) => {
        const { height, width } = shownSize(frame, options);
        return { height: height && 2 * height + options.gapPixels, width };
      },
      options,
    ),

  process: (projections, context) =>
    pictures(projections, context, {
      per: 'frame',
      layer: ({ reducer }) => layerName(context.options.layer, context.ownName, 'stacked')(reducer),
      draw: (shot) => {
        const { options, signal, pixels } = context;
        const rowsFor = (height: number): number => 2 * height + options.gapPixels;
        /** A frame that is enlarged is enlarged into the picture. */
        let taken: Uint8Array<ArrayBuffer> | undefined;
        const room = (height: number, width: number): Uint8Array =>
          (taken = pixels.take(rowsFor(height) * width * 3)).subarray(0, height * width * 3);
        const stack = (shown: ShownFrame): Tensor<'uint8'> => {
          const { rgb, width, height } = shown;
          const rows = rowsFor(height);
          const out = taken ?? pixels.take(rows * width * 3);
          if (!taken) out.set(rgb);
          out.fill(0, rgb.length, (rows - height) * width * 3);
          drawOverlay(shot.projection, shot.step, shown, options, out, rows - height);
          return tensor('uint8', [rows, width, 3], out);
        };
        return withShown(shot, options, signal, stack, room);
      },
    }),
});
