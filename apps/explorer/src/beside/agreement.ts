// How far two runs agree on what is like the picks.

import { clipOfFrame, stepOf } from '../bundle/bundle.ts';
import type { Explorer } from '../state/explorer.ts';
import { scores } from '../bundle/vectors.ts';
import type { FramePairs } from './frame-pairs.ts';
import { rankCorrelation } from './rank-correlation.ts';
import { cellAtShare, shareOfCell } from './same-place.ts';

/** Rank correlations, -1 to 1; NaN where there is too little to compare. */
export interface Agreement {
  /** Of the heat maps of the frame that is shown, over the cells of the coarser grid. */
  readonly map: number;
  readonly cells: number;
  /** Of the best similarity of each frame that both have of this sequence. */
  readonly curve: number;
  readonly frames: number;
}

/** `undefined` while nothing is picked in both, or the frame is not in both. */
export async function agreementOf(a: Explorer, b: Explorer, pairs: FramePairs): Promise<Agreement | undefined> {
  const [queryA, queryB, foundA, foundB] = [a.query.value, b.query.value, a.found.value, b.found.value];
  const [sequence, frame] = [a.sequence.value, a.frame.value];
  const place = pairs.there({ sequence, frame });
  const clipA = clipOfFrame(a.bundle, sequence, frame);
  const clipB = place && clipOfFrame(b.bundle, place.sequence, place.frame);
  if (!queryA || !queryB || !foundA || !foundB || !place || clipA === undefined || clipB === undefined)
    return undefined;
  const [left, right] = await Promise.all([heat(a, clipA, frame, queryA), heat(b, clipB, place.frame, queryB)]);
  const [coarse, fine] = left.values.length <= right.values.length ? [left, right] : [right, left];
  const [one, other]: [number[], number[]] = [[], []];
  const [, rows, columns] = coarse.clip.grid;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const cell = cellAtShare(fine.clip, ...shareOfCell(coarse.clip, row, column));
      const x = coarse.values[row * columns + column]!;
      const y = cell ? fine.values[cell.row * fine.clip.grid[2] + cell.column]! : NaN;
      if (Number.isNaN(x) || Number.isNaN(y)) continue;
      one.push(x);
      other.push(y);
    }
  const [bestA, bestB]: [number[], number[]] = [[], []];
  a.bundle.sequences[sequence]!.numbers.forEach((_, at) => {
    const same = pairs.there({ sequence, frame: at });
    const [x, y] = [bestOf(a, sequence, at), same ? bestOf(b, same.sequence, same.frame) : undefined];
    if (x === undefined || y === undefined) return;
    bestA.push(x);
    bestB.push(y);
  });
  return {
    map: rankCorrelation(one, other),
    cells: one.length,
    curve: rankCorrelation(bestA, bestB),
    frames: bestA.length,
  };
}

async function heat({ bundle, stored }: Explorer, which: number, frame: number, query: Float32Array) {
  const clip = bundle.clips[which]!;
  const cells = clip.grid[1] * clip.grid[2];
  const step = stepOf(clip, frame);
  const all = scores(bundle.code, await stored.tokens(which), query);
  return { clip, values: all.subarray(step * cells, (step + 1) * cells) };
}

/** The best similarity of the step that saw a frame. */
function bestOf({ bundle, found }: Explorer, sequence: number, frame: number): number | undefined {
  const clip = clipOfFrame(bundle, sequence, frame);
  if (clip === undefined || !found.value) return undefined;
  const step = bundle.stepsBefore[clip]! + stepOf(bundle.clips[clip]!, frame);
  return found.value.count[step]! > 0 ? found.value.best[step] : undefined;
}
