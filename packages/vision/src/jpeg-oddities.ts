// What is odd about a JPEG and changes no pixel: bytes between its segments, and warnings that libjpeg gives of
// headers.

import { concat } from '@deepearth/formats/bytes';

const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] !== undefined;

/** Markers that stand alone. */
const bare = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
const startOfScan = 0xda;
const endOfImage = 0xd9;

/** A JPEG without bytes that belong to nothing. */
export interface CleanJpeg {
  readonly bytes: Uint8Array;
  /** How many were left out. */
  readonly extra: number;
}

/**
 * Leaves out bytes before the markers of the header: libjpeg skips them with the same warning that it gives where a
 * scan is damaged. Returns the same bytes where there are none, or where the header cannot be walked; `undefined` for
 * what is no JPEG.
 */
export function withoutExtraBytes(bytes: Uint8Array): CleanJpeg | undefined {
  if (!isJpeg(bytes)) return undefined;
  const parts: Uint8Array[] = [];
  let kept = 0;
  let extra = 0;
  for (let at = 2; ;) {
    const from = at;
    while (at < bytes.length && bytes[at] !== 0xff) at++;
    if (at > from) {
      parts.push(bytes.subarray(kept, from));
      kept = at;
      extra += at - from;
    }
    // Any number of 0xff may stand before a marker.
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++];
    if (marker === undefined || marker === endOfImage || at + 2 > bytes.length) return { bytes, extra: 0 };
    if (bare(marker)) continue;
    at += bytes[at]! * 256 + bytes[at + 1]!;
    if (marker === startOfScan) break;
  }
  return { bytes: extra === 0 ? bytes : concat([...parts, bytes.subarray(kept)]), extra };
}

/**
 * Leaves out the padding before the end marker that libjpeg found too much in `error`; `undefined` where the bytes are
 * no padding (one value, repeated): then a scan ended too early, because it is damaged.
 */
export function withoutPadding(bytes: Uint8Array, error: unknown): CleanJpeg | undefined {
  const count = Number(
    /(\d+) extraneous bytes before marker 0xd9/.exec(error instanceof Error ? error.message : '')?.[1],
  );
  let end = bytes.length - 2;
  while (end > 0 && !(bytes[end] === 0xff && bytes[end + 1] === endOfImage)) end--;
  if (!(count > 0) || count > end) return undefined;
  const padding = bytes.subarray(end - count, end);
  if (padding.some((byte) => byte !== padding[0]) || (count === 1 && padding[0] !== 0)) return undefined;
  return { bytes: concat([bytes.subarray(0, end - count), bytes.subarray(end)]), extra: count };
}

/** What is said of bytes that were left out. */
export const extraText = (extra: number): string => `${extra} extra ${extra === 1 ? 'byte' : 'bytes'} before a marker`;

/** Warnings of libjpeg's about headers that are read all the same. */
const harmless = /unknown JFIF revision|Unknown Adobe color transform|Invalid SOS parameters for sequential/i;

/** The warning, where an error of libvips is one that changes no pixel. */
export const harmlessWarning = (error: unknown): string | undefined =>
  error instanceof Error ? error.message.split('\n').find((line) => harmless.test(line)) : undefined;
