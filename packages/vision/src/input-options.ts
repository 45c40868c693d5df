// The options of encoder stages that decide how a frame becomes the encoder's input.

import { z } from 'zod';
import type { Fit } from './geometry.ts';

/** What the options of one encoder differ in. */
export interface InputOptionsOf<FitSchema extends z.ZodType<Fit | undefined>> {
  /** `fits` with the encoder's default. */
  readonly fit: FitSchema;
  /** Behind the description of `fit`: where the default comes from, when it is the checkpoint's. */
  readonly fitDefault?: string;
  /** What `crop` does, in brackets. */
  readonly crop: string;
  /** Pixels along one side of the input. */
  readonly edge: z.ZodNumber;
  /** What an edge is a multiple of, in few words and with details: `the patch`, `the patch: 16 in DINOv3`. */
  readonly multiple: readonly [short: string, detailed: string];
  /** Crop sizes of published checkpoints: `256 or 384`. */
  readonly published: string;
}

/** `fit`, `cropSize`, `scale` and `range`, as fields of a zod object. */
export const inputOptions = <FitSchema extends z.ZodType<Fit | undefined>>({
  fit,
  fitDefault,
  crop,
  edge,
  multiple: [short, detailed],
  published,
}: InputOptionsOf<FitSchema>) => ({
  fit: fit.describe(
    `How a frame becomes the input: \`crop\` ${crop} (edges are lost), \`resize\` squeezes, \`pad\` fills up, \`tile\` keeps the resolution and encodes crops side by side.${fitDefault ? ` Default: ${fitDefault}.` : ''}`,
  ),
  cropSize: z
    .union([
      edge,
      z.strictObject({
        height: edge.describe(`Pixels, a multiple of ${short}.`),
        width: edge.describe(`Pixels, a multiple of ${short}.`),
      }),
    ])
    .optional()
    .describe(
      `Pixels of the input, a multiple of ${detailed} (or { height, width }). Default: the checkpoint’s own, ${published}.`,
    ),
  scale: z
    .number()
    .positive()
    .optional()
    .describe('With `fit: tile`: pixels of the input per pixel of the frame. Default: 1.'),
  range: z
    .tuple([z.number(), z.number()])
    .optional()
    .describe('For frames that are not 8-bit: the values that become black and white.'),
});
