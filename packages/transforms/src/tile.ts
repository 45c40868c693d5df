// Cuts every frame into tiles, each of them a sequence of its own.

import {
  axisSize,
  countsOf,
  defineTransform,
  frameId,
  isRefusal,
  refuse,
  type Frame,
  type Rectangle,
  type StreamSpec,
} from '@deepearth/core';
import { z } from 'zod';
import { resized, wantFrames } from './frame-stream.ts';
import { partOfFrame } from './part-of-frame.ts';

/** Options of `transform/tile`. */
export const tileOptions = z.strictObject({
  size: z.number().int().positive().default(384).describe('Edge of a tile in pixels of the frame.'),
  overlap: z
    .number()
    .int()
    .nonnegative()
    .default(0)
    .describe(
      'Pixels that neighbouring tiles share at least; less than `size`. The last tile of a row or column ends at the edge of the frame and shares more.',
    ),
});

/**
 * Where the tiles of one edge begin, in pixels: side by side less the overlap, the last one moved back so that it ends
 * with the frame; one at 0 where the frame is not longer than a tile.
 */
export function tileStarts(length: number, size: number, overlap: number): number[] {
  if (length <= size) return [0];
  const step = size - overlap;
  const count = Math.ceil((length - overlap) / step);
  return Array.from({ length: count }, (_, i) => Math.min(i * step, length - size));
}

/** One tile of a frame. */
export interface Tile {
  /** "r00c01": row and column, with as many digits as the last one needs, and two at least. */
  readonly name: string;
  readonly window: Rectangle;
}

/** The tiles of a frame, row by row. */
export function tilesOf(width: number, height: number, size: number, overlap: number): Tile[] {
  const [columns, rows] = [tileStarts(width, size, overlap), tileStarts(height, size, overlap)];
  const digits = Math.max(2, ...[rows, columns].map(({ length }) => String(length - 1).length));
  const padded = (index: number): string => String(index).padStart(digits, '0');
  return rows.flatMap((y, row) =>
    columns.map((x, column) => ({
      name: `r${padded(row)}c${padded(column)}`,
      window: { x, y, width: Math.min(size, width), height: Math.min(size, height) },
    })),
  );
}

const sequenceOf = (sequence: string, { name }: Tile): string => `${sequence}/${name}`;

/** The stage `transform/tile`. */
export const tile = defineTransform({
  type: 'tile',
  summary: 'Cuts every frame into tiles of one size; each place is a sequence of its own (`scene/r00c01`).',
  options: tileOptions,
  examples: ['- type: transform/tile', '- type: transform/tile\n  with: { size: 512, overlap: 64 }'],

  joins: 'merged',

  describe(_, { options: { size, overlap }, inputs }) {
    const input = wantFrames(inputs);
    if (isRefusal(input)) return input;
    if (overlap >= size)
      return refuse(`tiles of ${size} pixels cannot share ${overlap}.`, {
        option: 'overlap',
        remedy: 'Choose less than `size`.',
      });
    const [width, height] = [axisSize(input, 'width'), axisSize(input, 'height')];
    const { counts: _counts, ...stream } = input;
    if (width === null || height === null)
      return { output: { ...stream, count: null, sequences: null, interleaved: true } };
    const tiles = tilesOf(width, height, size, overlap);
    const sequences = input.sequences?.flatMap((sequence) => tiles.map((each) => sequenceOf(sequence, each)));
    const perSequence = countsOf(input);
    const output: StreamSpec = {
      ...input,
      axes: resized(input, tiles[0]!.window),
      count: input.count === null ? null : input.count * tiles.length,
      sequences: sequences ?? null,
      ...(perSequence && { counts: perSequence.flatMap((count) => tiles.map(() => count)) }),
      interleaved: true,
    };
    return { output, notes: [`${tiles.length} tiles of each frame`] };
  },

  each(frame: Frame, { options: { size, overlap }, severalSequences }) {
    return tilesOf(frame.width, frame.height, size, overlap).map((each) => {
      const sequence = sequenceOf(frame.sequence, each);
      return partOfFrame(frame, each.window, { sequence, id: frameId(sequence, frame.number, severalSequences) });
    });
  },
});
