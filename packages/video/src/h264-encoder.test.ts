import { describe, expect, test } from 'vitest';
import { h264Encoder } from './h264-encoder.ts';
import { mp4Samples } from './mp4-samples.ts';

const settings = { width: 64, height: 48, channels: 3, keyFrames: 12, quantizer: 24 };
const picture = (number: number) =>
  Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => (i * 7 + number * 31 + ((i * 2654435761) >>> 13)) & 255);

describe('the embedded encoder', () => {
  test.each([1, 11, 12, 13, 24, 30])('gives %i pictures as groups that begin with a key frame', async (count) => {
    const encoder = await h264Encoder(settings);
    const groups = [];
    for (let i = 0; i < count; i++) groups.push(await encoder.add(picture(i)));
    groups.push(await encoder.end());
    const full = groups.filter((group) => group !== undefined);
    expect(full.map(({ sizes }) => sizes.length)).toEqual(
      Array.from({ length: Math.ceil(count / 12) }, (_, i) => Math.min(12, count - 12 * i)),
    );
    for (const { sizes, samples, sequenceHead, pictureHead } of full) {
      expect([sequenceHead[0]! & 31, pictureHead[0]! & 31]).toEqual([7, 8]);
      // Each sample is one unit after its length: 5 is a key frame, 1 is not.
      let at = 0;
      for (const [i, size] of sizes.entries()) {
        expect(new DataView(samples.buffer, samples.byteOffset).getUint32(at)).toBe(size - 4);
        expect(samples[at + 4]! & 31).toBe(i === 0 ? 5 : 1);
        at += size;
      }
      expect(at).toBe(samples.length);
      expect(full[0]).toMatchObject({ sequenceHead, pictureHead });
    }
  });

  test('gives nothing for nothing, and may be closed in the middle', async () => {
    const encoder = await h264Encoder(settings);
    expect(await encoder.end()).toBeUndefined();
    await encoder.add(picture(0));
    encoder.close();
    expect(await encoder.end()).toBeUndefined();
  });
});

test('what is no MP4 file, or half of one, is refused', () => {
  expect(() => mp4Samples(new Uint8Array())).toThrow('an MP4 file without moov');
  expect(() => mp4Samples(new TextEncoder().encode('<!doctype html><title>no video</title>'))).toThrow('without moov');
});
