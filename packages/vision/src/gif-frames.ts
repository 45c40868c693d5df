// Finds the frames of a GIF and how long each is shown, without decoding them.

/** What the blocks of a GIF say. */
export interface GifFrames {
  /** How long each whole frame is shown, in seconds. */
  readonly durations: readonly number[];
  /** Whether the file ends before its last block: more frames may have been in it. */
  readonly cut: boolean;
}

/** Hundredths of a second. Browsers and ffmpeg show a frame with less than two of them for ten. */
const [leastDelay, usualDelay] = [2, 10];

/** Walks the blocks of a GIF (GIF89a specification, 1990). */
export function gifFrames(bytes: Uint8Array): GifFrames {
  const durations: number[] = [];
  const tableBytes = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let at = 13 + tableBytes(bytes[10] ?? 0);
  let delay = 0;

  /** Skips sub-blocks to the empty one that ends them. */
  const skipData = (): void => {
    while (at < bytes.length && bytes[at] !== 0) at += bytes[at]! + 1;
    at++;
  };

  while (at < bytes.length) {
    const introducer = bytes[at++];
    if (introducer === 0x3b) return { durations, cut: false };
    if (introducer === 0x21) {
      // A graphic control extension tells how long the image after it is shown.
      if (bytes[at++] === 0xf9 && at + 4 < bytes.length) delay = bytes[at + 2]! | (bytes[at + 3]! << 8);
      skipData();
    } else if (introducer === 0x2c) {
      at += 9 + tableBytes(bytes[at + 8] ?? 0) + 1;
      skipData();
      if (at > bytes.length) break;
      durations.push((delay < leastDelay ? usualDelay : delay) / 100);
      delay = 0;
    } else break;
  }
  return { durations, cut: true };
}
