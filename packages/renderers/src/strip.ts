// Strips above and below a picture, which captions and legends stand on; no pixel of the picture is hidden.

import { tensor, type Tensor } from '@deepearth/core';
import { glyphHeight, glyphOf, glyphWidth } from './glyphs.ts';
import { advance, charactersIn, shortened } from './text.ts';

/** Red, green, blue, each 0 … 255. */
export type Rgb = readonly [number, number, number];

const paper: Rgb = [28, 28, 28];
const ink: Rgb = [236, 236, 236];

/** Dots left free at both ends of a strip. */
export const margin = 2;
/** Dots above the first line of text. */
export const topMargin = 3;
/** Dots from one line of text to the next; the last one's are free below it. */
export const lineHeight = glyphHeight + 2;

/** A picture to write and draw on, in dots of `scale` x `scale` pixels. */
export interface Strip {
  /** `[height, width, 3]`. */
  readonly pixels: Tensor<'uint8'>;
  readonly scale: number;
  /** Whole dots from the left edge to the right one. */
  readonly columns: number;
}

/** How many pixels a dot of text is wide and high, so that a letter is seen at the size at which the picture is. */
export const textScale = (width: number, height: number): number =>
  Math.max(1, Math.ceil(Math.min(width, height) / 270));

/** An empty strip, `width` pixels wide and `rows` dots high. */
export function emptyStrip(width: number, rows: number, scale: number): Strip {
  const pixels = tensor('uint8', [rows * scale, width, 3], new Uint8Array(rows * scale * width * 3));
  for (let i = 0; i < pixels.data.length; i += 3) pixels.data.set(paper, i);
  return { pixels, scale, columns: Math.floor(width / scale) };
}

/** Fills `w` x `h` dots from column `x` and row `y` on; the margins stay free. */
export function fill({ pixels, scale, columns }: Strip, x: number, y: number, w: number, h: number, color: Rgb): void {
  const [height, width] = pixels.shape as [number, number];
  const end = Math.min(columns - margin, x + w) * scale;
  for (let row = Math.max(0, y * scale); row < Math.min(height, (y + h) * scale); row++)
    for (let column = Math.max(margin, x) * scale; column < end; column++)
      pixels.data.set(color, (row * width + column) * 3);
}

/**
 * Writes a text with its upper left corner at column `x` and row `y`, in dots, shortened so that it ends before `end`.
 */
export function write(strip: Strip, text: string, x: number, y: number, end = strip.columns - margin): void {
  Array.from(shortened(text, charactersIn(end - x))).forEach((character, at) => {
    const rows = glyphOf(character);
    for (let row = 0; row < glyphHeight; row++)
      for (let column = 0; column < glyphWidth; column++)
        if (rows[row]! & (1 << column)) fill(strip, x + at * advance + column, y + row, 1, 1, ink);
  });
}

/**
 * One below the other: pictures of one width `[height, width, 3 or 4]`; if one has opacity all have, 255 where they had
 * none.
 */
export function stackRows(pictures: readonly Tensor<'uint8'>[]): Tensor<'uint8'> {
  if (pictures.length === 1) return pictures[0]!;
  const width = pictures[0]!.shape[1]!;
  const channels = Math.max(...pictures.map(({ shape }) => shape[2]!));
  const height = pictures.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const out = new Uint8Array(height * width * channels);
  let to = 0;
  for (const { data, shape } of pictures) {
    if (shape[2] === channels) out.set(data, to);
    else
      for (let from = 0, at = to; from < data.length; from += 3, at += 4) {
        out.set(data.subarray(from, from + 3), at);
        out[at + 3] = 255;
      }
    to += shape[0]! * width * channels;
  }
  return tensor('uint8', [height, width, channels], out);
}
