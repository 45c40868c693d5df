// Marks pixels of every frame as without data, at the same places.

import {
  axisSize,
  defineTransform,
  InputError,
  isRefusal,
  refuse,
  sha256,
  sourceName,
  type Frame,
  type Json,
  type Raster,
  type Rectangle,
  type StageContext,
} from '@deepearth/core';
import { decodePicture } from '@deepearth/vision/decode-picture';
import { readPictureFile, type PictureFile } from '@deepearth/vision/picture-file';
import { z } from 'zod';
import { frameChanger, reopenChanged, type PixelChange } from './changed-frame.ts';
import { wantFrames } from './frame-stream.ts';

const place = z.number().int().nonnegative();
const length = z.number().int().positive();

/** Options of `transform/mask`. */
export const maskOptions = z.strictObject({
  file: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A picture of the size of the frames: where it is dark (below half) or transparent, frames hold no data.',
    ),
  rectangles: z
    .array(
      z.strictObject({
        x: place.describe('Left edge, in pixels of the frame.'),
        y: place.describe('Upper edge, in pixels of the frame.'),
        width: length.describe('Pixels from left to right.'),
        height: length.describe('Pixels from top to bottom.'),
      }),
    )
    .min(1)
    .optional()
    .describe('Rectangles that hold no data: a caption, the roof of the camera car.'),
});
type MaskOptions = z.output<typeof maskOptions>;

const said = z.object({
  rectangles: z.array(z.object({ x: place, y: place, width: length, height: length })).default([]),
  file: z.string().optional(),
  sha256: z.string().optional(),
});

/** Where frames hold no data: `[height, width]`, 1 where they do. */
interface MaskPicture {
  readonly width: number;
  readonly height: number;
  readonly seen: Uint8Array;
}

async function maskOf(file: PictureFile): Promise<MaskPicture> {
  const { values, valid } = await decodePicture(file);
  const [height, width, channels] = values.shape as [number, number, number];
  const seen = new Uint8Array(height * width);
  for (let pixel = 0; pixel < seen.length; pixel++) {
    if (valid?.[pixel] === 0) continue;
    for (let c = 0; c < channels; c++) if (values.data[pixel * channels + c]! > 127) seen[pixel] = 1;
  }
  return { width, height, seen };
}

/** The mask of a file that had this digest; decoded once in a run. `read` reads the file. */
function openMask(
  file: string,
  digest: string,
  share: StageContext['share'],
  read = () => readPictureFile(file),
): Promise<MaskPicture> {
  return share(
    `transform/mask ${digest} ${file}`,
    async () => {
      const opened = await read();
      if (sha256(opened.bytes) !== digest)
        throw new InputError(file, 'has changed since frames were masked with it.', {
          code: 'E_INPUT_CHANGED',
          remedy: 'Put the mask back that was there, or mask the frames anew.',
        });
      return maskOf(opened);
    },
    () => undefined,
  );
}

const change: PixelChange = {
  type: 'transform/mask',
  async apply(raster, window, given, { share }) {
    const { rectangles, file, sha256: digest } = said.parse(given);
    const mask = file === undefined || digest === undefined ? undefined : await openMask(file, digest, share);
    return masked(raster, window, rectangles, mask);
  },
};

/** A raster without the pixels that a mask hides; `window` is the part of the frame that it holds. */
function masked(
  raster: Raster,
  window: Rectangle,
  rectangles: readonly Rectangle[],
  mask: MaskPicture | undefined,
): Raster {
  const { width, height } = window;
  const valid = raster.valid ? Uint8Array.from(raster.valid) : new Uint8Array(width * height).fill(1);
  if (mask)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (!mask.seen[(window.y + y) * mask.width + window.x + x]) valid[y * width + x] = 0;
  for (const hidden of rectangles) {
    const [left, right] = [hidden.x, hidden.x + hidden.width].map((x) => Math.min(Math.max(x - window.x, 0), width));
    const [top, bottom] = [hidden.y, hidden.y + hidden.height].map((y) => Math.min(Math.max(y - window.y, 0), height));
    for (let y = top!; y < bottom!; y++) valid.fill(0, y * width + left!, y * width + right!);
  }
  const { valid: _, ...rest } = raster;
  return valid.includes(0) ? { ...rest, valid } : rest;
}

