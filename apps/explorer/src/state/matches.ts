// The best places of a search, no two of them the same moment.

import type { Bundle } from '../bundle/bundle.ts';
import type { Found } from '../search/search-pool.ts';
import type { Pick } from './picks.ts';

/** Some of the properties. */
type Of<T, K extends keyof T> = { readonly [P in K]: T[P] };

/** A token that is like what was picked. */
export interface Match {
  readonly clip: number;
  readonly step: number;
  readonly row: number;
  readonly column: number;
  readonly score: number;
}

/**
 * The `count` best steps, each by its best token, in descending order. Of one clip at most `perClip`, and none that is
 * beside a better one of it or holds a pick: neighbours in time are alike anyhow.
 */
export function bestMatches(
  { clips, stepsBefore }: Of<Bundle, 'clips' | 'stepsBefore'>,
  { best, token, count }: Of<Found, 'best' | 'token' | 'count'>,
  picks: readonly Pick[],
  { count: wanted, perClip }: { readonly count: number; readonly perClip: number },
): Match[] {
  const clipOfStep = (step: number): number => {
    let [low, high] = [0, clips.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (stepsBefore[middle]! <= step) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const order = [...best.keys()].filter((step) => count[step]! > 0).sort((a, b) => best[b]! - best[a]! || a - b);
  const taken = new Map<number, number[]>();
  for (const { clip, step } of picks) taken.set(clip, [...(taken.get(clip) ?? []), step]);
  const found = new Map<number, number>();
  const matches: Match[] = [];
  for (const at of order) {
    if (matches.length >= wanted) break;
    const clip = clipOfStep(at);
    const step = at - stepsBefore[clip]!;
    const before = taken.get(clip) ?? [];
    if ((found.get(clip) ?? 0) >= perClip || before.some((other) => Math.abs(other - step) <= 1)) continue;
    taken.set(clip, [...before, step]);
    found.set(clip, (found.get(clip) ?? 0) + 1);
    const width = clips[clip]!.grid[2];
    matches.push({ clip, step, row: Math.floor(token[at]! / width), column: token[at]! % width, score: best[at]! });
  }
  return matches;
}
