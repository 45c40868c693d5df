// What one number for quality means to each encoder.

/**
 * The constant rate factor of x264: 100 is 10 (nothing to be seen), 75 is 20, 50 is 30, 1 is 50. VP9 has a wider scale
 * with the same ends: see `vp9Quality`.
 */
export const h264Quality = (quality: number): number => Math.round(50 - 0.4 * quality);

/** The `crf` of libvpx-vp9, 0 to 63: 100 is 12, 75 is 25, 50 is 37. */
export const vp9Quality = (quality: number): number => Math.round(62 - 0.5 * quality);

/**
 * The quantizer of the embedded encoder, the same for all frames. x264 spends its bits where they are seen, and reaches
 * about the same size and quality with a factor that is lower by two. Plain colours that change from frame to frame
 * come back within 4 levels at 22, the default, and within 5 at 21 and 23: chroma is quantized in unequal steps.
 */
export const embeddedQuantizer = (quality: number): number => Math.min(51, h264Quality(quality) + 2);
