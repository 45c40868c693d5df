// What the pixels of a GIF need: the nearest colours of a palette, and LZW.

export { NEAREST, COLOURS, SHIFTS, FREE } from './layout';
export { nearest } from './nearest';
export { map } from './map';
export { begin, add, end } from './lzw';
