// The curve between neighbours (Catmull-Rom): through every one of them, without a kink.

/** Weights of four neighbours for a point `t` (0 … 1) of the way from the second to the third; their sum is 1. */
export const cubicWeights = (t: number): readonly [number, number, number, number] => [
  -0.5 * t ** 3 + t ** 2 - 0.5 * t,
  1.5 * t ** 3 - 2.5 * t ** 2 + 1,
  -1.5 * t ** 3 + 2 * t ** 2 + 0.5 * t,
  0.5 * t ** 3 - 0.5 * t ** 2,
];
