// What a checkpoint's own processor does to pictures, as one plain value: it is part of a token's lineage.

/**
 * How torchvision and Pillow resize: the pixel under the centre of each new one (`nearest`; `nearest-exact` in
 * PyTorch), or an antialiased filter: bicubic has a = -0.5, lanczos three lobes; box and hamming are Pillow's alone.
 */
export const interpolations = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const;
/** How a picture is resized. */
export type Interpolation = (typeof interpolations)[number];

/**
 * How a processor comes from a frame to its crop: `exact` resizes to the crop itself, aspect not kept. Otherwise the
 * shortest edge becomes `shortestEdge` pixels before a crop of `crop` pixels is cut out of the centre; other crops have
 * the same ratio, truncated.
 */
export type ResizeRule = 'exact' | { readonly shortestEdge: number; readonly crop: number };

/** What a checkpoint declares of the preparation of its input. */
export interface PictureProcessing {
  readonly resize: ResizeRule;
  readonly interpolation: Interpolation;
  /**
   * `uint8`: resized values are rounded to 8 bits, as torchvision does with 8-bit tensors and Pillow always. `float32`:
   * they are not, as in processors that rescale before they resize.
   */
  readonly resizedAs: 'uint8' | 'float32';
  /** Means of red, green and blue, of values in 0…1: subtracted. */
  readonly mean: readonly [number, number, number];
  /** What the rest is divided by. */
  readonly deviation: readonly [number, number, number];
}

/** ImageNet's statistics. */
export const imageNet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

/** What stands where there is no frame (padding), 8-bit: the mean, so that it is (nearly) 0 after
 * normalising; black or white where the mean is no colour. */
export const fillColour = ({ mean }: Pick<PictureProcessing, 'mean'>): readonly number[] =>
  mean.map((value) => Math.min(Math.max(Math.round(value * 255), 0), 255));
