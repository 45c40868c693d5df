// The parts of an animated PNG: single PNG pictures of one size and kind, their data numbered.

import { concat } from '@deepearth/formats/bytes';
import { crc32 } from '@deepearth/formats/crc32';

/** Pixels along an edge, at most. */
export const longestPngEdge = 2 ** 31 - 1;

const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

function chunk(type: string, ...contents: readonly Uint8Array[]): Uint8Array {
  const data = concat([new TextEncoder().encode(type), ...contents]);
  return concat([u32(data.length - 4), data, u32(crc32(data))]);
}

const u32 = (...values: readonly number[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => view.setUint32(i * 4, value));
  return new Uint8Array(view.buffer);
};

/** The chunks of a PNG that have one of these types, without their frames. */
function contentsOf(picture: Uint8Array, wanted: string): Uint8Array[] {
  const view = new DataView(picture.buffer, picture.byteOffset, picture.byteLength);
  const found: Uint8Array[] = [];
  for (let at = signature.length; at + 8 <= picture.length;) {
    const length = view.getUint32(at);
    if (String.fromCharCode(...picture.subarray(at + 4, at + 8)) === wanted)
      found.push(picture.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return found;
}

/** What all pictures of a file have to share: size, depth, kind of colours. */
export const pngHeader = (picture: Uint8Array): Uint8Array => contentsOf(picture, 'IHDR')[0]!;

/** The file up to its first frame. */
export function apngHead(header: Uint8Array, frames: number, loop: boolean): Uint8Array {
  return concat([signature, chunk('IHDR', header), chunk('acTL', u32(frames, loop ? 0 : 1))]);
}

/** The end of the file. */
export const apngEnd = (): Uint8Array => chunk('IEND');

/**
 * A PNG picture as frame `index`, shown for `delay[0] / delay[1]` seconds, both of 16 bits; it takes the place of what
 * was there before. The first frame is what viewers show that know no animation.
 */
export function apngFrame(
  picture: Uint8Array,
  index: number,
  width: number,
  height: number,
  delay: readonly [number, number],
): Uint8Array {
  // Control and data of each frame but the first, which has plain data, take two numbers.
  const number = index === 0 ? 0 : 2 * index - 1;
  const times = Uint8Array.of(delay[0] >> 8, delay[0] & 255, delay[1] >> 8, delay[1] & 255, 0, 0);
  const control = chunk('fcTL', u32(number, width, height, 0, 0), times);
  const data = contentsOf(picture, 'IDAT');
  const body = index === 0 ? chunk('IDAT', ...data) : chunk('fdAT', u32(number + 1), ...data);
  const out = new Uint8Array(control.length + body.length);
  out.set(control);
  out.set(body, control.length);
  return out;
}
