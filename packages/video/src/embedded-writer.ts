// Writes an MP4 with the embedded encoder: samples wait on disk until the head, which tells their places, is known.

import type { Scratch } from '@deepearth/core/stage';
import type { AnimationWriter } from '@deepearth/vision/animation';
import type { FrameRate } from './frame-rate.ts';
import type { H264Settings } from './h264-encoder.ts';
import type { H264Thread } from './h264-thread.ts';
import { mp4Head } from './mp4-head.ts';
import { describeUse, levelOf, nal, nalType, splitUnits } from './nal-units.ts';

/** Pictures in the thread at a time: one is encoded while the next one comes. */
const underWay = 2;
const pieceBytes = 1 << 20;

/** Starts an MP4. */
export function embeddedWriter(
  thread: H264Thread,
  settings: H264Settings,
  rate: FrameRate,
  scratch: Scratch,
): AnimationWriter {
  const [width, height] = [even(settings.width), even(settings.height)];
  const video = thread.open(settings);
  const coding: Promise<Uint8Array>[] = [];
  const sizes: number[] = [];
  const keys: number[] = [];
  let heads: { readonly sequence: Uint8Array; readonly picture: Uint8Array } | undefined;

  const take = async (): Promise<void> => {
    const units = splitUnits(await coding.shift()!);
    const [sequence, picture] = [nal.sequence, nal.picture].map((type) => units.find((unit) => nalType(unit) === type));
    if (sequence && picture) heads ??= { sequence: describeUse(sequence, levelOf(width, height, rate), rate), picture };
    const slices = units.filter((unit) => nalType(unit) === nal.slice || nalType(unit) === nal.keySlice);
    if (slices.some((unit) => nalType(unit) === nal.keySlice)) keys.push(sizes.length);
    const sample = withLengths(slices);
    sizes.push(sample.length);
    await scratch.append(sample);
  };

  return {
    async add({ data }) {
      const coded = video.encode(data);
      // A failure is met when its turn comes; until then it is no unhandled one.
      coded.catch(() => undefined);
      coding.push(coded);
      while (coding.length >= underWay) await take();
      return [];
    },
    async end() {
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
    for (let at = 0; at < scratch.length; at += pieceBytes)
      yield await scratch.read(at, Math.min(pieceBytes, scratch.length - at));
  }
}

/** The next even number. */
export const even = (edge: number): number => edge + (edge % 2);

/** The units of a sample, each after its length in four bytes. */
function withLengths(units: readonly Uint8Array[]): Uint8Array {
  const sample = new Uint8Array(units.reduce((sum, unit) => sum + unit.length + 4, 0));
  const view = new DataView(sample.buffer);
  let at = 0;
  for (const unit of units) {
    view.setUint32(at, unit.length);
    sample.set(unit, at + 4);
    at += unit.length + 4;
  }
  return sample;
}
