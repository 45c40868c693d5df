import { describe, expect, test } from 'vitest';
import { h264Encoder } from './h264-encoder.ts';
import { describeUse, levelOf } from './sequence-head.ts';

describe('the head of a sequence', () => {
  const head = async (width: number, height: number) => {
    const encoder = await h264Encoder({ width, height, channels: 3, keyFrames: 12, quantizer: 24 });
    await encoder.add(new Uint8Array(width * height * 3));
    return (await encoder.end())!.sequenceHead;
  };
  test('keeps what the encoder said and gets its level, also where numbers need escapes', async () => {
    for (const [numerator, denominator] of [
      [12, 1],
      [2997, 125],
      [1, 768],
      [256, 3],
    ] as const) {
      const before = await head(64, 48);
      const after = describeUse(before, 31, { numerator, denominator });
      expect([...after.subarray(0, 4)]).toEqual([0x67, 66, 0xc0, 31]);
      expect(after.length).toBeGreaterThan(before.length + 15);
      // No start code inside of it.
      for (let at = 0; at + 2 < after.length; at++)
        expect(after[at] === 0 && after[at + 1] === 0 && after[at + 2]! <= 2, `byte ${at}`).toBe(false);
    }
  });
});

test('the level is the lowest that has room', () => {
  const rate = (numerator: number) => ({ numerator, denominator: 1 });
  expect(levelOf(64, 48, rate(12))).toBe(10);
  expect(levelOf(1280, 720, rate(30))).toBe(31);
  expect(levelOf(1920, 1080, rate(30))).toBe(40);
  expect(levelOf(1920, 1080, rate(60))).toBe(42);
  expect(levelOf(2048, 1024, rate(12))).toBe(40);
  expect(levelOf(8192, 4096, rate(12))).toBe(60);
  // Long and thin: the edge decides, 256 blocks of the 8,192 that level 4 has room for.
  expect(levelOf(4096, 16, rate(1))).toBe(40);
});
