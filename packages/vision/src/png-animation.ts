// Tells whether a PNG moves, by its header alone.

const signatureBytes = 8;

/** How many pictures an animated PNG says that it has; 0 for one that does not move and for what is no PNG. */
export function pngAnimation(bytes: Uint8Array): number {
  if (bytes[0] !== 0x89 || bytes[1] !== 0x50) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The chunk stands before the pixels (PNG specification, third edition: 11.3.6.2 acTL).
  for (let at = signatureBytes; at + 12 <= bytes.length;) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === 'acTL') return view.getUint32(at + 8);
    if (type === 'IDAT') return 0;
    at += 12 + view.getUint32(at);
  }
  return 0;
}
