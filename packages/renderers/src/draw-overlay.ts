// Reads a frame and lays a projection over it; shared by the renderers that show both.

import { geometryOf, InputError, sourceName, tensor, type Geometry, type Projection } from '@deepearth/core';
import { z } from 'zod';
import { annotationOptions } from './annotated.ts';
import { cellColors, colorOptions } from './cell-colors.ts';
import type { Shot } from './each-frame.ts';
import { overlayPixels } from './overlay-pixels.ts';
import type { FrameSize } from './projection-spec.ts';
import { toRgb } from './rgb.ts';
import { scaled, scaledEdge } from './scale.ts';

export const overlayFields = {
  ...colorOptions,
  ...annotationOptions,
  opacity: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('How strong the colours are over the frame: 0 shows the frame alone, 1 the colours alone.'),
  interpolation: z
    .enum(['nearest', 'smooth'])
    .default('nearest')
    .describe(
      'Squares as the encoder saw them, or colours that blend from one to the next. Groups are always squares.',
    ),
  framePixels: z
    .number()
    .int()
    .min(8)
    .max(8192)
    .optional()
    .describe('Width that each frame is brought to, its height in proportion. Default: the width it has.'),
};

export type OverlayChoice = z.output<z.ZodObject<typeof overlayFields>>;

/** A frame as it is shown. */
export interface ShownFrame {
  /** `[height, width, 3]`. */
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * The frame's own colours, brought to the width of the options. Throws an `InputError` when the frame is not of the size
 * the tokens were made from.
 */
export async function readShown(
  { projection, frame }: Shot,
  { framePixels }: OverlayChoice,
  signal: AbortSignal,
): Promise<ShownFrame> {
  const raster = await frame.read({ signal });
  const [height, width] = raster.values.shape as [number, number];
  const { frameHeight, frameWidth } = geometryFor(projection);
  if (height !== frameHeight || width !== frameWidth) {
    throw new InputError(
      sourceName(frame),
      `is ${width} x ${height} pixels, but the tokens of ${projection.id} were made from ${frameWidth} x ${frameHeight}.`,
      { code: 'E_OVERLAY_SIZE', remedy: 'Draw over the frames that were encoded.' },
    );
  }
  const rgb = toRgb(raster, frame);
  if (framePixels === undefined || framePixels === width) return { rgb, width, height };
  const { data, shape } = await scaled(tensor('uint8', [height, width, 3], rgb), framePixels, false);
  return { rgb: data, height: shape[0]!, width: shape[1]! };
}

/** The pixels of a frame of this size when it is shown. */
export const shownSize = ({ height, width }: FrameSize, { framePixels }: OverlayChoice): FrameSize =>
  framePixels === undefined
    ? { height, width }
    : { height: height && width && scaledEdge(height, width, framePixels), width: framePixels };

/** Which part of the frames the cells cover. Throws an `InputError` where they did not see pictures. */
function geometryFor(projection: Projection): Geometry {
  const geometry = geometryOf(projection);
  if (!geometry)
    throw new InputError(projection.id, `its tokens did not see pictures (${projection.origin.kind}).`, {
      code: 'E_NO_GEOMETRY',
      remedy: 'Draw the tokens alone, with renderer/tokens.',
    });
  return geometry;
}

/** Draws one shot into `out` from `rowOffset` rows on. */
export function drawOverlay(
  projection: Projection,
  step: number,
  { rgb, width: shownWidth, height: shownHeight }: ShownFrame,
  choice: OverlayChoice,
  out: Uint8Array,
  rowOffset = 0,
): void {
  const [, height, width] = projection.values.shape as [number, number, number];
  const interpolation = projection.meaning === 'label' ? 'nearest' : choice.interpolation;
  const { frameWidth, frameHeight, x, y, ...seen } = geometryFor(projection);
  const [across, down] = [shownWidth / frameWidth, shownHeight / frameHeight];
  overlayPixels(
    rgb,
    {
      frameWidth: shownWidth,
      frameHeight: shownHeight,
      x: x * across,
      y: y * down,
      width: seen.width * across,
      height: seen.height * down,
    },
    { colors: cellColors(projection, step, choice), height, width },
    choice.opacity,
    interpolation,
    out,
    rowOffset,
  );
}
