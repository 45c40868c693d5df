// Makes frames and clips in memory, from a seed.

import { lineage } from '@deepearth/core/lineage';
import { tensor } from '@deepearth/core/tensor';
import type { Clip, Frame } from '@deepearth/core/items';
import { partOfRaster } from '@deepearth/core/raster-part';
import { seededRandom } from './random.ts';

/** Size and values of made frames. */
export interface FrameShape {
  /** Pixels; 32 by default. */
  readonly width?: number;
  /** Pixels; 24 by default, so that swapped axes are noticed. */
  readonly height?: number;
  readonly seed?: number;
  /** Number of the first frame. */
  readonly first?: number;
  /** 'made' by default. */
  readonly sequence?: string;
}

/** `count` frames of coloured noise over a gradient that drifts: `[height, width, 3]`, uint8. */
export const makeFrames = (
  count: number,
  { width = 32, height = 24, seed = 1, first = 0, sequence = 'made' }: FrameShape = {},
): Frame[] =>
  Array.from({ length: count }, (_, index): Frame => {
    const number = first + index;
    return {
      kind: 'frame',
      id: `frame-${String(number).padStart(6, '0')}`,
      key: lineage('made frame', width, height, seed, number),
      sequence,
      number,
      seconds: number / 10,
      locator: { source: 'source/made', uri: `made:frame?seed=${seed}`, index: number },
      width,
      height,
      async read(options) {
        options?.signal?.throwIfAborted();
        const values = tensor('uint8', [height, width, 3], pixels(width, height, seed, number));
        return partOfRaster({ values, channels: ['red', 'green', 'blue'] }, options);
      },
    };
  });

function pixels(width: number, height: number, seed: number, number: number): Uint8Array {
  const random = seededRandom(seed * 7919 + number);
  const data = new Uint8Array(height * width * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const drift = ((x + 2 * number) % width) / width;
      data[at++] = 200 * drift + 55 * random();
      data[at++] = (200 * y) / height + 55 * random();
      data[at++] = 100 + 100 * Math.abs(drift - y / height) + 55 * random();
    }
  }
  return data;
}

/** `count` clips of `time` frames each, side by side. */
export function makeClips(count: number, { time = 4, ...shape }: FrameShape & { readonly time?: number } = {}): Clip[] {
  const frames = makeFrames(count * time, shape);
  return Array.from({ length: count }, (_, index): Clip => {
    const window = frames.slice(index * time, (index + 1) * time);
    return {
      kind: 'clip',
      id: `clip-${String(index).padStart(6, '0')}`,
      key: lineage('clip', 0, ...window.map(({ key }) => key)),
      sequence: window[0]!.sequence,
      index,
      frames: window,
      padded: 0,
    };
  });
}
