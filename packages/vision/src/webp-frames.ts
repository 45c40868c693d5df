// Finds the frames of an animated WebP and how long each is shown, without decoding them.

/** What the chunks of a WebP say. */
export interface WebpFrames {
  readonly width: number;
  readonly height: number;
  /** How long each whole frame is shown, in seconds; one of no time for a WebP that does not move. */
  readonly durations: readonly number[];
  /** Whether the file is shorter than its header says. */
  readonly cut: boolean;
}

/** Browsers show a frame of less than this for `usualMilliseconds`. */
const [leastMilliseconds, usualMilliseconds] = [11, 100];

/** Walks the chunks of a WebP (RFC 9649); `undefined` for one that does not move. */
export function webpFrames(bytes: Uint8Array): WebpFrames | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12) return undefined;
  const end = view.getUint32(4, true) + 8;
  const uint24 = (at: number): number => view.getUint16(at, true) | (bytes[at + 2]! << 16);
  const durations: number[] = [];
  let size: Pick<WebpFrames, 'width' | 'height'> | undefined;
  for (let at = 12; at + 8 <= Math.min(end, bytes.length);) {
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    if (at + 8 + length > bytes.length) break;
    if (type === 'VP8X' && length >= 10) size = { width: uint24(at + 12) + 1, height: uint24(at + 15) + 1 };
    if (type === 'ANMF' && length >= 16) {
      const shown = uint24(at + 20);
      durations.push((shown < leastMilliseconds ? usualMilliseconds : shown) / 1000);
    }
    at += 8 + length + (length & 1);
  }
  return size && durations.length > 0 ? { ...size, durations, cut: end > bytes.length } : undefined;
}
