// The largest quantised value.

/**
 * Values are -90 to 90. Lifted by 90 on the left they are 0 to 180, and the sum of two products, at most 2 x 180 x 90 =
 * 32,400, stays within the 16 bits in which processors without VNNI add them.
 */
export const PEAK: i8 = 90;
