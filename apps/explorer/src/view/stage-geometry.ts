// Where a frame and its cells lie on the stage.

import type { BundleClip } from '@deepearth/sinks/explorer/bundle-index';
import type { Cell } from '../state/explorer.ts';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A frame as large as it fits, in the middle. */
export function frameBox(frame: { width: number; height: number }, stage: { width: number; height: number }): Box {
  const scale = Math.min(stage.width / frame.width, stage.height / frame.height);
  const [width, height] = [frame.width * scale, frame.height * scale];
  return { x: (stage.width - width) / 2, y: (stage.height - height) / 2, width, height };
}

/** The part of the frame's box that the grid covers; it may reach beyond it. */
export function gridBox({ geometry }: Pick<BundleClip, 'geometry'>, frame: Box): Box {
  const { frameWidth, frameHeight, x, y, width, height } = geometry;
  const [across, down] = [frame.width / frameWidth, frame.height / frameHeight];
  return { x: frame.x + x * across, y: frame.y + y * down, width: width * across, height: height * down };
}

/** The cells of a rectangle of them, inclusive. */
export function cellsBox(
  [, rows, columns]: BundleClip['grid'],
  grid: Box,
  { top, left, bottom, right }: { top: number; left: number; bottom: number; right: number },
): Box {
  const [width, height] = [grid.width / columns, grid.height / rows];
  return {
    x: grid.x + left * width,
    y: grid.y + top * height,
    width: (right - left + 1) * width,
    height: (bottom - top + 1) * height,
  };
}

/** The cell at a point; `undefined` outside of the grid. */
export function cellAt([, rows, columns]: BundleClip['grid'], grid: Box, x: number, y: number): Cell | undefined {
  const row = Math.floor(((y - grid.y) / grid.height) * rows);
  const column = Math.floor(((x - grid.x) / grid.width) * columns);
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : undefined;
}
