// Decodes PackBits: runs and literals of up to 128 bytes (TIFF 6.0, section 9).

/** Decodes one strip or tile of at most `length` bytes; it may hold fewer. Throws an `Error` for a cut literal. */
export function decodePackBits(bytes: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let written = 0;
  for (let at = 0; at < bytes.length && written < length;) {
    const head = bytes[at++]!;
    if (head === 128) continue;
    if (head < 128) {
      const part = bytes.subarray(at, at + Math.min(head + 1, length - written));
      if (part.length < Math.min(head + 1, length - written)) throw new Error('its bytes end too early');
      out.set(part, written);
      at += head + 1;
      written += part.length;
    } else {
      if (at >= bytes.length) throw new Error('its bytes end too early');
      const run = Math.min(257 - head, length - written);
      out.fill(bytes[at++]!, written, written + run);
      written += run;
    }
  }
  return out.subarray(0, written);
}
