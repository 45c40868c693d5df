// Puts the frames of an animated PNG on their canvas, one on the other.

import type { PngFrame, PngFrames } from './png-frames.ts';

/** Decodes a PNG file to red, green, blue and opacity. */
export type DecodeRgba = (png: Uint8Array) => Promise<Uint8Array>;

/**
 * The canvas after each frame from a position on, `[height, width, 4]`; it is the same memory every time. Frames before
 * the position are decoded as far back as its picture depends on them.
 */
export function pngCanvas({ width, height, frames, picture }: PngFrames, decode: DecodeRgba) {
  /** Whether nothing of what is below shows through. */
  const coversAll = (frame: PngFrame): boolean => frame.covers && frame.width === width && frame.height === height;

  return async function* (from: number): AsyncGenerator<Uint8Array> {
    if (from >= frames.length) return;
    let start = from;
    while (start > 0 && !coversAll(frames[start]!)) start--;
    const canvas = new Uint8Array(width * height * 4);
    for (let number = start; number < frames.length; number++) {
      const frame = frames[number]!;
      const dispose = frame.dispose === 'restore' && number === 0 ? 'clear' : frame.dispose;
      const below = dispose === 'restore' ? cut(canvas, width, frame) : undefined;
      put(canvas, width, frame, await decode(picture(frame)));
      if (number >= from) yield canvas;
      if (below) paste(canvas, width, frame, below);
      if (dispose === 'clear') paste(canvas, width, frame, new Uint8Array(frame.width * frame.height * 4));
    }
  };
}

function cut(canvas: Uint8Array, width: number, { x, y, width: columns, height: rows }: PngFrame): Uint8Array {
  const out = new Uint8Array(columns * rows * 4);
  for (let row = 0; row < rows; row++) {
    const at = ((y + row) * width + x) * 4;
    out.set(canvas.subarray(at, at + columns * 4), row * columns * 4);
  }
  return out;
}

function paste(
  canvas: Uint8Array,
  width: number,
  { x, y, width: columns, height: rows }: PngFrame,
  pixels: Uint8Array,
): void {
  for (let row = 0; row < rows; row++)
    canvas.set(pixels.subarray(row * columns * 4, (row + 1) * columns * 4), ((y + row) * width + x) * 4);
}

/** Covers what is below, or blends with it as section 13.16 of the PNG specification has it. */
function put(canvas: Uint8Array, width: number, frame: PngFrame, pixels: Uint8Array): void {
  if (frame.covers) return paste(canvas, width, frame, pixels);
  for (let row = 0; row < frame.height; row++)
    for (let column = 0; column < frame.width; column++) {
      const at = (row * frame.width + column) * 4;
      const to = ((frame.y + row) * width + frame.x + column) * 4;
      const [above, below] = [pixels[at + 3]!, canvas[to + 3]!];
      if (above === 0) continue;
      const shown = above * 255;
      const through = (255 - above) * below;
      const sum = shown + through;
      for (let c = 0; c < 3; c++)
        canvas[to + c] = Math.round((pixels[at + c]! * shown + canvas[to + c]! * through) / sum);
      canvas[to + 3] = Math.round(sum / 255);
    }
}
