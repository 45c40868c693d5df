// Chooses the colours of a GIF and finds the nearest one for every pixel.

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
  let count = 0;
  let skip = 0;
  for (const { data, channels } of pictures) {
    const pixels = data.length / channels;
    let pixel = skip;
    for (; pixel < pixels; pixel += step) {
      const at = pixel * channels;
      if (channels === 4 && data[at + 3]! < 128) continue;
      rgba.set([data[at]!, data[at + 1]!, data[at + 2]!, 255], count++ * 4);
    }
    skip = pixel - pixels;
  }
  const palette = count ? quantize(rgba.slice(0, count * 4), most) : [];
  return palette.length ? palette.map((colour) => colour.slice(0, 3)) : [[0, 0, 0]];
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

/** Where an entry of the palette's table is not known yet. */
const unknown = 0xffff;

/**
 * What values from `-reach` to `255 + reach` add to the number of an entry as red, green and blue. Rounded, not cut, to
 * 5 and 6 bits: cutting would darken.
 */
function keysOf(reach: number): readonly [Uint16Array, Uint16Array, Uint16Array] {
  const of = (most: number, bit: number): Uint16Array =>
    Uint16Array.from({ length: 256 + 2 * reach }, (_, at) => {
      const value = Math.min(255, Math.max(0, at - reach));
      return (((value * most + 127) / 255) | 0) << bit;
    });
  return [of(31, 11), of(63, 5), of(31, 0)];
}

export interface PaletteMap {
  readonly palette: Palette;
  /**
   * Numbers of the nearest colours, one per pixel; `transparent` where opacity is below one half. `dither` is how far
   * thresholds move a value (0: not at all).
   */
  apply(pixels: Pixels, width: number, dither: number, transparent: number): Uint8Array;
  /** The mean squared distance between pixels and their colours, by sample. */
  error(pixels: Pixels): number;
}

/** A palette with a table from 5, 6 and 5 bits of red, green and blue to the nearest colour, filled as colours come. */
export function paletteMap(palette: Palette): PaletteMap {
  const table = new Uint16Array(65536).fill(unknown);
  const flat = Int32Array.from(palette.flat());
  const nearest = (key: number): number => {
    const known = table[key]!;
    if (known !== unknown) return known;
    const r = ((key >> 11) * 255) / 31;
    const g = (((key >> 5) & 63) * 255) / 63;
    const b = ((key & 31) * 255) / 31;
    let best = 0;
    let least = Infinity;
    for (let i = 0, at = 0; at < flat.length; i++, at += 3) {
      const distance = (flat[at]! - r) ** 2 + (flat[at + 1]! - g) ** 2 + (flat[at + 2]! - b) ** 2;
      if (distance < least) [least, best] = [distance, i];
    }
    return (table[key] = best);
  };
  return {
    palette,
    apply({ data, channels }, width, dither, transparent) {
      const out = new Uint8Array(data.length / channels);
      const shifts = Int32Array.from(bayer, (threshold) => Math.round(threshold * dither));
      // Values are looked up with their shift, which reaches beyond both ends.
      const reach = Math.max(...shifts.map(Math.abs));
      const shifted = shifts.map((shift) => shift + reach);
      const [reds, greens, blues] = keysOf(reach);
      for (let pixel = 0, at = 0, y = 0; pixel < out.length; y++) {
        const row = (y & 7) << 3;
        const end = Math.min(out.length, pixel + width);
        for (let x = 0; pixel < end; x++, pixel++, at += channels) {
          if (channels === 4 && data[at + 3]! < 128) {
            out[pixel] = transparent;
            continue;
          }
          const shift = shifted[row | (x & 7)]!;
          const key = reds[data[at]! + shift]! | greens[data[at + 1]! + shift]! | blues[data[at + 2]! + shift]!;
          const known = table[key]!;
          out[pixel] = known === unknown ? nearest(key) : known;
        }
      }
      return out;
    },
    error({ data, channels }) {
      const pixels = data.length / channels;
      const step = Math.max(1, Math.floor(pixels / 4096)) | 1;
      const [reds, greens, blues] = keysOf(0);
      let sum = 0;
      let n = 0;
      for (let pixel = 0; pixel < pixels; pixel += step) {
        const at = pixel * channels;
        if (channels === 4 && data[at + 3]! < 128) continue;
        const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
        const to = nearest(reds[r]! | greens[g]! | blues[b]!) * 3;
        sum += (flat[to]! - r) ** 2 + (flat[to + 1]! - g) ** 2 + (flat[to + 2]! - b) ** 2;
        n++;
      }
      return n ? sum / n : 0;
    },
  };
}
