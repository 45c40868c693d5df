// Strings of Zarr arrays: of a fixed length, or one after another with their lengths.

import type { DataType } from './data-type.ts';

/** Strings of a fixed length, NUL at the end left out: UTF-32 (`<U4`) or bytes of Latin 1 (`|S4`). */
export function fixedTexts(bytes: Uint8Array, { bytes: size = 1, text, bigEndian }: DataType): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => {
    const start = index * size;
    const codes =
      text === 'utf32'
        ? Array.from({ length: size / 4 }, (__, i) => view.getUint32(start + 4 * i, !bigEndian))
        : [...bytes.subarray(start, start + size)];
    const end = codes.findLastIndex((code) => code !== 0) + 1;
    return codes
      .slice(0, end)
      .map((code) => (code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'))
      .join('');
  });
}

/** `vlen-utf8` of numcodecs: the number of strings, then of each its length in bytes and its UTF-8. */
export function variableTexts(bytes: Uint8Array, most: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw new RangeError('is too short for a list of strings');
  const count = view.getUint32(0, true);
  if (count !== most) throw new RangeError(`holds ${count} strings, ${most} are expected`);
  const decoder = new TextDecoder();
  let at = 4;
  return Array.from({ length: count }, () => {
    if (at + 4 > bytes.length) throw new RangeError('ends in the middle of its strings');
    const length = view.getUint32(at, true);
    at += 4;
    if (at + length > bytes.length) throw new RangeError('ends in the middle of its strings');
    const text = decoder.decode(bytes.subarray(at, at + length));
    at += length;
    return text;
  });
}
