// Tokens that were picked, as something to look for.

import type { BundleClip } from '@deepearth/sinks/explorer/bundle-index';
import type { Bundle } from '../bundle/bundle.ts';
import { sumOf, unit, type CodedTokens } from '../bundle/vectors.ts';

/** One token, or the mean of those in a rectangle of one step; rows and columns are inclusive. */
export interface Pick {
  /** 1 for what is looked for, -1 for what is not. */
  readonly sign: 1 | -1;
  readonly clip: number;
  readonly step: number;
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** The tokens of a pick, as places in its clip. */
export function* tokensOfPick({ step, top, left, bottom, right }: Pick, [, height, width]: BundleClip['grid']) {
  for (let row = top; row <= bottom; row++)
    for (let column = left; column <= right; column++) yield (step * height + row) * width + column;
}

/** Whether a pick names tokens that there are. */
export function isIn({ clip, step, top, left, bottom, right }: Pick, { clips }: Clips): boolean {
  const grid = clips[clip]?.grid;
  if (!grid) return false;
  const [time, height, width] = grid;
  return step < time && top <= bottom && left <= right && bottom < height && right < width;
}
type Clips = { readonly clips: Bundle['clips'] };

/**
 * The vector to look for, `[components]`: the direction between the picks that are looked for; where there are others
 * too, the difference of the two means, at no particular length. `undefined` where no pick saw data.
 */
export async function queryOf(
  { code, clips }: Clips & { readonly code: Bundle['code'] },
  picks: readonly Pick[],
  tokens: (clip: number) => Promise<CodedTokens>,
): Promise<Float32Array | undefined> {
  const sums = { wanted: new Float32Array(code.components), unwanted: new Float32Array(code.components) };
  const counts = { wanted: 0, unwanted: 0 };
  for (const pick of picks) {
    const mean = unit(sumOf(code, await tokens(pick.clip), tokensOfPick(pick, clips[pick.clip]!.grid)));
    if (mean.every((value) => value === 0)) continue;
    const side = pick.sign === 1 ? 'wanted' : 'unwanted';
    counts[side]++;
    mean.forEach((value, i) => (sums[side][i]! += value));
  }
  if (counts.wanted + counts.unwanted === 0) return undefined;
  if (counts.unwanted === 0) return unit(sums.wanted);
  return sums.wanted.map(
    (value, i) => value / Math.max(1, counts.wanted) - sums.unwanted[i]! / Math.max(1, counts.unwanted),
  );
}
