// How large files of pictures become at most, for plans.

import type { PictureSum } from '@deepearth/vision/picture-sum';

/**
 * Bytes for each pixel of white noise, which nothing makes smaller, by quality; measured with the settings that
 * `encodePicture` has. Pictures of the Earth take half of it or less.
 */
const noise = {
  jpeg: [
    [1, 0.06],
    [50, 0.43],
    [75, 0.62],
    [90, 0.92],
    [94, 1.12],
    // From here on each pixel has a colour of its own.
    [95, 2.46],
    [100, 4.2],
  ],
  webp: [
    [1, 0.35],
    [50, 0.55],
    [75, 0.64],
    [90, 0.86],
    [95, 0.98],
    [100, 1.15],
  ],
} as const satisfies Readonly<Record<string, readonly (readonly [quality: number, bytesPerPixel: number])[]>>;

/** Headers and checksums of a picture file. */
const headerBytes = 1024;

/** Bytes of picture files at most. */
export function pictureBytes(sum: PictureSum, format: 'png' | 'jpeg' | 'webp' | 'svg', quality: number): number {
  const { pictures, pixels, values } = sum;
  // Of an SVG at most a dot or a rectangle on every pixel, "M1023.5 1023.5h0", and a colour of its own for each.
  const content =
    format === 'png' ? values * 1.01 : format === 'svg' ? pixels * 52 : pixels * interpolated(noise[format], quality);
  return Math.ceil(content + pictures * headerBytes);
}

/** Bytes of GIFs at most: a code of 12 bits for every pixel, and a palette for every picture. */
export const gifBytes = ({ pictures, pixels }: PictureSum): number => Math.ceil(pixels * 1.52 + pictures * headerBytes);

function interpolated(table: readonly (readonly [number, number])[], at: number): number {
  const after = Math.max(
    1,
    table.findIndex(([x]) => x >= at),
  );
  const [[x0, y0], [x1, y1]] = [table[after - 1]!, table[after]!];
  return y0 + ((y1 - y0) * (at - x0)) / (x1 - x0);
}
