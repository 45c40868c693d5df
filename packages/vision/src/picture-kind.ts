// Tells what a picture file is by its first bytes, before any decoder sees it: a drawing (SVG, PDF) has no size of its
// own, so that a few bytes of it can keep a decoder busy for minutes, and it may point to other files.

import { extname } from 'node:path';

/** A format of pictures. */
interface PictureKind {
  /** As people call it. */
  readonly name: string;
  /** How its files begin, a character for each byte. */
  readonly start: RegExp;
  /** Endings of names that say so. */
  readonly endings: readonly string[];
}

/** Those that are read whatever the name of the file says; cameras and servers mix them up. */
const common: readonly PictureKind[] = [
  { name: 'PNG', start: /^\x89PNG\r\n\x1a\n/, endings: ['.png'] },
  // Behind its first mark some writers leave bytes that belong to nothing.
  { name: 'JPEG', start: /^\xff\xd8/, endings: ['.jpg', '.jpeg'] },
  { name: 'TIFF', start: /^(II[*+]\0|MM\0[*+])/, endings: ['.tif', '.tiff'] },
  { name: 'WebP', start: /^RIFF[^]{4}WEBP/, endings: ['.webp'] },
  { name: 'AVIF', start: /^[^]{4}ftyp(?:avi[fs]|mi[fa]1|msf1)/, endings: ['.avif'] },
];

/** Those that are read where the name of the file says that it is one. */
const asked: readonly PictureKind[] = [
  { name: 'GIF', start: /^GIF8[79]a/, endings: ['.gif'] },
  { name: 'HEIF', start: /^[^]{4}ftyp/, endings: ['.heif', '.heic'] },
  { name: 'JPEG 2000', start: /^(?:\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/, endings: ['.jp2', '.j2k'] },
  { name: 'JPEG XL', start: /^(?:\xff\x0a|\0\0\0\x0cJXL )/, endings: ['.jxl'] },
  { name: 'PPM', start: /^P[1-7][\s#]/, endings: ['.ppm', '.pgm', '.pbm', '.pnm', '.pam'] },
  { name: 'FITS', start: /^SIMPLE {2}=/, endings: ['.fits', '.fit'] },
];

/** Bytes at the beginning of a file that tell what it is. */
export const kindBytes = 32;

const startOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, kindBytes));

/** The format that a file begins as, of those that are read whatever its name; `undefined` for any other. */
export function commonKind(bytes: Uint8Array): string | undefined {
  const start = startOf(bytes);
  return common.find((kind) => kind.start.test(start))?.name;
}

/** Why a file is not handed to a decoder. */
export interface RefusedKind {
  /** "it begins as a GIF, …" */
  readonly finding: string;
  /** Whether it is a known kind of file, and not a damaged picture. */
  readonly known: boolean;
}

/**
 * Why a file is not handed to a decoder, from its first bytes and its name (none where it was given as bytes);
 * `undefined` where it is.
 */
export function refusedKind(bytes: Uint8Array, path: string | undefined): RefusedKind | undefined {
  if (commonKind(bytes)) return undefined;
  const start = startOf(bytes);
  const kind = asked.find((each) => each.start.test(start));
  if (kind) {
    if (path === undefined || kind.endings.includes(extname(path).toLowerCase())) return undefined;
    const names = kind.endings.map((ending) => `*${ending}`).join(', ');
    return { finding: `it begins as a ${kind.name}, which is read from files called ${names} alone`, known: true };
  }
  const text = start.replace(/^(?:\xef\xbb\xbf)?\s*/, '');
  if (/^<(?:\?xml|svg|!)/i.test(text) || /^\x1f\x8b/.test(start))
    return { finding: 'it begins as a drawing (SVG) or a packed file, which has no pixels', known: true };
  if (/^%(?:PDF|!PS)/.test(text)) return { finding: 'it begins as a document (PDF), which has no pixels', known: true };
  return { finding: 'it does not begin as a PNG, JPEG, WebP, TIFF or AVIF', known: false };
}
