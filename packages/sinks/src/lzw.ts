// How long the pixels of a GIF's frame get, at most, when the kernel has compressed them.

const codes = 4096;
const block = 254;

/** Bytes of so many pixels: a code of 12 bits for each, and a byte for each block. */
export function mostCompressed(pixels: number): number {
  const most = Math.ceil(((pixels + 3) * 12) / 8 + pixels / codes) + 4;
  return most + Math.ceil(most / block) + 3;
}
