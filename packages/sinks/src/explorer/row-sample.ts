// Keeps a sample of rows of a stream of any length.

/** Rows of a stream, each as likely as any other. */
export interface RowSample {
  /** Looks at one row, `[channels]`; copies it where it is taken. */
  see(row: Float32Array): void;
  /** `[count, channels]`; how many there are is in `count`. */
  readonly rows: Float32Array;
  readonly count: number;
}

/**
 * Reservoir sampling of at most `most` rows (Vitter, Algorithm R), with a seed of its own: the same stream, the same
 * sample.
 */
export function rowSample(channels: number, most: number): RowSample {
  let rows = new Float32Array(0);
  let seen = 0;
  let state = 0x9e3779b9;
  /** A number from 0 to `below - 1`; of a generator by G. Marsaglia (xorshift32). */
  const next = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * below);
  };
  return {
    see(row) {
      const place = seen < most ? seen : next(seen + 1);
      seen++;
      if (place >= most) return;
      if (place * channels >= rows.length) {
        const grown = new Float32Array(Math.min(most, Math.max(64, 2 * place)) * channels);
        grown.set(rows);
        rows = grown;
      }
      rows.set(row, place * channels);
    },
    get rows() {
      return rows.subarray(0, this.count * channels);
    },
    get count() {
      return Math.min(seen, most);
    },
  };
}
