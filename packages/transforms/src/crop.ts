// Cuts the same rectangle out of every frame.

import {
  axisSize,
  defineTransform,
  InputError,
  isRefusal,
  refuse,
  sourceName,
  type Frame,
  type Rectangle,
} from '@deepearth/core';
import { z } from 'zod';
import { resized, wantFrames } from './frame-stream.ts';
import { partOfFrame } from './part-of-frame.ts';

const place = z.number().int().nonnegative();
const length = z.number().int().positive();

/** Options of `transform/crop`. */
export const cropOptions = z.strictObject({
  x: place.default(0).describe('Left edge of what is kept, in pixels of the frame.'),
  y: place.default(0).describe('Upper edge of what is kept, in pixels of the frame.'),
  width: length.optional().describe('Pixels from left to right. Default: up to the right edge.'),
  height: length.optional().describe('Pixels from top to bottom. Default: up to the lower edge.'),
});

type CropOptions = z.output<typeof cropOptions>;

/** What is kept of a frame of this size; `undefined` where nothing would be, or more than there is. */
function windowOf(
  { x, y, width, height }: CropOptions,
  frameWidth: number,
  frameHeight: number,
): Rectangle | undefined {
  const window = { x, y, width: width ?? frameWidth - x, height: height ?? frameHeight - y };
  const fits =
    window.width > 0 && window.height > 0 && x + window.width <= frameWidth && y + window.height <= frameHeight;
  return fits ? window : undefined;
}

const tooLarge = ({ x, y, width, height }: CropOptions): string =>
  `${width ?? 'the rest'} x ${height ?? 'the rest'} pixels at (${x}, ${y})`;

/** The stage `transform/crop`. */
export const crop = defineTransform({
  type: 'crop',
  summary:
    'Cuts the same rectangle out of every frame: a region of interest, or all but the caption that a camera prints.',
  options: cropOptions,
  examples: [
    '- type: transform/crop\n  with: { height: 1040 }',
    '- type: transform/crop\n  with: { x: 320, y: 120, width: 768, height: 768 }',
  ],

  joins: 'merged',

  describe(_, { options, inputs }) {
    const input = wantFrames(inputs);
    if (isRefusal(input)) return input;
    const [width, height] = [axisSize(input, 'width'), axisSize(input, 'height')];
    const known = width !== null && height !== null;
    const window = known ? windowOf(options, width, height) : undefined;
    if (known && !window)
      return refuse(`frames of ${width} x ${height} pixels do not hold ${tooLarge(options)}.`, {
        remedy: 'Choose a rectangle inside the frame.',
      });
    const sizes = {
      width: window?.width ?? options.width ?? null,
      height: window?.height ?? options.height ?? null,
    };
    const { mixedSizes, ...stream } = input;
    const mixed = mixedSizes && (sizes.width === null || sizes.height === null);
    return { output: { ...stream, axes: resized(input, sizes), ...(mixed && { mixedSizes }) } };
  },

  each(frame: Frame, { options }) {
    const window = windowOf(options, frame.width, frame.height);
    if (!window)
      throw new InputError(
        sourceName(frame),
        `has ${frame.width} x ${frame.height} pixels and does not hold ${tooLarge(options)}.`,
        {
          code: 'E_WINDOW',
          remedy: 'Choose a rectangle inside every frame, or leave this frame out with `onError: skip`.',
        },
      );
    return partOfFrame(frame, window);
  },
});
