// Puts bytes, or bits, of values together again that were stored apart.

/**
 * Undoes a byte shuffle: the first bytes of all values, then the second ones … Bytes behind the last whole value were left
 * where they were. `source` and `target` have one length.
 */
export function unshuffle(source: Uint8Array, target: Uint8Array, size: number): void {
  const count = Math.floor(source.length / size);
  const whole = count * size;
  // Whole values at a time where the target is aligned for it: twice as quick as bytes.
  if (size === 2 && target.byteOffset % 2 === 0) {
    const words = new Uint16Array(target.buffer, target.byteOffset, count);
    for (let i = 0; i < count; i++) words[i] = source[i]! | (source[count + i]! << 8);
  } else if (size % 4 === 0 && target.byteOffset % 4 === 0) {
    const step = size / 4;
    const words = new Uint32Array(target.buffer, target.byteOffset, count * step);
    for (let part = 0; part < step; part++) {
      const [a, b, c, d] = [0, 1, 2, 3].map((byte) => (part * 4 + byte) * count) as [number, number, number, number];
      for (let i = 0, at = part; i < count; i++, at += step)
        words[at] = source[a + i]! | (source[b + i]! << 8) | (source[c + i]! << 16) | (source[d + i]! << 24);
    }
  } else
    for (let byte = 0; byte < size; byte++)
      for (let i = 0, from = byte * count, to = byte; i < count; i++, from++, to += size) target[to] = source[from]!;
  target.set(source.subarray(whole), whole);
}

/**
 * Undoes a bit shuffle (github.com/kiyo-masui/bitshuffle): of every byte of a value the lowest bits of all values, then
 * the next ones … Of the last values, fewer than eight, nothing was moved.
 */
export function unshuffleBits(source: Uint8Array, target: Uint8Array, size: number): void {
  const count = Math.floor(source.length / size);
  const groups = Math.floor(count / 8);
  const moved = groups * 8 * size;
  for (let byte = 0; byte < size; byte++)
    for (let group = 0; group < groups; group++) {
      const from = byte * 8 * groups + group;
      // An 8 x 8 transpose of bits (Hacker's Delight, 7-3) in two halves: low holds rows 0 to 3, high rows 4 to 7.
      let low =
        source[from]! |
        (source[from + groups]! << 8) |
        (source[from + 2 * groups]! << 16) |
        (source[from + 3 * groups]! << 24);
      let high =
        source[from + 4 * groups]! |
        (source[from + 5 * groups]! << 8) |
        (source[from + 6 * groups]! << 16) |
        (source[from + 7 * groups]! << 24);
      let t = (low ^ (low >>> 7)) & 0x00aa00aa;
      low ^= t ^ (t << 7);
      t = (high ^ (high >>> 7)) & 0x00aa00aa;
      high ^= t ^ (t << 7);
      t = (low ^ (low >>> 14)) & 0x0000cccc;
      low ^= t ^ (t << 14);
      t = (high ^ (high >>> 14)) & 0x0000cccc;
      high ^= t ^ (t << 14);
      t = (low & 0x0f0f0f0f) | ((high << 4) & 0xf0f0f0f0);
      high = ((low >>> 4) & 0x0f0f0f0f) | (high & 0xf0f0f0f0);
      low = t;
      let to = group * 8 * size + byte;
      for (let row = 0; row < 4; row++, to += size) target[to] = low >>> (8 * row);
      for (let row = 0; row < 4; row++, to += size) target[to] = high >>> (8 * row);
    }
  target.set(source.subarray(moved), moved);
}
