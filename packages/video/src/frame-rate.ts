// Frames a second as a fraction of whole numbers, so that no frame is early or late however long a video is.

/** `numerator / denominator` frames a second. */
export interface FrameRate {
  readonly numerator: number;
  readonly denominator: number;
}

/**
 * The fraction that a decimal number says, in lowest terms: 12 is 12 / 1, 23.976 is 2997 / 125. Digits beyond the sixth
 * after the point are rounded.
 */
export function frameRate(fps: number): FrameRate {
  const denominator = 1_000_000;
  const numerator = Math.max(1, Math.round(fps * denominator));
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** Frames from one key frame to the next: about four seconds, so that a player can jump. */
export const keyFrameDistance = (fps: number): number => Math.min(250, Math.max(12, Math.round(fps * 4)));
