// LZW with codes of up to 12 bits, in blocks of up to 254 bytes, as GIF wants it. Codes begin anew whenever all are in
// use, as those of gifenc 1.0.3 do; the bytes are the same.

import { CODES, PACKED, STRINGS } from './layout';

/** Begins codes anew; the code behind it ends them. */
const CLEAR: u32 = 256;
/** How many strings are written before that: each makes a new code but the last, which finds none left. */
const MOST: u32 = 4096 - (CLEAR + 2) + 1;
const BLOCK: usize = 254;
const PLACES: u32 = 1 << 14;

/** The code of the string so far. */
let prefix: u32;
let begun: bool;
/** Codes that are not packed yet. */
let waiting: u32;
/** Where the next packed byte goes, and the bits of it that are there already. */
let packed: usize;
let part: u32;
let bits: u32;
/** Where the next block goes. */
let out: usize;

/** Begins a frame, whose bytes are written from `to` on. */
export function begin(to: usize): void {
  begun = false;
  prefix = 0;
  waiting = 0;
  packed = PACKED;
  part = CLEAR;
  bits = 9;
  store<u8>(to, 8);
  out = to + 1;
}

/**
 * Takes `count` pixels more.
 *
 * Whether a string has a code cannot be foretold, and a wrong guess costs more than a step. So there is a branch only
 * where two strings want one place; what is not needed is written over by the next pixel.
 */
export function add(at: usize, count: usize): void {
  if (!count) return;
  const end = at + count;
  if (!begun) {
    begun = true;
    prefix = load<u8>(at++);
  }
  let code = prefix;
  let n = waiting;
  for (; at < end; at++) {
    const pixel = <u32>load<u8>(at);
    const string = (code << 8) | pixel;
    // Only the pixel is multiplied: the next step waits for the code.
    let place = (code << 2) ^ ((pixel * 0x9e3779b1) >>> 18);
    // A string is 20 bits and its code 12; 0 is an empty place.
    let entry = load<u32>(STRINGS + (place << 2));
    while (<u32>(entry >>> 12 !== string) & <u32>(entry !== 0)) {
      place = (place + 1) & (PLACES - 1);
      entry = load<u32>(STRINGS + (place << 2));
    }
    /** All ones where the string has no code. */
    const missing = <i32>((<i64>entry - 1) >> 63);
    store<u16>(CODES + (n << 1), code);
    store<u32>(STRINGS + (place << 2), entry | (missing & ((string << 12) | (CLEAR + 2 + n))));
    code = (entry & 4095) | (missing & pixel);
    n -= missing;
    if (n === MOST) {
      store<u16>(CODES + (n << 1), CLEAR);
      waiting = n + 1;
      write();
      n = 0;
    }
  }
  prefix = code;
  waiting = n;
}

/** Ends the frame; returns where its bytes end. */
export function end(): usize {
  store<u16>(CODES + (waiting << 1), prefix);
  store<u16>(CODES + ((waiting + 1) << 1), CLEAR + 1);
  waiting += 2;
  write();
  if (bits > 0) store<u8>(packed++, part);
  if (packed > PACKED) block(PACKED, packed - PACKED);
  store<u8>(out++, 0);
  return out;
}

/** Writes the codes that wait, as blocks; then all of them are free again. */
function write(): void {
  // A code has a bit more from the one on that is made when as many are in use as the bits can say.
  pack(0, min(waiting, 255), 9);
  pack(255, min(waiting, 767), 10);
  pack(767, min(waiting, 1791), 11);
  pack(1791, waiting, 12);
  waiting = 0;
  memory.fill(STRINGS, 0, PLACES << 2);
  let from = PACKED;
  for (; packed - from >= BLOCK; from += BLOCK) block(from, BLOCK);
  memory.copy(PACKED, from, packed - from);
  packed -= from - PACKED;
}

/** Packs the codes `from` to `to` in `size` bits each. */
function pack(from: u32, to: u32, size: u32): void {
  let at = packed;
  let value = part;
  let held = bits;
  for (; from < to; from++) {
    value |= (<u32>load<u16>(CODES + (from << 1))) << held;
    store<u32>(at, value);
    held += size;
    at += held >> 3;
    value >>= held & ~7;
    held &= 7;
  }
  packed = at;
  part = value;
  bits = held;
}

/** Writes up to 254 packed bytes as a block, after their number. */
function block(from: usize, length: usize): void {
  store<u8>(out++, length);
  // Up to 15 bytes too many, which whatever comes next is written over.
  for (let i: usize = 0; i < length; i += 16) v128.store(out + i, v128.load(from + i));
  out += length;
}
