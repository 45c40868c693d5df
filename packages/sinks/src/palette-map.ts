// Finds the nearest colour of a palette for pixels.

import { gifKernel, type GifKernel } from './gif-kernel.ts';
import type { Palette, Pixels } from './palette.ts';

/** A palette with a table from 5, 6 and 5 bits of red, green and blue to the nearest colour, filled as colours come. */
export interface PaletteMap {
  readonly palette: Palette;
  /** Lays the table into the kernel's memory. */
  use(kernel: GifKernel): void;
  /** The mean squared distance between pixels and their colours, by sample. */
  error(pixels: Pixels): number;
}

/** Where an entry of the table is not known yet. */
const unknown = 0xffff;
/** Where there is no colour: farther from everything than any colour. */
const far = 1e6;

/** The table that lies in the kernel's memory, and is filled there. */
let current: Uint16Array | undefined;

/** The table of a palette of at most 256 colours. */
export function paletteMap(palette: Palette): PaletteMap {
  const table = new Uint16Array(65536).fill(unknown);
  const colours = new Float32Array(3 * 256).fill(far);
  for (const [i, colour] of palette.entries())
    for (let channel = 0; channel < 3; channel++) colours[channel * 256 + i] = colour[channel]!;

  const use = ({ memory: { buffer }, places }: GifKernel): void => {
    if (current === table) return;
    const there = new Uint16Array(buffer, places.nearest, table.length);
    current?.set(there);
    there.set(table);
    new Float32Array(buffer, places.colours, colours.length).set(colours);
    current = table;
  };

  return {
    palette,
    use,
    error({ data, channels }) {
      const { kernel } = gifKernel();
      use(kernel);
      const pixels = data.length / channels;
      const step = Math.max(1, Math.floor(pixels / 4096)) | 1;
      let sum = 0;
      let n = 0;
      for (let pixel = 0; pixel < pixels; pixel += step) {
        const at = pixel * channels;
        if (channels === 4 && data[at + 3]! < 128) continue;
        const r = data[at]!;
        const g = data[at + 1]!;
        const b = data[at + 2]!;
        const to = palette[kernel.nearest((rounded(r, 31) << 11) | (rounded(g, 63) << 5) | rounded(b, 31))]!;
        sum += (to[0]! - r) ** 2 + (to[1]! - g) ** 2 + (to[2]! - b) ** 2;
        n++;
      }
      return n ? sum / n : 0;
    },
  };
}

/** Rounded, not cut, as in the kernel: cutting would darken. */
const rounded = (value: number, most: number): number => ((value * most + 127) / 255) | 0;
