// Chooses the colours of a GIF.

/** Colours, `[r, g, b]` or `[r, g, b, a]` each. */
export type Palette = number[][];

/** Pixels of one picture, `[height, width, channels]`, 3 channels or 4 with opacity last. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly channels: number;
}

type Quantize = (
  rgba: Uint8Array,
  maxColors: number,
  options?: { format?: 'rgb565' | 'rgb444' | 'rgba4444' },
) => Palette;

/**
 * How many pixels a palette is chosen from; taken at equal distances, so that the same pictures give the same palette.
 */
const sampledPixels = 1 << 17;

/** A palette of at most `most` colours for these pictures together. Fully transparent pixels do not count. */
export function choosePalette(pictures: readonly Pixels[], most: number, quantize: Quantize): Palette {
  const total = pictures.reduce((n, { data, channels }) => n + data.length / channels, 0);
  // An odd distance that is no multiple of usual widths does not sample the same columns again and again.
  const step = Math.max(1, Math.floor(total / sampledPixels)) | 1;
  const rgba = new Uint8Array(Math.ceil(total / step) * 4);
  let to = 0;
  let skip = 0;
  for (const { data, channels } of pictures) {
    const pixels = data.length / channels;
    let pixel = skip;
    for (; pixel < pixels; pixel += step) {
      const at = pixel * channels;
      if (channels === 4 && data[at + 3]! < 128) continue;
      rgba[to++] = data[at]!;
      rgba[to++] = data[at + 1]!;
      rgba[to++] = data[at + 2]!;
      rgba[to++] = 255;
    }
    skip = pixel - pixels;
  }
  const palette = to ? quantize(to < rgba.length ? rgba.slice(0, to) : rgba, most) : [];
  return palette.length ? palette.map((colour) => colour.slice(0, 3)) : [[0, 0, 0]];
}
