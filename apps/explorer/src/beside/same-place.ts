// The same part of the same picture in the tokens of another run.

import { clipOfFrame, frameOfStep, stepOf, type Bundle } from '../bundle/bundle.ts';
import type { BundleClip } from '@deepearth/sinks/explorer/bundle-index';
import type { Pick } from '../state/picks.ts';
import type { FramePlace } from './frame-pairs.ts';

/** The cell that sees a point, given as shares of the frame's width and height; `undefined` outside of the grid. */
export function cellAtShare(
  { grid: [, rows, columns], geometry }: Omit<BundleClip, 'chunk' | 'offset'>,
  x: number,
  y: number,
): { readonly row: number; readonly column: number } | undefined {
  const column = Math.floor(((x * geometry.frameWidth - geometry.x) / geometry.width) * columns);
  const row = Math.floor(((y * geometry.frameHeight - geometry.y) / geometry.height) * rows);
  return row >= 0 && column >= 0 && row < rows && column < columns ? { row, column } : undefined;
}

/** Where the middle of a cell lies, as shares of the frame's width and height. */
export function shareOfCell(
  { grid: [, rows, columns], geometry }: Omit<BundleClip, 'chunk' | 'offset'>,
  row: number,
  column: number,
): readonly [x: number, y: number] {
  return [
    (geometry.x + ((column + 0.5) / columns) * geometry.width) / geometry.frameWidth,
    (geometry.y + ((row + 0.5) / rows) * geometry.height) / geometry.frameHeight,
  ];
}

/**
 * A pick in another run: the cells there that see the middles of its outermost cells, and all between. `undefined`
 * where the frame that it began with is not there, or the place is outside of what was seen there.
 */
export function pickThere(
  from: Bundle,
  to: Bundle,
  pick: Pick,
  there: (place: FramePlace) => FramePlace | undefined,
): Pick | undefined {
  const clip = from.clips[pick.clip]!;
  const place = there({ sequence: clip.sequence, frame: frameOfStep(clip, pick.step) });
  const other = place && clipOfFrame(to, place.sequence, place.frame);
  if (!place || other === undefined) return undefined;
  const shown = to.clips[other]!;
  const first = cellAtShare(shown, ...shareOfCell(clip, pick.top, pick.left));
  const last = cellAtShare(shown, ...shareOfCell(clip, pick.bottom, pick.right));
  if (!first || !last) return undefined;
  const step = stepOf(shown, place.frame);
  return {
    sign: pick.sign,
    clip: other,
    step,
    top: first.row,
    left: first.column,
    bottom: last.row,
    right: last.column,
  };
}
