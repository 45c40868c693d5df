import { runStage } from '@deepearth/core/run-stage';
import { tensor, type Clip, type Frame, type Raster } from '@deepearth/core';
import { describeStage, given, makeFrames } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { colourHistogram, histogramDifference } from './colour-histogram.ts';
import { scene } from './scene.ts';

const size = { width: 16, height: 12 };

/** A picture: noise around a colour. */
function picture(rgb: readonly number[], seed: number, spread = 30): Raster {
  const data = Uint8Array.from({ length: size.width * size.height * 3 }, (_, i) => {
    const noise = (Math.imul(i + 1, 0x9e3779b1 + seed * 2) >>> 8) % spread;
    return Math.min(255, rgb[i % 3]! + noise);
  });
  return { values: tensor('uint8', [size.height, size.width, 3], data), channels: ['red', 'green', 'blue'] };
}

const scenery = { sea: [20, 60, 140], snow: [220, 220, 215], forest: [30, 80, 20], night: [3, 3, 8] } as const;

/** Frames of scenes one after the other: names and lengths. */
function film(...parts: readonly (readonly [keyof typeof scenery, number])[]): Frame[] {
  const pictures = parts.flatMap(([name, length]) =>
    Array.from({ length }, (_, i) =>
      picture(
        scenery[name].map((value) => value + (i % 3)),
        i,
      ),
    ),
  );
  return makeFrames(pictures.length, size).map((frame, i) => ({ ...frame, read: async () => pictures[i]! }));
}

async function clips(frames: readonly Frame[], options: object = {}): Promise<number[][]> {
  const found: number[][] = [];
  for await (const clip of runStage(scene, { options: { size: 4, ...options }, inputs: [given(frames)] }))
    found.push((clip as Clip).frames.map(({ number }) => number));
  return found;
}

describeStage(scene, {
  options: { size: 4, minFrames: 2 },
  otherOptions: { size: 4, minFrames: 2, clips: 'all' },
  inputs: () => [given(film(['sea', 3], ['snow', 3], ['forest', 4]))],
  output: (found) => expect(found).toHaveLength(3),
});

describe('scenes', () => {
  test('are found where the pictures change, and give a clip each', async () => {
    expect(await clips(film(['sea', 12], ['snow', 8], ['forest', 9]))).toEqual([
      [0, 3, 6, 9],
      [12, 14, 16, 18],
      [20, 22, 24, 26],
    ]);
  });

  test('give all their clips where that is wanted, the last one filled', async () => {
    expect(await clips(film(['sea', 10], ['night', 8]), { clips: 'all' })).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 9, 9],
      [10, 11, 12, 13],
      [14, 15, 16, 17],
    ]);
  });

  test('do not end at a flash, nor where light changes slowly', async () => {
    expect(await clips(film(['sea', 10], ['snow', 1], ['sea', 7]), { minFrames: 12 })).toHaveLength(1);
    const slowly = Array.from({ length: 40 }, (_, i) => picture([20 + i * 4, 30 + i * 4, 60 + i * 4], i));
    const frames = makeFrames(40, size).map((frame, i) => ({ ...frame, read: async () => slowly[i]! }));
    expect(await clips(frames)).toHaveLength(1);
  });

  test('hold every frame once, in order, whatever the film', async () => {
    const part = fc.tuple(fc.constantFrom('sea', 'snow', 'forest', 'night'), fc.integer({ min: 1, max: 14 }));
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 5 }), async (parts) => {
        const frames = film(...(parts as []));
        const found = await clips(frames, { clips: 'all' });
        const shown = found.flatMap((numbers) => [...new Set(numbers)]);
        expect(shown).toEqual(frames.map(({ number }) => number));
      }),
      { numRuns: 20 },
    );
  });

  test('are made of the frames that can be read, where the others are to be skipped', async () => {
    const frames = film(['sea', 10], ['snow', 10]).map((frame) =>
      frame.number === 3 ? { ...frame, read: () => Promise.reject(new Error('broken')) } : frame,
    );
    const found: Clip[] = [];
    const run = runStage(scene, { options: { size: 9 }, inputs: [given(frames)], onError: 'skip' });
    for await (const clip of run) found.push(clip as Clip);
    expect(found.map(({ frames: [...all] }) => all.map(({ number }) => number))).toEqual([
      [0, 1, 2, 4, 5, 6, 7, 8, 9],
      [10, 11, 12, 13, 14, 15, 16, 17, 18],
    ]);
  });
});

describe('the difference of two histograms', () => {
  const rgb = fc.tuple(fc.nat(225), fc.nat(225), fc.nat(225));
  test('is 0 for the same picture, at most 1, and the same both ways', () => {
    fc.assert(
      fc.property(rgb, rgb, fc.nat(99), (one, other, seed) => {
        const [a, b] = [colourHistogram(picture(one, seed)), colourHistogram(picture(other, seed + 1))];
        expect(histogramDifference(a, a)).toBe(0);
        expect(histogramDifference(a, b)).toBe(histogramDifference(b, a));
        expect(histogramDifference(a, b)).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  test('is 1 for black and white, and small for a little more light', () => {
    const grey = (level: number): Float64Array => colourHistogram(picture([level, level, level], 1, 1));
    expect(histogramDifference(grey(0), grey(255))).toBe(1);
    expect(
      histogramDifference(colourHistogram(picture([90, 90, 90], 1)), colourHistogram(picture([93, 93, 93], 2))),
    ).toBeLessThan(0.2);
  });

  test('knows nothing of pixels without data, and of grey what it shows', () => {
    const values = tensor('uint8', [1, 2, 3], Uint8Array.of(9, 9, 9, 200, 0, 0));
    const half: Raster = { values, channels: ['red', 'green', 'blue'], valid: Uint8Array.of(1, 0) };
    const grey: Raster = { values: tensor('uint16', [1, 1, 1], Uint16Array.of(900)), channels: ['grey'] };
    expect(histogramDifference(colourHistogram(half), colourHistogram(grey, [0, 25_500]))).toBe(0);
    expect(colourHistogram({ ...half, valid: Uint8Array.of(0, 0) }).every((share) => share === 0)).toBe(true);
  });
});
