// Writes pictures as animated WebP files, one for each layer and sequence.

import { DeepEarthError, tensor } from '@deepearth/core';
import { animationFile, defineAnimation, type AnimationPicture } from '@deepearth/vision/animation';
import { z } from 'zod';
import { directoryOption, fpsOption, loopOption } from './animation-options.ts';
import { pictureBytes } from './estimate.ts';
import { delayInTicks } from './frame-delays.ts';
import { encodePicture } from './pictures.ts';
import { spooledFrames } from './spooled-frames.ts';
import { longestWebpEdge, mostWebpBytes, webpFrame, webpHead } from './webp-chunks.ts';

const usualFolder = 'webp';

/** Options of `sink/webp`. */
export const webpOptions = z.strictObject({
  fps: fpsOption,
  loop: loopOption,
  quality: z.number().int().min(1).max(100).default(90).describe('100 is best, 75 is half the size of 90 or less.'),
  directory: directoryOption(usualFolder),
  file: animationFile,
});

/** Pixels as the encoder of pictures takes them. */
export const pixelsOfPicture = ({ data, height, width, channels }: AnimationPicture) =>
  tensor('uint8', [height, width, channels], data);

/** The stage `sink/webp`. */
export const webp = defineAnimation({
  type: 'webp',
  summary: 'Writes pictures as animated WebP files, one for each layer (and sequence, where there are several).',
  options: webpOptions,
  examples: ['- type: sink/webp', '- type: sink/webp\n  with: { fps: 6, quality: 75 }'],
  noun: 'WebP',
  ending: 'webp',
  mediaType: 'image/webp',
  usualFolder,
  mostEdge: longestWebpEdge,
  bytes: (sum, { quality }) => pictureBytes(sum, 'webp', quality),
  memoryBytes: (_, size) => (size ? size.width * size.height * 12 : 0),

  open: () => Promise.resolve({ files: 0 }),

  async start({ options: { fps, loop, quality }, state, scratch }, { width, height, channels }) {
    const room = await scratch(`webp-${state.files++}`);
    const frames = spooledFrames(
      room,
      (picture) => encodePicture(pixelsOfPicture(picture), 'webp', quality),
      (encoded, index) => webpFrame(encoded, width, height, delayInTicks(index, fps, 1000)),
    );
    return {
      async add(picture) {
        await frames.add(picture);
        return [];
      },
      async end() {
        await frames.settle();
        if (frames.bytes > mostWebpBytes)
          throw new DeepEarthError(`the WebP has ${frames.bytes} bytes; the format ends at ${mostWebpBytes}.`, {
            code: 'E_ANIMATION_SIZE',
            remedy: 'Lower the quality, or write a video with sink/mp4.',
          });
        return (async function* () {
          yield webpHead({ width, height, loop, opacity: channels === 4, frameBytes: frames.bytes });
          yield* frames.parts();
        })();
      },
      close: () => frames.close(),
    };
  },
});
