// 64-bit digests of tokens: to tell one that was seen before.

/** Words of a digest. */
export const digestWords = 2;

/**
 * The digests of `[rows, channels]`, `[rows, 2]`: two sums over the bits of a row, mixed as MurmurHash3 (32 bits) does
 * with two seeds and constants.
 */
export function rowDigests(rows: Float32Array, channels: number): Uint32Array<ArrayBuffer> {
  const aligned = rows.byteOffset % 4 === 0 ? rows : rows.slice();
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length);
  const count = rows.length / channels;
  const out = new Uint32Array(count * digestWords);
  for (let row = 0; row < count; row++) {
    let one = 0x2545f491;
    let other = 0x1b873593;
    for (let at = row * channels, end = at + channels; at < end; at++) {
      const word = words[at]!;
      const a = Math.imul(word, 0xcc9e2d51);
      one = Math.imul((one ^ Math.imul((a << 15) | (a >>> 17), 0x1b873593)) | 0, 5) + 0xe6546b64;
      one = (one << 13) | (one >>> 19);
      const b = Math.imul(word, 0x85ebca6b);
      other = Math.imul((other ^ Math.imul((b << 13) | (b >>> 19), 0xc2b2ae35)) | 0, 9) + 0x38495ab5;
      other = (other << 17) | (other >>> 15);
    }
    out[row * digestWords] = finished(one ^ channels);
    out[row * digestWords + 1] = finished(other ^ channels);
  }
  return out;
}

/** The finalizer of MurmurHash3. */
function finished(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Which row has a digest: the first of those that were given, or -1. */
export interface DigestIndex {
  find(one: number, other: number): number;
}

/** Indexes digests `[rows, 2]`. Later lists are looked into where the earlier ones have none. */
export function digestIndex(lists: readonly Uint32Array[]): DigestIndex {
  const rows = lists.reduce((sum, list) => sum + list.length / digestWords, 0);
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, rows * 2)));
  // Open addressing: the row plus one, and its digest.
  const places = new Uint32Array(size);
  const firsts = new Uint32Array(size);
  const seconds = new Uint32Array(size);
  const seek = (one: number, other: number): number => {
    let at = one & (size - 1);
    while (places[at] !== 0 && !(firsts[at] === one && seconds[at] === other)) at = (at + 1) & (size - 1);
    return at;
  };
  for (const list of lists)
    for (let row = 0; row < list.length / digestWords; row++) {
      const [one, other] = [list[row * digestWords]!, list[row * digestWords + 1]!];
      const at = seek(one, other);
      if (places[at] !== 0) continue;
      places[at] = row + 1;
      firsts[at] = one;
      seconds[at] = other;
    }
  return { find: (one, other) => places[seek(one, other)]! - 1 };
}
