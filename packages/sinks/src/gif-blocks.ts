// The parts of a GIF file around the pixels of its frames (GIF89a specification, W3C).

import type { Palette } from './palette.ts';

/** What stands before the pixels of a frame. */
export interface FrameHead {
  readonly width: number;
  readonly height: number;
  /** Hundredths of a second. */
  readonly delay: number;
  /** Colours of its own, where they are not those of the file. */
  readonly palette?: Palette;
  /** The number of the colour that is see-through; the frame is then removed before the next one. */
  readonly transparent?: number;
}

const u16 = (value: number): number[] => [value & 255, value >> 8];
const text = (letters: string): number[] => Array.from(letters, (letter) => letter.charCodeAt(0));

/** A table of colours has 2^bits entries. */
const tableBits = (palette: Palette): number => Math.max(1, Math.ceil(Math.log2(palette.length)));
const colorTable = (palette: Palette): number[] =>
  Array.from({ length: 1 << tableBits(palette) }, (_, i) => palette[i] ?? [0, 0, 0]).flat();

/** The head of a file, with the colours of its frames and how often they are shown: again and again, or once. */
export const gifHead = (width: number, height: number, palette: Palette, loop: boolean): Uint8Array =>
  Uint8Array.from([
    ...text('GIF89a'),
    ...u16(width),
    ...u16(height),
    // A table of colours, 8 bits a channel.
    ...[0x80 | (7 << 4) | (tableBits(palette) - 1), 0, 0],
    ...colorTable(palette),
    ...(loop ? [0x21, 0xff, 11, ...text('NETSCAPE2.0'), 3, 1, 0, 0, 0] : []),
  ]);

/** The head of a frame; its pixels follow. */
export const frameHead = ({ width, height, delay, palette, transparent }: FrameHead): Uint8Array =>
  Uint8Array.from([
    ...[0x21, 0xf9, 4, transparent === undefined ? 0 : (2 << 2) | 1, ...u16(delay), transparent ?? 0, 0],
    ...[0x2c, 0, 0, 0, 0, ...u16(width), ...u16(height)],
    ...(palette ? [0x80 | (tableBits(palette) - 1), ...colorTable(palette)] : [0]),
  ]);

/** The last byte of a file. */
export const gifEnd = (): Uint8Array => Uint8Array.of(0x3b);
