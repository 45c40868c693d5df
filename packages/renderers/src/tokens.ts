// Draws the token grid itself: one square of colour per token.

import {
  axisSize,
  defineRenderer,
  isRefusal,
  outputPath,
  spec,
  tensor,
  type Projection,
  type StreamSpec,
} from '@deepearth/core';
import { z } from 'zod';
import { annotationOptions, captionedHeight } from './annotated.ts';
import { captionFields } from './caption.ts';
import { cellColors, colorOptions } from './cell-colors.ts';
import { pictures } from './each-frame.ts';
import { layerName } from './layer-name.ts';
import { layersOf, wantProjections } from './projection-spec.ts';

/** Options of `renderer/tokens`. */
export const tokensOptions = z.strictObject({
  ...colorOptions,
  ...annotationOptions,
  cellPixels: z
    .number()
    .int()
    .min(1)
    .max(256)
    .default(20)
    .describe('Edge of a token in the picture, in pixels: 24 x 24 tokens make 480 x 480.'),
  per: z
    .enum(['step', 'frame'])
    .default('step')
    .describe(
      'A picture per time step of the grid, or per frame (the frames of one step look the same), which keeps pace with other animations.',
    ),
  background: z
    .string()
    .regex(/^(#[0-9a-f]{6}|transparent)$/i)
    .default('#000000')
    .describe('Colour of tokens that saw no data, "#rrggbb" or "transparent".'),
  layer: outputPath()
    .optional()
    .describe('Name of the pictures. Default: the reducer and "tokens", as in "umap-tokens".'),
});

/** Time steps of all grids; where clips overlap, fewer are drawn. */
function stepsOf(input: StreamSpec): number | null {
  const time = axisSize(input, 'time');
  return time === null || input.count === null ? null : time * input.count;
}

/** The stage `renderer/tokens`. */
export const tokens = defineRenderer({
  type: 'tokens',
  summary: 'Draws the token grid itself, one square of colour per token.',
  options: tokensOptions,
  examples: [
    '- type: renderer/tokens',
    '- type: renderer/tokens\n  with: { cellPixels: 10, colorMap: magma, per: frame }',
  ],

  joins: 'merged',

  describe(_, { options: { cellPixels, background, layer, per, caption, legend }, inputs, ownName }) {
    const input = wantProjections(inputs);
    if (isRefusal(input)) return input;
    const most = per === 'frame' ? (input.frames?.count ?? null) : stepsOf(input);
    const edge = (name: string) => (axisSize(input, name) === null ? null : axisSize(input, name)! * cellPixels);
    const width = edge('width');
    // How high a legend is depends on the numbers in it.
    const height = legend ? null : captionedHeight(width, edge('height'), captionFields(caption));
    return {
      output: {
        ...spec('picture', { height, width, channels: background === 'transparent' ? 4 : 3 }, 'uint8'),
        ...(most !== null && { most: { count: most } }),
        ...layersOf(input, layerName(layer, ownName, 'tokens')),
      },
    };
  },

  process: (projections, context) =>
    pictures(projections, context, {
      per: context.options.per,
      layer: ({ reducer }) => layerName(context.options.layer, context.ownName, 'tokens')(reducer),
      draw: ({ projection, step }) => drawTokens(projection, step, context.options),
    }),
});

/** One time step enlarged, `[height · cellPixels, width · cellPixels, 3 or 4]`. */
export function drawTokens(projection: Projection, step: number, options: z.output<typeof tokensOptions>) {
  const { cellPixels, background } = options;
  const [, height, width] = projection.values.shape as [number, number, number];
  const colors = cellColors(projection, step, options);
  const channels = background === 'transparent' ? 4 : 3;
  const behind =
    background === 'transparent' ? [0, 0, 0] : [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16));
  const out = new Uint8Array(height * width * cellPixels * cellPixels * channels);
  const line = width * cellPixels * channels;
  for (let row = 0; row < height; row++) {
    const start = row * cellPixels * line;
    for (let column = 0, at = start; column < width; column++) {
      const from = (row * width + column) * 4;
      for (let i = 0; i < cellPixels; i++, at += channels) {
        for (let c = 0; c < channels; c++)
          out[at + c] = c < 3 && colors[from + 3] === 0 ? behind[c]! : colors[from + c]!;
      }
    }
    for (let i = 1; i < cellPixels; i++) out.copyWithin(start + i * line, start, start + line);
  }
  return tensor('uint8', [height * cellPixels, width * cellPixels, channels], out);
}
