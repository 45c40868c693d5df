// Gives the sequence head of an H.264 stream the words about colour, level and time that its encoder left out.

import type { FrameRate } from './frame-rate.ts';

/**
 * Levels of H.264 (table A-1): ten times the number, macroblocks a second, macroblocks of a picture. The last is the
 * largest there is.
 */
const levels = [
  [10, 1485, 99],
  [11, 3000, 396],
  [12, 6000, 396],
  [13, 11880, 396],
  [20, 11880, 396],
  [21, 19800, 792],
  [22, 20250, 1620],
  [30, 40500, 1620],
  [31, 108000, 3600],
  [32, 216000, 5120],
  [40, 245760, 8192],
  [42, 522240, 8704],
  [50, 589824, 22080],
  [51, 983040, 36864],
  [52, 2073600, 36864],
  [60, 4177920, 139264],
  [61, 8355840, 139264],
  [62, 16711680, 139264],
] as const;

/** Macroblocks of 16 x 16 pixels that a picture may have. */
export const mostMacroblocks = 139264;
/** Pixels along an edge: the square root of eight times that (section A.3.1). */
export const longestEdge = Math.floor(Math.sqrt(mostMacroblocks * 8)) * 16;
/** Macroblocks of a picture. */
export const macroblocks = (width: number, height: number): number => Math.ceil(width / 16) * Math.ceil(height / 16);

/** The lowest level that has room for such pictures, ten times its number; the highest where none has. */
export function levelOf(width: number, height: number, { numerator, denominator }: FrameRate): number {
  const blocks = macroblocks(width, height);
  const edge = Math.max(Math.ceil(width / 16), Math.ceil(height / 16));
  const fits = levels.find(
    ([, rate, size]) => blocks <= size && edge * edge <= 8 * size && (blocks * numerator) / denominator <= rate,
  );
  return (fits ?? levels.at(-1)!)[0];
}

/**
 * The sequence head of the embedded encoder (constrained baseline, no words about use) with its level, BT.709 in
 * limited range, the frame rate, and that no picture waits for another.
 */
export function describeUse(unit: Uint8Array, level: number, { numerator, denominator }: FrameRate): Uint8Array {
  const bits = bitsOf(withoutEscapes(unit));
  // What encoders write after the last bit: a one, and zeros up to the next byte.
  while (bits.at(-1) === 0) bits.pop();
  bits.pop();
  bits.pop(); // vui_parameters_present_flag, 0
  const put = (value: number, count: number): void => {
    for (let bit = count - 1; bit >= 0; bit--) bits.push(Math.floor(value / 2 ** bit) % 2);
  };
  const golomb = (value: number): void => {
    const length = 31 - Math.clz32(value + 1);
    put(0, length);
    put(value + 1, length + 1);
  };
  put(1, 1); // vui_parameters_present_flag
  put(0b00, 2); // aspect ratio, overscan: not said
  put(1, 1); // video_signal_type_present_flag
  put(5, 3); // video_format: unspecified
  put(0, 1); // limited range
  put(1, 1); // colour_description_present_flag
  for (let i = 0; i < 3; i++) put(1, 8); // BT.709: primaries, transfer, matrix
  put(0, 1); // chroma_loc_info_present_flag
  put(1, 1); // timing_info_present_flag; a tick is half a frame
  put(denominator, 32);
  put(numerator * 2, 32);
  put(1, 1); // fixed_frame_rate_flag
  put(0b000, 3); // nal_hrd, vcl_hrd, pic_struct_present_flag
  put(1, 1); // bitstream_restriction_flag
  put(1, 1); // motion_vectors_over_pic_boundaries_flag
  for (const value of [0, 0, 16, 16, 0, 1]) golomb(value); // …, no reordering, one picture for reference
  put(1, 1);
  while (bits.length % 8) bits.push(0);
  const bytes = new Uint8Array(bits.length / 8);
  bits.forEach((bit, at) => (bytes[at >> 3]! |= bit << (7 - (at & 7))));
  bytes[2] = 0xc0; // constrained baseline: the encoder uses none of what that leaves out
  bytes[3] = level;
  return withEscapes(bytes);
}

const bitsOf = (bytes: Uint8Array): number[] => Array.from(bytes, (byte) => byteBits(byte)).flat();
const byteBits = (byte: number): number[] => Array.from({ length: 8 }, (_, bit) => (byte >> (7 - bit)) & 1);

/** Without the 3 that stands after two zeros so that no start code occurs inside of a unit. */
function withoutEscapes(unit: Uint8Array): Uint8Array {
  return Uint8Array.from(unit).filter(
    (byte, at) => !(byte === 3 && at > 1 && unit[at - 1] === 0 && unit[at - 2] === 0),
  );
}

function withEscapes(unit: Uint8Array): Uint8Array {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of unit) {
    if (zeros >= 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    out.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(out);
}
