// The precisions that weights are kept in.

/** `fp32` as published; `fp16` halves the bytes; `int8` is for the CPU. */
export const precisions = ['fp32', 'fp16', 'int8'] as const;
/** One of `precisions`. */
export type Precision = (typeof precisions)[number];
