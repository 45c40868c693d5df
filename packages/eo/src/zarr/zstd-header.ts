// The header of a Zstandard frame (RFC 8878, 3.1.1.1).

/**
 * The size of the content that a frame declares; `undefined` where it says none. Throws a `RangeError` for no frame.
 */
export function contentSize(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 6 || view.getUint32(0, true) !== 0xfd2fb528)
    throw new RangeError('does not begin as Zstandard data do');
  const descriptor = frame[4]!;
  const single = Boolean(descriptor & 0x20);
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const code = descriptor >>> 6;
  const bytes = code === 0 ? (single ? 1 : 0) : 2 ** code;
  if (at + bytes > frame.length) throw new RangeError('its Zstandard header is cut short');
  if (bytes === 0) return undefined;
  if (bytes === 1) return frame[at]!;
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