/** What does not fit frames of this size, in words. */
function misfit({ rectangles = [] }: MaskOptions, size: MaskSize | undefined, width: number, height: number) {
  if (size && (size.width !== width || size.height !== height))
    return `the mask has ${size.width} x ${size.height} pixels and frames ${width} x ${height}`;
  const out = rectangles.find((each) => each.x + each.width > width || each.y + each.height > height);
  return (
    out &&
    `frames of ${width} x ${height} pixels do not hold ${out.width} x ${out.height} pixels at (${out.x}, ${out.y})`
  );
}

/** The size of the picture of a mask. */
export interface MaskSize {
  readonly width: number;
  readonly height: number;
}

/** What is open while frames are masked. */
export interface MaskState {
  /** The mask as locators say it. */
  readonly said: { readonly [name: string]: Json };
  /** Of the picture, where the mask is one. */
  readonly size: MaskSize | undefined;
}

/** The stage `transform/mask`. */
export const mask = defineTransform({
  type: 'mask',
  summary: 'Marks the same pixels of every frame as without data: a caption, the sky, what a camera’s housing hides.',
  options: maskOptions,
  examples: [
    '- type: transform/mask\n  with: { rectangles: [{ x: 0, y: 0, width: 384, height: 24 }] }',
    '- type: transform/mask\n  with: { file: horizon.png }',
  ],

  joins: 'merged',

  async survey({ file }, signal): Promise<MaskSize | undefined> {
    if (file === undefined) return undefined;
    const { width, height } = await readPictureFile(file, { signal });
    return { width, height };
  },

  describe(_, { options, inputs, survey }) {
    const input = wantFrames(inputs);
    if (isRefusal(input)) return input;
    if (options.file === undefined && options.rectangles === undefined)
      return refuse('there is nothing to mask.', { remedy: 'Give `file` or `rectangles`.' });
    const [width, height] = [axisSize(input, 'width'), axisSize(input, 'height')];
    const wrong = width !== null && height !== null ? misfit(options, survey, width, height) : undefined;
    if (wrong) return refuse(`${wrong}.`, { remedy: 'Give a mask of the size of the frames.' });
    return { output: input, memoryBytes: 2 * (survey ? survey.width * survey.height : 0) };
  },

  async open({ options: { file, rectangles = [] }, recordInput, signal, share }): Promise<MaskState> {
    const hidden = { rectangles: rectangles.map((each) => ({ ...each })) };
    if (file === undefined) return { said: hidden, size: undefined };
    const opened = await readPictureFile(file, { signal });
    const { bytes, width, height } = opened;
    const digest = sha256(bytes);
    recordInput({ path: file, bytes: bytes.byteLength, sha256: digest });
    await openMask(file, digest, share, () => Promise.resolve(opened));
    return { said: { ...hidden, file, sha256: digest }, size: { width, height } };
  },

  async *process(frames: AsyncIterable<Frame>, context) {
    const { options, state } = context;
    const changed = frameChanger(change, context);
    for await (const frame of frames) {
      const made = await context.attempt(frame, () => {
        const wrong = misfit(options, state.size, frame.width, frame.height);
        if (wrong)
          throw new InputError(sourceName(frame), `is not masked: ${wrong}.`, {
            code: 'E_WINDOW',
            remedy: 'Give a mask of the size of the frames, or leave this frame out with `onError: skip`.',
          });
        return changed(frame, state.said);
      });
      if (made) yield made;
    }
  },

  reopen: reopenChanged(change),
});
