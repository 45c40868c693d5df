// Brings RGB pixels to what H.264 encoders take.

import { even } from './even-pixels.ts';

/** Size of a picture, and its channels: 3, or 4 with opacity last. */
interface PixelLayout {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/**
 * Writes pixels `[height, width, channels]` into `planes` as BT.709 in limited range (ITU-R BT.709-6, section 3), with
 * 4:2:0 chroma that is the mean of four pixels: luma, then Cb, then Cr. Odd edges are one longer, equal to the last
 * column or row; what is see-through is black. Returns `planes`.
 */
export function bt709(pixels: Uint8Array, { width, height, channels }: PixelLayout, planes: Uint8Array): Uint8Array {
  const [columns, rows] = [even(width), even(height)];
  let cb = columns * rows;
  let cr = cb + cb / 4;
  for (let y = 0; y < rows; y += 2) {
    const upper = y * width;
    const lower = Math.min(y + 1, height - 1) * width;
    for (let x = 0; x < columns; x += 2) {
      const next = Math.min(x + 1, width - 1);
      // Sums over four pixels.
      let [red, green, blue] = [0, 0, 0];
      for (let corner = 0; corner < 4; corner++) {
        const from = ((corner < 2 ? upper : lower) + (corner & 1 ? next : x)) * channels;
        let [r, g, b] = [pixels[from]!, pixels[from + 1]!, pixels[from + 2]!];
        if (channels === 4) {
          const opacity = pixels[from + 3]!;
          r = ((r * opacity + 127) / 255) | 0;
          g = ((g * opacity + 127) / 255) | 0;
          b = ((b * opacity + 127) / 255) | 0;
        }
        // Factors with 16 bits after the point.
        planes[(y + (corner >> 1)) * columns + x + (corner & 1)] =
          (r * 11966 + g * 40254 + b * 4064 + (16 << 16) + (1 << 15)) >> 16;
        red += r;
        green += g;
        blue += b;
      }
      planes[cb++] = (red * -6596 + green * -22189 + blue * 28785 + (128 << 18) + (1 << 17)) >> 18;
      planes[cr++] = (red * 28784 + green * -26145 + blue * -2639 + (128 << 18) + (1 << 17)) >> 18;
    }
  }
  return planes;
}
