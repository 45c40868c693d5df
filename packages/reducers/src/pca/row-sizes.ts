// How large the rows of a fit are, so that one that hides all others is found.

import { InputError } from '@deepearth/core/errors';

/** Rows by the binary exponent of their largest number, and the first row that holds the largest of all. */
export interface RowSizes {
  /** Rows without any number but 0 are not counted. */
  readonly counts: Readonly<Record<number, number>>;
  readonly largest: number;
  /** The number of its token over the whole input. */
  readonly token: number;
}

/** Counts rows as they come. */
export interface RowSizeCounter {
  /** Takes `[rows, channels]`, finite; `tokenOf` gives the number of a row's token. */
  add(rows: Float32Array | Float64Array, channels: number, tokenOf: (row: number) => number): void;
  sizes(): RowSizes;
}

export function countRowSizes(): RowSizeCounter {
  const counts: Record<number, number> = {};
  let [largest, token] = [0, -1];
  return {
    add(rows, channels, tokenOf) {
      for (let row = 0, at = 0; at < rows.length; row++) {
        let most = 0;
        for (const end = at + channels; at < end; at++) most = Math.max(most, Math.abs(rows[at]!));
        if (most === 0) continue;
        const exponent = Math.floor(Math.log2(most));
        counts[exponent] = (counts[exponent] ?? 0) + 1;
        if (most > largest) [largest, token] = [most, tokenOf(row)];
      }
    },
    sizes: () => ({ counts, largest, token }),
  };
}

/** Rows of several parts together, in their order. */
export const joinRowSizes = (all: readonly RowSizes[]): RowSizes =>
  all.reduce((before, { counts, largest, token }) => {
    const sum: Record<number, number> = { ...before.counts };
    for (const [exponent, count] of Object.entries(counts))
      sum[Number(exponent)] = (sum[Number(exponent)] ?? 0) + count;
    const first = largest > before.largest ? { largest, token } : { largest: before.largest, token: before.token };
    return { counts: sum, ...first };
  });

/**
 * Powers of two between the largest number of a row and that of the median row, beyond which the products of all others
 * are lost: in float32 products about a mean that the row has moved, their differences round away from 2^19 or so.
 */
const most = 18;

/**
 * Throws an `InputError` where a row is so much larger than the median one that what the others have in common and what
 * tells them apart would be lost: a fill value that was not marked as no data.
 */
export function refuseFarRows({ counts, largest, token }: RowSizes): void {
  const exponents = Object.keys(counts)
    .map(Number)
    .sort((a, b) => a - b);
  const all = exponents.reduce((sum, exponent) => sum + counts[exponent]!, 0);
  let below = 0;
  const median = exponents.find((exponent) => (below += counts[exponent]!) > all / 2);
  if (median === undefined) return;
  const far = exponents.filter((exponent) => exponent - median > most).reduce((sum, each) => sum + counts[each]!, 0);
  if (far === 0) return;
  const others = far === 1 ? '' : `, and ${far - 1} more like it`;
  throw new InputError(
    `token ${token}`,
    `its largest number is ${Number(largest.toPrecision(6))}, that of the median token about ${2 ** median}${others}: a PCA would show nothing but this.`,
    {
      code: 'E_FAR_TOKEN',
      remedy:
        'Such numbers mostly stand for no data. Leave such tokens out, or mark them in a tensor "valid"; a TIFF says in its GDAL_NODATA which value it is.',
    },
  );
}
