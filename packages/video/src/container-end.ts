// Tells how long a video file should be, by what its container says of itself.

import type { FileHandle } from 'node:fs/promises';

/**
 * The bytes that the container of a file promises; `undefined` for a kind that does not say. A file that is shorter was
 * cut: boxes of MP4 and MOV (ISO/IEC 14496-12), RIFF chunks of AVI, and the elements of Matroska and WebM (RFC 9559)
 * say how long they are.
 */
export async function promisedBytes(file: FileHandle, bytes: number): Promise<number | undefined> {
  const head = await bytesAt(file, 0, 12);
  const kind = String.fromCharCode(...head.subarray(4, 8));
  if (['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'styp', 'moof'].includes(kind)) return boxesEnd(file, bytes);
  if (String.fromCharCode(...head.subarray(0, 4)) === 'RIFF') return riffEnd(file, bytes);
  if (head[0] === 0x1a && head[1] === 0x45 && head[2] === 0xdf && head[3] === 0xa3) return matroskaEnd(file);
  return undefined;
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}

/** The end of the last box at the top of the file. */
async function boxesEnd(file: FileHandle, bytes: number): Promise<number | undefined> {
  let at = 0;
  while (at < bytes) {
    const head = await bytesAt(file, at, 16);
    if (head.length < 8) return at + 8;
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const short = view.getUint32(0);
    // 0: the box goes on to the end of the file, wherever that is.
    if (short === 0) return undefined;
    const length = short === 1 ? (head.length < 16 ? 16 : Number(view.getBigUint64(8))) : short;
    if (length < 8) return undefined;
    at += length;
  }
  return at;
}

/** The end of the last RIFF chunk; a large AVI has several. */
async function riffEnd(file: FileHandle, bytes: number): Promise<number | undefined> {
  let at = 0;
  while (at < bytes) {
    const head = await bytesAt(file, at, 8);
    if (head.length < 8 || String.fromCharCode(...head.subarray(0, 4)) !== 'RIFF') break;
    const length = new DataView(head.buffer, head.byteOffset, 8).getUint32(4, true);
    // What was not closed properly has no length.
    if (length === 0) return undefined;
    at += 8 + length + (length & 1);
  }
  // Some writers leave the byte out that makes the last chunk even.
  return at === bytes + 1 ? bytes : at;
}

/** The end of the segment that follows the header; `undefined` where it was written as a stream of no known length. */
async function matroskaEnd(file: FileHandle): Promise<number | undefined> {
  let at = 0;
  for (let element = 0; element < 2; element++) {
    const head = await bytesAt(file, at, 12);
    if (head.length < 12) return undefined;
    const length = variableLength(head, 4);
    if (length === undefined || Number.isNaN(length.value)) return undefined;
    at += 4 + length.width + length.value;
  }
  return at;
}

/** A number whose first byte says how many bytes it has; NaN where all its bits are ones, which is no number. */
function variableLength(bytes: Uint8Array, at: number): { value: number; width: number } | undefined {
  const width = Math.clz32(bytes[at]!) - 23;
  if (width > 8 || at + width > bytes.length) return undefined;
  let value = bytes[at]! & ((1 << (8 - width)) - 1);
  let ones = value === (1 << (8 - width)) - 1;
  for (let i = 1; i < width; i++) {
    value = value * 256 + bytes[at + i]!;
    ones &&= bytes[at + i] === 0xff;
  }
  return { value: ones ? NaN : value, width };
}
