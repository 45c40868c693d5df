// The parts of an animated WebP: a RIFF container around single WebP pictures.

import { concat } from '@deepearth/formats/bytes';

/** Pixels along an edge, at most. */
export const longestWebpEdge = 16383;
/** Bytes of all frames, at most: the container counts in 32 bits, with room for its head. */
export const mostWebpBytes = 2 ** 32 - 1024;

const code = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A chunk, padded to an even length. */
function chunk(type: string, content: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + content.length + (content.length % 2));
  out.set(code(type));
  new DataView(out.buffer).setUint32(4, content.length, true);
  out.set(content, 8);
  return out;
}

/** Numbers of 24 bits, lowest byte first. */
const u24 = (...values: readonly number[]): number[] => values.flatMap((n) => [n & 255, (n >> 8) & 255, n >> 16]);

/** The file up to its first frame; `frameBytes` is the length of all of them. */
export function webpHead({
  width,
  height,
  loop,
  opacity,
  frameBytes,
}: {
  readonly width: number;
  readonly height: number;
  readonly loop: boolean;
  readonly opacity: boolean;
  readonly frameBytes: number;
}): Uint8Array {
  const features = chunk(
    'VP8X',
    Uint8Array.from([0b10 | (opacity ? 0b10000 : 0), 0, 0, 0, ...u24(width - 1, height - 1)]),
  );
  // A background that is see-through, and how often it plays: 0 is for ever.
  const animation = chunk('ANIM', Uint8Array.from([0, 0, 0, 0, loop ? 0 : 1, 0]));
  const head = concat([code('RIFF'), new Uint8Array(4), code('WEBP'), features, animation]);
  new DataView(head.buffer).setUint32(4, head.length - 8 + frameBytes, true);
  return head;
}

/** A WebP picture as one frame, shown for so many milliseconds; it takes the place of what was there before. */
export function webpFrame(picture: Uint8Array, width: number, height: number, milliseconds: number): Uint8Array {
  const view = new DataView(picture.buffer, picture.byteOffset, picture.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = 12; at + 8 <= picture.length;) {
    const type = String.fromCharCode(...picture.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    const end = at + 8 + length + (length % 2);
    if (type === 'ALPH' || type === 'VP8 ' || type === 'VP8L') parts.push(picture.subarray(at, end));
    at = end;
  }
  const head = Uint8Array.from([...u24(0, 0, width - 1, height - 1, milliseconds), 0b10]);
  return chunk('ANMF', concat([head, ...parts]));
}
