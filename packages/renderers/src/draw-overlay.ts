// Reads a frame and lays a projection over it; shared by the renderers that show both.

import {
  geometryOf,
  InputError,
  releaseRaster,
  sourceName,
  tensor,
  type Geometry,
  type Projection,
} from '@deepearth/core';
import { z } from 'zod';
import { annotationOptions } from './annotated.ts';
import { cellColors, colorOptions } from './cell-colors.ts';
import type { Shot } from './each-frame.ts';
import { enlarged } from './enlarged.ts';
import { overlayPixels, type GridColors, type Interpolation } from './overlay-pixels.ts';
import { scaleField } from './own-limits.ts';
import type { FrameSize } from './projection-spec.ts';
import { toRgb } from '@deepearth/vision/rgb';
import { scaled, scaledEdge } from './scale.ts';

export const overlayFields = {
  ...colorOptions,
  ...annotationOptions,
  scale: scaleField,
  opacity: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('How strong the colours are over the frame: 0 shows the frame alone, 1 the colours alone.'),
  interpolation: z
    .enum(['nearest', 'linear', 'bicubic'])
    .default('nearest')
    .describe(
      'Squares as the encoder saw them, or colours that blend from one to the next, in straight lines or in curves. Groups are always squares.',
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
 * What `draw` makes of the frame's own colours, brought to the width of the options; it keeps nothing of them, unless
 * they lie in what `room` returned for their height and width. Throws an `InputError` when the frame is not of the size
 * the tokens were made from.
 */
export async function withShown<T>(
  { projection, frame }: Shot,
  { framePixels }: OverlayChoice,
  signal: AbortSignal,
  draw: (shown: ShownFrame) => T,
  room?: (height: number, width: number) => Uint8Array,
): Promise<T> {
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
  let shown: ShownFrame = { rgb, width, height };
  if (framePixels !== undefined && framePixels !== width) {
    const { data, shape } = await scaled(tensor('uint8', [height, width, 3], rgb), framePixels, false, room);
    shown = { rgb: data, height: shape[0]!, width: shape[1]! };
  }
  const drawn = draw(shown);
  releaseRaster(raster);
  return drawn;
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
  const colors = { colors: cellColors(projection, step, choice), height, width };
  const [grid, interpolation] = gridOf(colors, projection.meaning === 'label' ? 'nearest' : choice.interpolation);
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
    grid,
    choice.opacity,
    interpolation,
    out,
    rowOffset,
  );
}

/**
 * Places along a cell at which a curve is worked out; straight lines between them are up to 1.5 of 255 levels off it,
 * between black and white.
 */
const finer = 16;

/** The grid that is laid over the frame, and how: a curve as a finer grid, along whose cells colours are linear. */
function gridOf(grid: GridColors, interpolation: OverlayChoice['interpolation']): [GridColors, Interpolation] {
  if (interpolation !== 'bicubic') return [grid, interpolation === 'linear' ? 'smooth' : 'nearest'];
  const [height, width] = [grid.height * finer, grid.width * finer];
  const colors = enlarged(grid.colors, grid.height, grid.width, finer, 'bicubic');
  // A pixel is known where its own cell weighs most.
  for (let at = 3; at < colors.length; at += 4) colors[at] = colors[at]! < 128 ? 0 : 255;
  return [{ colors, height, width }, 'smooth'];
}
