import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InputError, tensor, type Raster } from '@deepearth/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPicture } from './read-picture.ts';
import { fillColour, prepareClip, preprocessClip } from './preprocess.ts';

interface Expected {
  picture: string;
  size: [number, number];
  crop: number;
  expected: string;
  sample: number[];
  sampleAt: [number, number];
}

const own = fileURLToPath(new URL('../fixtures/preprocess/', import.meta.url));
const shared = fileURLToPath(new URL('../../../../shared/reference/preprocess/', import.meta.url));

const raster = (
  height: number,
  width: number,
  value: (y: number, x: number, c: number) => number,
  channels = ['red', 'green', 'blue'],
): Raster => ({
  values: tensor(
    'uint8',
    [height, width, channels.length],
    Uint8Array.from({ length: height * width * channels.length }, (_, i) =>
      value(Math.floor(i / channels.length / width), Math.floor(i / channels.length) % width, i % channels.length),
    ),
  ),
  channels,
});

/** Compares with what the Hugging Face processor made of the pictures that `expected.json` of a folder lists. */
function compareWith(folder: string): void {
  const listing = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as Expected[];
  it.each(listing)(
    'makes the same bytes and floats of $picture at $crop',
    async ({ picture, crop, expected, sample, sampleAt }) => {
      const prepared = prepareClip([await readPicture(folder + picture)], { cropSize: crop });
      const want = (await readPicture(folder + expected)).values.data as Uint8Array;
      expect(Buffer.compare(prepared.bytes(0), want)).toBe(0);
      const pixels = prepared.pixels();
      const [y, x] = sampleAt;
      sample.forEach((value, channel) => expect(pixels[(channel * crop + y) * crop + x]).toBeCloseTo(value, 5));
    },
  );
}

describe('preprocessing against the Hugging Face processor', () => {
  describe('on the fixture', () => compareWith(own));

  if (existsSync(shared)) describe('on the reference beside the clone', () => compareWith(shared));
  else
    it.skip('on the reference beside the clone (skipped: there is no ../shared/reference/preprocess)', () => undefined);
});

