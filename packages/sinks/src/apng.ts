// Writes pictures as animated PNG files, one for each layer and sequence.

import { animationFile, defineAnimation } from '@deepearth/vision/animation';
import { z } from 'zod';
import { directoryOption, fpsOption, loopOption } from './animation-options.ts';
import { apngEnd, apngFrame, apngHead, longestPngEdge, pngHeader } from './apng-chunks.ts';
import { pictureBytes } from './estimate.ts';
import { delayInTicks } from './frame-delays.ts';
import { encodePicture } from './pictures.ts';
import { spooledFrames } from './spooled-frames.ts';
import { pixelsOfPicture } from './webp.ts';

const usualFolder = 'apng';

/** Options of `sink/apng`. */
export const apngOptions = z.strictObject({
  fps: fpsOption,
  loop: loopOption,
  directory: directoryOption(usualFolder),
  file: animationFile,
});

/**
 * How long a frame is shown, as a fraction of two numbers of 16 bits: exactly, where that is possible, else in
 * milliseconds (longer ticks where those do not fit) that add up.
 */
export function pngDelay(index: number, fps: number): readonly [number, number] {
  for (let numerator = 1; numerator <= 1000; numerator++) {
    const denominator = Math.round(numerator * fps * 1e6) / 1e6;
    if (denominator > 65535) break;
    if (Number.isInteger(denominator) && denominator > 0) return [numerator, denominator];
  }
  const ticks = Math.min(1000, Math.floor(60_000 * fps));
  return [delayInTicks(index, fps, ticks), ticks];
}

/** The stage `sink/apng`. */
export const apng = defineAnimation({
  type: 'apng',
  summary:
    'Writes pictures as animated PNG files, every value kept, one for each layer (and sequence, where there are several).',
  options: apngOptions,
  examples: ['- type: sink/apng', '- type: sink/apng\n  with: { fps: 6, loop: false }'],
  noun: 'animated PNG',
  ending: 'png',
  mediaType: 'image/apng',
  usualFolder,
  mostEdge: longestPngEdge,
  bytes: (sum) => pictureBytes(sum, 'png', 100),
  memoryBytes: (_, size) => (size ? size.width * size.height * 12 : 0),

  open: () => Promise.resolve({ files: 0 }),

  async start({ options: { fps, loop }, state, scratch }, { width, height }) {
    const room = await scratch(`apng-${state.files++}`);
    let header: Uint8Array | undefined;
    const frames = spooledFrames(
      room,
      (picture) => encodePicture(pixelsOfPicture(picture), 'png'),
      (encoded, index) => {
        header ??= pngHeader(encoded).slice();
        return apngFrame(encoded, index, width, height, pngDelay(index, fps));
      },
    );
    return {
      async add(picture) {
        await frames.add(picture);
        return [];
      },
      async end() {
        const count = await frames.settle();
        return (async function* () {
          yield apngHead(header!, count, loop);
          yield* frames.parts();
          yield apngEnd();
        })();
      },
      close: () => frames.close(),
    };
  },
});
