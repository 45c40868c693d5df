// Compares with what FFmpeg's libraries read of the videos beside the repository.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { runStage } from '@deepearth/runtime/run-stage';
import { describe, expect, test } from 'vitest';
import { hasFfmpeg, withoutFfmpeg } from './testing/programs.ts';
import { video } from './video.ts';

const root = fileURLToPath(new URL('../../../../shared/reference/video', import.meta.url));
const there = existsSync(join(root, 'expected.json'));
const withoutFiles = there ? '' : ' (skipped: no ../shared/reference)';

interface Expected {
  readonly kind: 'video' | 'bad';
  readonly size: readonly [width: number, height: number];
  readonly frame_count: number;
  readonly promised_frames?: number;
  readonly pts_seconds: readonly number[];
  readonly mean_rgb: readonly (readonly number[])[];
  readonly number_in_picture?: readonly number[];
  readonly frames: readonly {
    readonly frame: number;
    readonly samples: readonly { readonly index: readonly [number, number]; readonly rgb: readonly number[] }[];
  }[];
}
const files = there
  ? (JSON.parse(readFileSync(join(root, 'expected.json'), 'utf8')) as { files: Record<string, Expected> }).files
  : {};
const named = (kind: Expected['kind'], embedded: boolean): [string, Expected][] =>
  Object.entries(files).filter(([name, file]) => file.kind === kind && /\.(gif|apng)$/.test(name) === embedded);

test.skipIf(!there)(`the files beside the repository are listed${withoutFiles}`, () => {
  expect(Object.keys(files).length).toBeGreaterThan(10);
});

/** The number that the top row of a picture spells, as the files are made. */
function spelled(data: ArrayLike<number>, width: number, height: number): number {
  let number = 0;
  for (let bit = 0; bit < 8; bit++) {
    const at = (Math.floor(height / 16) * width + Math.floor(((bit + 0.5) * width) / 8)) * 3;
    number = number * 2 + (data[at]! > 128 ? 1 : 0);
  }
  return number;
}

async function compare(name: string, expected: Expected): Promise<void> {
  const skipped: string[] = [];
  let count = 0;
  const frames = runStage(video, {
    options: { path: join(root, name) },
    onError: 'skip',
    onEvent: (event) => void (event.type === 'skipped' && skipped.push(event.item)),
  });
  for await (const frame of frames) {
    const { data } = (await frame.read()).values;
    const { number, width, height } = frame;
    expect([width, height]).toEqual(expected.size);
    expect(frame.seconds).toBeCloseTo(expected.pts_seconds[number]!, 8);
    const sums = [0, 0, 0];
    for (let at = 0; at < data.length; at++) sums[at % 3]! += data[at]!;
    for (const [c, sum] of sums.entries())
      expect(Math.abs(sum / (width * height) - expected.mean_rgb[number]![c]!)).toBeLessThan(1.5);
    if (expected.number_in_picture) expect(spelled(data, width, height)).toBe(expected.number_in_picture[number]);
    for (const { index, rgb } of expected.frames.find((each) => each.frame === number)?.samples ?? []) {
      const at = (index[0] * width + index[1]) * 3;
      for (const [c, value] of rgb.entries()) expect(Math.abs(data[at + c]! - value)).toBeLessThanOrEqual(3);
    }
    count++;
  }
  expect(count).toBe(expected.frame_count);
  // Frames that are promised and missing are counted, not passed over.
  expect(skipped).toHaveLength((expected.promised_frames ?? count) - count);
}

describe.skipIf(!there)(`animations beside the repository are read as FFmpeg reads them${withoutFiles}`, () => {
  test.each(named('video', true))('%s', compare);
});

describe.skipIf(!there || !hasFfmpeg)(
  `videos beside the repository are read as FFmpeg's libraries read them${withoutFiles || withoutFfmpeg}`,
  { timeout: 240_000 },
  () => {
    test.each(named('video', false))('%s', compare);

    test.each(named('bad', false))('%s is refused by name', async (name) => {
      const read = async (): Promise<void> => {
        for await (const frame of runStage(video, { options: { path: join(root, name) } })) await frame.read();
      };
      await expect(read()).rejects.toMatchObject({
        code: name.includes('audio') ? 'E_NO_VIDEO' : 'E_VIDEO_UNREADABLE',
        message: expect.stringMatching(
          /bad_\w+\.mp4: (?:is empty|has no video stream|cannot be read as a video: its index)/,
        ),
      });
    });
  },
);
