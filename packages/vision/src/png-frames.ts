// Finds the frames of an animated PNG, each as a PNG of its own (PNG specification, third edition, 2025: APNG).

import { concat } from '@deepearth/formats/bytes';
import { crc32 } from '@deepearth/formats/crc32';

/** One frame of an animated PNG, before it is put on the canvas. */
export interface PngFrame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly durationSeconds: number;
  /** What becomes of its place when it is over. */
  readonly dispose: 'keep' | 'clear' | 'restore';
  /** Whether it covers what is below, or is blended with it by its opacity. */
  readonly covers: boolean;
  /** Where its compressed pixels lie in the file. */
  readonly data: readonly (readonly [start: number, end: number])[];
}

/** What the chunks of a PNG say. */
export interface PngFrames {
  readonly width: number;
  readonly height: number;
  /** Those that are whole. */
  readonly frames: readonly PngFrame[];
  /** How many frames the header promises. */
  readonly promised: number;
  /** A frame as a PNG file. */
  picture(frame: PngFrame): Uint8Array;
}

const signatureBytes = 8;
/** Frames per second that ffmpeg takes where a frame is shown for no time at all. */
const usualRate = 15;
const disposals = ['keep', 'clear', 'restore'] as const;

/** Walks the chunks of a PNG; `undefined` for one that does not move. */
export function pngFrames(bytes: Uint8Array): PngFrames | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: PngFrame[] = [];
  let header: Uint8Array | undefined;
  let promised: number | undefined;
  let palette: Uint8Array[] = [];
  let control: Omit<PngFrame, 'data'> | undefined;
  let data: [number, number][] = [];
  let whole = false;

  const finish = (): void => {
    if (control && data.length > 0) frames.push({ ...control, data });
    control = undefined;
    data = [];
  };

  for (let at = signatureBytes; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const [start, end] = [at + 8, at + 8 + length];
    if (end + 4 > bytes.length) break;
    if (type === 'IHDR' && length === 13) header = bytes.subarray(start, end);
    else if (type === 'acTL' && length === 8) promised = view.getUint32(start);
    else if (type === 'PLTE' || type === 'tRNS') palette = [...palette, bytes.subarray(at, end + 4)];
    else if (type === 'fcTL' && length === 26) {
      finish();
      const [numerator, denominator] = [view.getUint16(start + 20), view.getUint16(start + 22) || 100];
      control = {
        width: view.getUint32(start + 4),
        height: view.getUint32(start + 8),
        x: view.getUint32(start + 12),
        y: view.getUint32(start + 16),
        durationSeconds: numerator ? numerator / denominator : 1 / usualRate,
        dispose: disposals[bytes[start + 24]!] ?? 'keep',
        covers: bytes[start + 25] === 0,
      };
    } else if (type === 'IDAT' && control) data.push([start, end]);
    else if (type === 'fdAT' && control && length > 4) data.push([start + 4, end]);
    else if (type === 'IEND') {
      whole = true;
      break;
    }
    at = end + 4;
  }
  if (!header || promised === undefined) return undefined;
  // What the file breaks off in is not whole, even if some of its pixels are there.
  if (whole) finish();
  const [width, height] = [word(header, 0), word(header, 4)];
  return {
    width,
    height,
    frames: frames.filter((frame) => frame.x + frame.width <= width && frame.y + frame.height <= height),
    promised,
    picture: (frame) => {
      const own = new Uint8Array(header);
      new DataView(own.buffer).setUint32(0, frame.width);
      new DataView(own.buffer).setUint32(4, frame.height);
      return concat([
        bytes.subarray(0, signatureBytes),
        chunk('IHDR', own),
        ...palette,
        ...frame.data.map(([start, end]) => chunk('IDAT', bytes.subarray(start, end))),
        chunk('IEND', new Uint8Array(0)),
      ]);
    },
  };
}

const word = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}
