// Tells whether tiles leave seams: how much larger steps between neighbouring values are where tiles meet than
// elsewhere.

/** Mean distances between neighbours. */
export interface SeamSteps {
  /** Of those with an edge between them. */
  readonly across: number;
  /** Of the others. */
  readonly inside: number;
  /** The first to the second: 1 where no seam shows. */
  readonly ratio: number;
}

/**
 * Compares steps in a raster, `bands` of `[height, width]` each: the distance of two neighbours is Euclidean over all
 * bands. `edges` are rows and columns, counted from 0, before which a tile begins or ends; what lies at `skipped` ones
 * is on neither side. NaN has no distance to anything.
 */
export function seamSteps(
  bands: readonly ArrayLike<number>[],
  width: number,
  edges: readonly number[],
  skipped: readonly number[] = [],
): SeamSteps {
  type Kind = 'across' | 'inside' | 'skipped';
  const kinds = new Map<number, Kind>([
    ...skipped.map((at) => [at, 'skipped'] as const),
    ...edges.map((at) => [at, 'across'] as const),
  ]);
  const sums: Record<Kind, number> = { across: 0, inside: 0, skipped: 0 };
  const counts: Record<Kind, number> = { ...sums };
  const step = (one: number, other: number, kind: Kind = 'inside'): void => {
    const distance = Math.hypot(...bands.map((band) => band[one]! - band[other]!));
    if (Number.isNaN(distance)) return;
    sums[kind] += distance;
    counts[kind]++;
  };
  for (let at = 0; at < bands[0]!.length; at++) {
    const [x, y] = [at % width, Math.floor(at / width)];
    if (x > 0) step(at - 1, at, kinds.get(x));
    if (y > 0) step(at - width, at, kinds.get(y));
  }
  const [across, inside] = [sums.across / counts.across, sums.inside / counts.inside];
  return { across, inside, ratio: across / inside };
}

/** Where tiles of `size` that share `overlap` begin and end along an axis of `length`, but for its ends. */
export function tileEdges(length: number, size: number, overlap: number): number[] {
  const edges = new Set<number>();
  for (let start = 0; ; start += size - overlap) {
    const begin = Math.min(start, length - size);
    if (begin > 0) edges.add(begin);
    if (begin + size >= length) return [...edges].sort((a, b) => a - b);
    edges.add(begin + size);
  }
}
