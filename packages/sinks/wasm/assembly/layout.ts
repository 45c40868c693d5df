// Where in memory the kernel keeps what it needs, in bytes; everything from FREE on is the caller's.

/** Strings that have a code, int32: 2^14 places, four for each code. */
export const STRINGS: usize = 0;
/** Codes that are not packed yet, in their order, int16. */
export const CODES: usize = 0x10000;
/** Packed codes that do not fill a block yet, those of the codes above included. */
export const PACKED: usize = 0x12000;
/** Numbers of the nearest colours by 5, 6 and 5 bits of red, green and blue, int16; 0xffff where it is not known. */
export const NEAREST: usize = 0x14000;
/** Red of 256 colours, their green, their blue, float32. Where there are fewer colours the rest is far away. */
export const COLOURS: usize = 0x34000;
/** Squared distances of 256 colours, float32. */
export const DISTANCES: usize = 0x34c00;
/** What an ordered dither adds to 16 pixels of each of 8 rows, and behind all what it takes away, 8 bits each. */
export const SHIFTS: usize = 0x35000;
export const FREE: usize = 0x35100;
