// Compresses the pixels of a GIF's frame: LZW with codes of up to 12 bits, in blocks of up to 254 bytes.

const mostCodes = 4096;
const blockBytes = 254;
/** Places of the table, 2^14: four for each code, so that most strings are found at once. */
const tableBits = 14;

/**
 * Returns a function that compresses one frame after another, numbers of 8 bits, as GIF wants them: the size of the
 * smallest codes, blocks each after its length, and an empty one. What it returns is valid until it is called again.
 * Codes begin anew whenever all are in use, as those of gifenc 1.0.3 do; the bytes are the same.
 */
export function lzwEncoder(): (pixels: Uint8Array) => Uint8Array {
  // A string is a code and the pixel behind it, 20 bits; an entry is that and its own code, 12 bits.
  const table = new Int32Array(1 << tableBits);
  let out = new Uint8Array(0);

  return (pixels) => {
    const clear = 256;
    // Of each pixel at most one code, and one byte for each block.
    const most = Math.ceil(((pixels.length + 3) * 12) / 8 + pixels.length / mostCodes) + 4;
    const needed = most + Math.ceil(most / blockBytes) + 3;
    if (out.length < needed) out = new Uint8Array(needed);
    const mask = table.length - 1;
    out[0] = 8;
    /** Where the length of the block goes that is being written. */
    let block = 1;
    let at = 2;
    let bits = 0;
    let waiting = 0;
    let size = 9;
    let free = clear + 2;
    table.fill(-1);

    const put = (code: number): void => {
      waiting |= code << bits;
      for (bits += size; bits >= 8; bits -= 8) {
        out[at++] = waiting;
        waiting >>= 8;
        if (at - block > blockBytes) {
          out[block] = blockBytes;
          block = at++;
        }
      }
      if (free >= 1 << size && size < 12) size++;
    };

    put(clear);
    let code = pixels[0]!;
    for (let i = 1; i < pixels.length; i++) {
      const pixel = pixels[i]!;
      const string = (code << 8) | pixel;
      let place = Math.imul(string, 0x9e3779b1) >>> (32 - tableBits);
      let entry = table[place]!;
      while (entry !== -1 && entry >>> 12 !== string) {
        place = (place + 1) & mask;
        entry = table[place]!;
      }
      if (entry !== -1) {
        code = entry & 0xfff;
        continue;
      }
      put(code);
      code = pixel;
      if (free < mostCodes) table[place] = (string << 12) | free++;
      else {
        put(clear);
        table.fill(-1);
        free = clear + 2;
        size = 9;
      }
    }
    put(code);
    put(clear + 1);
    if (bits > 0) out[at++] = waiting;
    const last = at - block - 1;
    out[block] = last;
    // The empty block that ends them, unless the last one is empty itself.
    if (last > 0) out[at++] = 0;
    return out.subarray(0, at);
  };
}
