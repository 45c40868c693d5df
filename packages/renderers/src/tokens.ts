// Draws the token grid itself: one square of colour per token.

import {
  axisSize,
  defineRenderer,
  isRefusal,
  outputPath,
  spec,
  tensor,
  type ClipPlace,
  type Projection,
  type StreamSpec,
  type Tensor,
} from '@deepearth/core';
import { z } from 'zod';
import { annotatedHeight, annotationOptions } from './annotated.ts';
import { cellColors, colorOptions } from './cell-colors.ts';
import { overlapField, pictures } from './each-frame.ts';
import { enlarged } from './enlarged.ts';
import { layerName } from './layer-name.ts';
import { scaleField } from './own-limits.ts';
import { layersOf, wantProjections } from './projection-spec.ts';

/** Options of `renderer/tokens`. */
export const tokensOptions = z.strictObject({
  ...colorOptions,
  ...annotationOptions,
  scale: scaleField,
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
  overlap: overlapField,
  interpolation: z
    .enum(['nearest', 'linear', 'bicubic'])
    .default('nearest')
    .describe('Squares, or colours that blend from one token to the next. Groups are always squares.'),
  time: z
    .enum(['hold', 'linear'])
    .default('hold')
    .describe(
      'With `per: frame`, what frames between the middles of two steps show: the step that saw them, or a mix of both.',
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

type Options = z.output<typeof tokensOptions>;

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
    '- type: renderer/tokens\n  with: { per: frame, interpolation: bicubic, time: linear }',
    '- type: renderer/tokens\n  with: { scale: clip }',
  ],

  joins: 'merged',

  describe(_, { options, inputs, ownName }) {
    const { cellPixels, background, layer, per, overlap } = options;
    const input = wantProjections(inputs, options);
    if (isRefusal(input)) return input;
    const most = per === 'step' ? stepsOf(input) : overlap !== 'every' ? (input.frames?.count ?? null) : null;
    const edge = (name: string) => (axisSize(input, name) === null ? null : axisSize(input, name)! * cellPixels);
    const width = edge('width');
    const height = annotatedHeight(width, edge('height'), options);
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
      overlap: context.options.overlap,
      layer: ({ reducer }) => layerName(context.options.layer, context.ownName, 'tokens')(reducer),
      draw: ({ projection, step, place }) =>
        drawTokens(projection, timeOf(projection, step, place, context.options), context.options, (bytes) =>
          context.pixels.take(bytes),
        ),
    }),
});

/** The step that a frame shows, or where between the middles of two steps it stands. */
function timeOf(
  { values, meaning, clip }: Projection,
  step: number,
  { position }: ClipPlace,
  { time, per }: Options,
): number {
  if (time === 'hold' || per === 'step' || meaning === 'label') return step;
  const steps = values.shape[0]!;
  return Math.min(steps - 1, Math.max(0, ((position + 0.5) * steps) / clip!.frames.length - 0.5));
}

/** The colours of a step, `[height, width, 4]`, or of a mix of two where `step` is no whole number. */
function colorsAt(projection: Projection, step: number, options: Options): Uint8Array {
  const before = cellColors(projection, Math.floor(step), options);
  const share = step - Math.floor(step);
  if (share === 0) return before;
  const after = cellColors(projection, Math.floor(step) + 1, options);
  const out = new Uint8Array(before.length);
  for (let at = 0; at < out.length; at += 4) {
    const [a, b] = [(1 - share) * before[at + 3]!, share * after[at + 3]!];
    if (a + b === 0) continue;
    for (let c = 0; c < 3; c++) out[at + c] = Math.round((a * before[at + c]! + b * after[at + c]!) / (a + b));
    out[at + 3] = Math.round(a + b);
  }
  return out;
}

/**
 * One time step enlarged, `[height · cellPixels, width · cellPixels, 3 or 4]`; a step that is no whole number is a mix
 * of two. Squares are drawn into memory from `take`.
 */
export function drawTokens(
  projection: Projection,
  step: number,
  options: Options,
  take = (bytes: number) => new Uint8Array(bytes),
): Tensor<'uint8'> {
  const { cellPixels, background, interpolation } = options;
  const [, height, width] = projection.values.shape as [number, number, number];
  const colors = colorsAt(projection, step, options);
  const blends = interpolation !== 'nearest' && projection.meaning !== 'label';
  return blends
    ? overBackground(
        enlarged(colors, height, width, cellPixels, interpolation),
        height * cellPixels,
        width * cellPixels,
        background,
      )
    : enlargeSquares(overBackground(colors, height, width, background), cellPixels, take);
}

/** `[height, width, 4]` over a colour, `[height, width, 3]`, or as it is. */
function overBackground(colors: Uint8Array, height: number, width: number, background: string): Tensor<'uint8'> {
  if (background === 'transparent') return tensor('uint8', [height, width, 4], colors);
  const behind = [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16));
  const out = new Uint8Array(height * width * 3);
  for (let from = 0, to = 0; to < out.length; from += 4, to += 3) {
    const opacity = colors[from + 3]! / 255;
    for (let c = 0; c < 3; c++) out[to + c] = Math.round(colors[from + c]! * opacity + behind[c]! * (1 - opacity));
  }
  return tensor('uint8', [height, width, 3], out);
}

/** Every pixel as a square of `factor` pixels. */
function enlargeSquares(
  { data, shape }: Tensor<'uint8'>,
  factor: number,
  take: (bytes: number) => Uint8Array,
): Tensor<'uint8'> {
  const [height, width, channels] = shape as [number, number, number];
  const out = take(data.length * factor * factor);
  const line = width * factor * channels;
  for (let row = 0; row < height; row++) {
    const start = row * factor * line;
    for (let column = 0, at = start; column < width; column++) {
      const from = (row * width + column) * channels;
      for (let i = 0; i < factor; i++) for (let c = 0; c < channels; c++) out[at++] = data[from + c]!;
    }
    for (let i = 1; i < factor; i++) out.copyWithin(start + i * line, start, start + line);
  }
  return tensor('uint8', [height * factor, width * factor, channels], out);
}
