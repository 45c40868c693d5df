// Writes an MP4 with the embedded encoder: samples wait on disk until the head, which tells their places, is known.

import { scratchPieces } from '@deepearth/core/scratch-pieces';
import type { Scratch } from '@deepearth/core/stage';
import type { AnimationWriter } from '@deepearth/vision/animation';
import type { FrameRate } from './frame-rate.ts';
import { even } from './even-pixels.ts';
import type { H264Settings } from './h264-encoder.ts';
import type { H264Thread } from './h264-thread.ts';
import { mp4Head } from './mp4-head.ts';
import type { H264Group } from './mp4-samples.ts';
import { describeUse, levelOf } from './sequence-head.ts';

/** Pictures in the thread at a time: one is encoded while the next one comes. */
const underWay = 2;

/** Starts an MP4. */
export function embeddedWriter(
  thread: H264Thread,
  settings: H264Settings,
  rate: FrameRate,
  scratch: Scratch,
): AnimationWriter {
  const [width, height] = [even(settings.width), even(settings.height)];
  const video = thread.open(settings);
  const coding: Promise<H264Group | undefined>[] = [];
  const sizes: number[] = [];
  const keys: number[] = [];
  let heads: { readonly sequence: Uint8Array; readonly picture: Uint8Array } | undefined;

  const take = async (): Promise<void> => {
    const group = await coding.shift()!;
    if (!group) return;
    const { sequenceHead, pictureHead } = group;
    heads ??= { sequence: describeUse(sequenceHead, levelOf(width, height, rate), rate), picture: pictureHead };
    keys.push(sizes.length);
    sizes.push(...group.sizes);
    await scratch.append(group.samples);
  };
  const push = (group: Promise<H264Group | undefined>): void => {
    // A failure is met when its turn comes; until then it is no unhandled one.
    group.catch(() => undefined);
    coding.push(group);
  };

  return {
    async add(picture) {
      push(video.add(picture.data));
      picture.release?.(); // the thread has a copy
      while (coding.length >= underWay) await take();
      return [];
    },
    async end() {
      push(video.end());
      while (coding.length) await take();
      return file();
    },
    async close() {
      video.close();
      await scratch.clear();
    },
  };

  async function* file(): AsyncGenerator<Uint8Array> {
    const { sequence: sequenceHead, picture: pictureHead } = heads!;
    yield mp4Head({ width, height, rate, sequenceHead, pictureHead, sizes, keys });
    yield* scratchPieces(scratch, scratch.length);
  }
}
