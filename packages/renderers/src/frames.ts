// Shows the frames themselves, as they were read, clip by clip.

import {
  defineRenderer,
  isRefusal,
  oneStream,
  outputPath,
  refuse,
  spec,
  tensor,
  type Picture,
  type Projection,
  type TokenGrid,
} from '@deepearth/core';
import { z } from 'zod';
import { annotatedHeight, annotationOptions } from './annotated.ts';
import { overlapField, pictures } from './each-frame.ts';
import { toRgb } from '@deepearth/vision/rgb';

const usualLayer = 'frames';

const options = z.strictObject({
  overlap: overlapField,
  ...annotationOptions,
  layer: outputPath().default(usualLayer).describe('Name of the pictures.'),
});

/** A layer that nobody chose gives way where another stage's is called the same. */
const layerOf = (layer: string, ownName: string | undefined): string =>
  layer === usualLayer ? (ownName ?? layer) : layer;

/** The stage `renderer/frames`. */
export const framesRenderer = defineRenderer<typeof options, undefined, undefined, TokenGrid | Projection, Picture>({
  type: 'frames',
  summary: 'Shows the frames that tokens were made of, without any colours over them.',
  options,
  joins: 'merged',
  examples: [
    '- type: renderer/frames\n  from: tokens',
    '- type: renderer/frames\n  from: tokens\n  with: { layer: original, overlap: every }',
  ],

  describe(_, { options, inputs, ownName }) {
    const { layer, overlap } = options;
    const input = oneStream(inputs);
    if (input && isRefusal(input)) return input;
    if (input?.kind !== 'tokens' && input?.kind !== 'projection')
      return refuse(`this renderer takes tokens or projections, not ${input?.kind ?? 'nothing'}.`, {
        remedy: 'Put it behind an encoder or a reducer.',
      });
    const { height = null, width = null, count = null } = input.frames ?? {};
    const tall = annotatedHeight(width, height, options);
    return {
      output: {
        ...spec('picture', { height: tall, width, channels: 3 }, 'uint8'),
        names: [layerOf(layer, ownName)],
        ...(overlap !== 'every' && count !== null && { most: { count } }),
      },
    };
  },

  process: (grids, context) =>
    pictures(grids, context, {
      per: 'frame',
      overlap: context.options.overlap,
      layer: () => layerOf(context.options.layer, context.ownName),
      async draw({ frame }) {
        const raster = await frame.read({ signal: context.signal });
        const [height, width] = raster.values.shape as [number, number];
        return tensor('uint8', [height, width, 3], toRgb(raster, frame));
      },
    }),
});
