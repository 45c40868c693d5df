// Decodes LZW as TIFF has it: codes of 9 to 12 bits, high bit first, widened one code early (TIFF 6.0, section 13).

const clear = 256;
const end = 257;
const firstFree = 258;

/**
 * Decodes one strip or tile of at most `length` bytes; it may hold fewer. Each code is remembered by where its text
 * stands in the output already, so that a string is one copy. Throws an `Error` for codes that make no sense.
 */
export function decodeLzw(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= 2 && bytes[0] === 0 && (bytes[1]! & 1) === 1)
    throw new Error('it is LZW with the low bit first, as programs before 1993 wrote it');
  const out = new Uint8Array(length);
  const starts = new Int32Array(4097);
  const lengths = new Int32Array(4097);
  let next = firstFree;
  let width = 9;
  let written = 0;
  let held = 0;
  let bits = 0;
  let at = 0;
  // Where the text of the code before begins, and its length; 0 right after a clear code.
  let formerStart = 0;
  let formerLength = 0;
  while (written < length) {
    while (bits < width) {
      if (at >= bytes.length) {
        if (at > bytes.length + 2) throw new Error('its codes end too early');
        held = held << 8;
        at++;
      } else held = (held << 8) | bytes[at++]!;
      bits += 8;
    }
    bits -= width;
    const code = (held >>> bits) & ((1 << width) - 1);
    held &= (1 << bits) - 1;
    if (code < 256) {
      if (formerLength > 0) {
        starts[next] = formerStart;
        lengths[next++] = formerLength + 1;
      }
      formerStart = written;
      formerLength = 1;
      out[written++] = code;
    } else if (code === clear) {
      next = firstFree;
      width = 9;
      formerLength = 0;
      continue;
    } else if (code === end) {
      break;
    } else {
      if (formerLength === 0 || code > next) throw new Error('it has a code that was never made');
      // The code that is being made is the text before and the byte that follows it, which is already its own first.
      starts[next] = formerStart;
      lengths[next] = formerLength + 1;
      next++;
      const start = starts[code]!;
      const size = Math.min(lengths[code]!, length - written);
      formerStart = written;
      formerLength = size;
      if (size > 32 && start + size <= written) {
        out.copyWithin(written, start, start + size);
        written += size;
      } else for (let i = start, stop = start + size; i < stop; i++) out[written++] = out[i]!;
    }
    if (next > 4096) next = 4096;
    if (next >= (1 << width) - 1 && width < 12) width++;
  }
  return written === length ? out : out.subarray(0, written);
}
