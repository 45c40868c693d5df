// Brings pictures to what video encoders take: three channels and even edges.

import type { AnimationPicture } from '@deepearth/vision/animation';

/** The next even number. */
export const even = (edge: number): number => edge + (edge % 2);

/**
 * The picture as `[height, width, 3]` with even edges: the last column and row are repeated where they are odd, and
 * what is see-through is black. Returns the picture's own pixels where they are so already.
 */
export function evenPixels({ data, width, height, channels }: AnimationPicture): Uint8Array {
  const [columns, rows] = [even(width), even(height)];
  if (channels === 3 && columns === width && rows === height) return data;
  const out = new Uint8Array(columns * rows * 3);
  for (let y = 0, at = 0; y < rows; y++) {
    const row = Math.min(y, height - 1) * width;
    for (let x = 0; x < columns; x++, at += 3) {
      const from = (row + Math.min(x, width - 1)) * channels;
      const opacity = channels === 4 ? data[from + 3]! : 255;
      for (let c = 0; c < 3; c++)
        out[at + c] = opacity === 255 ? data[from + c]! : Math.floor((data[from + c]! * opacity + 127) / 255);
    }
  }
  return out;
}
