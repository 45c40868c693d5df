// Decodes blocks of LZ4 (github.com/lz4/lz4, doc/lz4_Block_format.md).

/** Copies shorter than this are quicker by hand than by a call. */
const fewBytes = 24;

/**
 * Decodes the block in `source[from, end)` into `target[to, limit)` and returns how many bytes it made. Throws a
 * `RangeError` for a block that is damaged.
 */
export function decodeLz4(
  source: Uint8Array,
  from: number,
  end: number,
  target: Uint8Array,
  to: number,
  limit: number,
): number {
  let s = from;
  let d = to;
  while (s < end) {
    const token = source[s++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more;
      do {
        if (s >= end) throw damaged(s - from);
        literals += more = source[s++]!;
      } while (more === 255);
    }
    if (s + literals > end || d + literals > limit) throw damaged(s - from);
    if (literals < fewBytes) for (const stop = d + literals; d < stop;) target[d++] = source[s++]!;
    else {
      target.set(source.subarray(s, s + literals), d);
      s += literals;
      d += literals;
    }
    // The last sequence has no match.
    if (s === end) break;
    if (s + 2 > end) throw damaged(s - from);
    const offset = source[s]! | (source[s + 1]! << 8);
    s += 2;
    let length = token & 15;
    if (length === 15) {
      let more;
      do {
        if (s >= end) throw damaged(s - from);
        length += more = source[s++]!;
      } while (more === 255);
    }
    length += 4;
    if (offset === 0 || offset > d - to || d + length > limit) throw damaged(s - from);
    if (offset >= length && length > fewBytes) {
      target.copyWithin(d, d - offset, d - offset + length);
      d += length;
    } else if (offset === 1 && length > fewBytes) {
      target.fill(target[d - 1]!, d, d + length);
      d += length;
    } else for (const stop = d + length; d < stop; d++) target[d] = target[d - offset]!;
  }
  return d - to;
}

const damaged = (at: number): RangeError => new RangeError(`its LZ4 data are damaged at byte ${at}`);
