// Compresses the pixels of a picture for a frame of a GIF, block by block, so that a block stays in the caches.

import { gifKernel } from './gif-kernel.ts';
import { mostCompressed } from './lzw.ts';
import type { PaletteMap } from './palette-map.ts';
import type { Pixels } from './palette.ts';

/** Bytes of rows that are worked on at a time. */
const mostBlock = 2 ** 16;

/**
 * The numbers of the colours as GIF wants them: the size of the smallest codes, blocks each after its length, and an
 * empty one. Valid until it is called again. `dither` is how far thresholds move a value (0: not at all);
 * `transparent` is the number where opacity is below one half.
 */
export function framePixels(
  { data, width, height, channels }: Pixels & { readonly width: number; readonly height: number },
  map: PaletteMap,
  dither: number,
  transparent: number,
): Uint8Array {
  const row = width * channels;
  const rows = Math.min(height, Math.max(1, Math.floor(mostBlock / row)));
  const { kernel, at } = gifKernel(rows * row, rows * width, mostCompressed(width * height));
  const [source, numbers, out] = at as [number, number, number];
  map.use(kernel);
  kernel.memory.set(shifts(dither), kernel.places.shifts);
  kernel.begin(out);
  for (let y = 0; y < height; y += rows) {
    const count = Math.min(rows, height - y);
    kernel.memory.set(data.subarray(y * row, (y + count) * row), source);
    kernel.map(source, channels, width, count, y, transparent, numbers);
    kernel.add(numbers, count * width);
  }
  // The kernel's numbers are signed.
  return kernel.memory.subarray(out, kernel.end() >>> 0);
}

/**
 * Thresholds of an ordered dither, `[8, 8]`, from -0.5 to 0.5; fixed to the picture, so that still parts of an
 * animation stay still.
 */
const bayer = Float32Array.from({ length: 64 }, (_, i) => {
  const [x, y] = [i & 7, i >> 3];
  let value = 0;
  for (let bit = 0; bit < 3; bit++)
    value |= ((((x ^ y) >> bit) & 1) << (5 - 2 * bit)) | (((y >> bit) & 1) << (4 - 2 * bit));
  return (value + 0.5) / 64 - 0.5;
});

/** What the dither adds to 16 pixels of each of 8 rows, and behind that what it takes away, as the kernel wants it. */
function shifts(dither: number): Uint8Array {
  const out = new Uint8Array(256);
  for (let i = 0; i < 128; i++) {
    const shift = Math.round(bayer[((i >> 4) << 3) | (i & 7)]! * dither);
    out[i] = Math.max(0, shift);
    out[128 + i] = Math.max(0, -shift);
  }
  return out;
}
