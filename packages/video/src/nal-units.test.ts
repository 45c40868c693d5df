import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sources } from './h264-kernel.generated.ts';
import { h264Encoder } from './h264-encoder.ts';
import { describeUse, levelOf, nal, nalType, splitUnits } from './nal-units.ts';

const { sourceDigest } = (await import(new URL('../wasm/build.mjs', import.meta.url).href)) as {
  sourceDigest(): string;
};

test('the compiled encoder is that of the sources', async () => {
  expect(sources).toBe(sourceDigest());
  expect(await readFile(new URL('./h264-kernel.generated.ts', import.meta.url), 'utf8')).toContain('wasm/build.mjs');
});

describe('a stream', () => {
  const unit = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    // As units are: without what could be a start code, and no zero at their end.
    .map((bytes) => bytes.map((byte) => byte || 1));
  test('is taken apart into the units it was made of', () => {
    fc.assert(
      fc.property(fc.array(unit, { minLength: 1, maxLength: 6 }), fc.array(fc.boolean()), (units, long) => {
        const stream = Uint8Array.from(
          units.flatMap((bytes, i) => [...(long[i] ? [0, 0, 0, 1] : [0, 0, 1]), ...bytes]),
        );
        expect(splitUnits(stream).map((bytes) => [...bytes])).toEqual(units.map((bytes) => [...bytes]));
      }),
    );
  });
});

describe('the head of a sequence', () => {
  const head = (width: number, height: number) => {
    const encoder = h264Encoder({ width, height, channels: 3, keyFrames: 12, quantizer: 24 });
    const units = splitUnits(encoder.encode(new Uint8Array(width * height * 3)));
    return units.find((each) => nalType(each) === nal.sequence)!;
  };
  test('keeps what the encoder said and gets its level, also where numbers need escapes', () => {
    for (const [numerator, denominator] of [
      [12, 1],
      [2997, 125],
      [1, 768],
      [256, 3],
    ] as const) {
      const before = head(64, 48);
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
