// Reads a frame and lays a projection over it; shared by the renderers that show both.

import { geometryOf, InputError, sourceName, type Geometry, type Projection } from '@deepearth/core';
import { z } from 'zod';
import { annotationOptions } from './annotated.ts';
import { cellColors, colorOptions } from './cell-colors.ts';
import type { Shot } from './each-frame.ts';
import { overlayPixels } from './overlay-pixels.ts';
import { toRgb } from './rgb.ts';

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
};

export type OverlayChoice = z.output<z.ZodObject<typeof overlayFields>>;

/**
 * The frame's own colours, `[height, width, 3]`. Throws an `InputError` when the frame is not of the size the tokens
 * were made from.
 */
export async function readRgb({ projection, frame }: Shot, signal: AbortSignal): Promise<Uint8Array> {
  const raster = await frame.read({ signal });
  const [height, width] = raster.values.shape;
  const { frameHeight, frameWidth } = geometryFor(projection);
  if (height !== frameHeight || width !== frameWidth) {
    throw new InputError(
      sourceName(frame),
      `is ${width} x ${height} pixels, but the tokens of ${projection.id} were made from ${frameWidth} x ${frameHeight}.`,
      { code: 'E_OVERLAY_SIZE', remedy: 'Draw over the frames that were encoded.' },
    );
  }
  return toRgb(raster, frame);
}

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
  rgb: Uint8Array,
  choice: OverlayChoice,
  out: Uint8Array,
  rowOffset = 0,
): void {
  const [, height, width] = projection.values.shape as [number, number, number];
  const interpolation = projection.meaning === 'label' ? 'nearest' : choice.interpolation;
  overlayPixels(
    rgb,
    geometryFor(projection),
    { colors: cellColors(projection, step, choice), height, width },
    choice.opacity,
    interpolation,
    out,
    rowOffset,
  );
}