describe('preprocessing', () => {
  it('keeps a constant picture constant, whatever its size and fit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom('crop' as const, 'resize' as const),
        (height, width, value, fit) => {
          const picture = prepareClip([raster(height, width, () => value)], { cropSize: 32, fit }).bytes(0);
          // Weights in fixed point add up to 1 within their precision only: the reference is off by one level here and
          // there, too.
          expect(picture.every((byte) => Math.abs(byte - value) <= 1)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('commutes with a left-right flip where the crop leaves out the same on both sides', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 60 }), fc.integer({ min: 0, max: 1000 }), (edge, seed) => {
        const value = (y: number, x: number, c: number) => ((y * 37 + x * 101 + c * 53 + seed) * 2654435761) >>> 24;
        const straight = prepareClip([raster(edge, edge, value)], { cropSize: 32, fit: 'resize' }).bytes(0);
        const flipped = prepareClip([raster(edge, edge, (y, x, c) => value(y, edge - 1 - x, c))], {
          cropSize: 32,
          fit: 'resize',
        }).bytes(0);
        for (let y = 0; y < 32; y++)
          for (let x = 0; x < 32; x++)
            for (let c = 0; c < 3; c++)
              expect(
                Math.abs(straight[(y * 32 + x) * 3 + c]! - flipped[(y * 32 + 31 - x) * 3 + c]!),
              ).toBeLessThanOrEqual(1);
      }),
      { numRuns: 30 },
    );
  });

  it('repeats a grey channel three times, and drops alpha but remembers where the picture was transparent', () => {
    const grey = prepareClip([raster(64, 64, (y, x) => (y + x) & 255, ['grey'])], { cropSize: 32 }).bytes(0);
    for (let i = 0; i < grey.length; i += 3) expect([grey[i + 1], grey[i + 2]]).toEqual([grey[i], grey[i]]);
    const left = prepareClip(
      [raster(32, 32, (_, x, c) => (c === 3 ? (x < 16 ? 0 : 255) : 90), ['red', 'green', 'blue', 'alpha'])],
      { cropSize: 32, fit: 'resize' },
    );
    expect([...left.valid!]).toEqual([0, 1, 0, 1]);
    expect(left.bytes(0).every((byte) => byte === 90)).toBe(true);
  });

  it('calls a token good when either frame of its tubelet has data under it', () => {
    const hole = (empty: number): Raster => ({
      ...raster(32, 32, () => 9),
      valid: Uint8Array.from({ length: 1024 }, (_, i) => (Math.floor(i / 32) < 16 && i % 32 < 16 ? empty : 1)),
    });
    const options = { cropSize: 32, fit: 'resize' } as const;
    expect(prepareClip([hole(0), hole(1)], options).valid).toBeUndefined();
    expect([...prepareClip([hole(0), hole(0), hole(1), hole(1)], options).valid!]).toEqual([0, 1, 1, 1, 1, 1, 1, 1]);
    expect([...prepareClip([hole(0)], options).valid!]).toEqual([0, 1, 1, 1]);
  });

  it('pads with the fill colour, keeps the aspect, and says which tokens are padding', () => {
    const prepared = prepareClip([raster(32, 64, () => 200)], { cropSize: 64, fit: 'pad' });
    expect(prepared.geometry).toEqual({ frameWidth: 64, frameHeight: 32, x: 0, y: -16, width: 64, height: 64 });
    expect([...prepared.valid!]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    expect([...prepared.bytes(0).subarray(0, 3)]).toEqual([...fillColour]);
    expect(prepared.bytes(0)[(32 * 64 + 5) * 3]).toBe(200);
    expect(Math.max(...prepared.pixels().subarray(0, 16).map(Math.abs))).toBeLessThan(0.01);
  });

  it('cuts tiles at native resolution whose pixels, laid side by side, are the frame', () => {
    const frame = raster(40, 70, (y, x, c) => (y * 5 + x * 3 + c * 80) & 255);
    const prepared = prepareClip([frame], { cropSize: 32, fit: 'tile' });
    expect(prepared.tiles).toEqual({ rows: 2, columns: 3 });
    expect(prepared.grid).toEqual({ height: 4, width: 6 });
    expect(prepared.geometry).toEqual({ frameWidth: 70, frameHeight: 40, x: 0, y: 0, width: 96, height: 64 });
    for (let y = 0; y < 40; y++)
      for (let x = 0; x < 70; x++) {
        const tile = prepared.bytes(0, Math.floor(y / 32), Math.floor(x / 32));
        expect(tile[((y % 32) * 32 + (x % 32)) * 3 + 1]).toBe(frame.values.data[(y * 70 + x) * 3 + 1]);
      }
    // The last row of tokens (48…64) and the sixth column (80…96) are padding; rows 32…48 reach into the frame.
    expect([...prepared.valid!]).toEqual([1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    const all = preprocessClip([frame, frame], { cropSize: 32, fit: 'tile' });
    expect(all.shape).toEqual([6, 2, 3, 32, 32]);
    expect(all.pixels.length).toBe(6 * 2 * 3 * 32 * 32);
    expect(all.pixels.subarray(0, 3 * 1024)).toEqual(all.pixels.subarray(3 * 1024, 6 * 1024));
  });

  it('scales other values by a range, clamping what lies outside, and asks for one where there is none', () => {
    const wide: Raster = { values: tensor('uint16', [16, 16, 1], new Uint16Array(256).fill(3000)), channels: ['red'] };
    expect(() => prepareClip([wide], { cropSize: 16, names: ['b04.tif'] })).toThrow(
      /b04\.tif: it holds uint16 values.*range: \[low, high\]/,
    );
    expect(prepareClip([wide], { cropSize: 16, fit: 'resize', range: [0, 6000] }).bytes(0)[0]).toBe(128);
    expect(prepareClip([wide], { cropSize: 16, fit: 'resize', range: [0, 1000] }).bytes(0)[0]).toBe(255);
    expect(() => prepareClip([wide], { cropSize: 16, range: [5, 5] })).toThrow(InputError);
  });

  it('refuses what is no picture, naming it', () => {
    expect(() => prepareClip([], { cropSize: 32 })).toThrow(/no frames/);
    expect(() => prepareClip([raster(8, 8, () => 0, ['B02', 'B03', 'B04', 'B08'])], { cropSize: 32 })).toThrow(
      /B08.*bands/,
    );
    expect(() => prepareClip([raster(8, 8, () => 0), raster(8, 9, () => 0)], { cropSize: 32 })).toThrow(
      /frame 2 of 2.*9 x 8/,
    );
    expect(() => prepareClip([raster(8, 8, () => 0)], { cropSize: 100 })).toThrow(RangeError);
    expect(() => prepareClip([{ ...raster(8, 8, () => 0), valid: new Uint8Array(3) }], { cropSize: 32 })).toThrow(
      /mask/,
    );
  });
});
