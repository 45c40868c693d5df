import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { InputError, tensor, type Raster } from '@deepearth/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPicture } from './read-picture.ts';
import { fillColour, imageNet, type PictureProcessing } from './picture-processing.ts';
import * as preprocess from './preprocess.ts';
import type { PreprocessOptions } from './preprocess.ts';

/** What V-JEPA 2's processor does. */
const processing: PictureProcessing = {
  resize: { shortestEdge: 256, crop: 224 },
  interpolation: 'bilinear',
  resizedAs: 'uint8',
  ...imageNet,
};
type Options = Pick<PreprocessOptions, 'cropSize'> & Partial<PreprocessOptions>;
const asVjepa = (options: Options): PreprocessOptions => ({ patchSize: 16, tubelet: 2, processing, ...options });
const prepareClip = (rasters: readonly Raster[], options: Options) => preprocess.prepareClip(rasters, asVjepa(options));
const preprocessClip = (rasters: readonly Raster[], options: Options) =>
  preprocess.preprocessClip(rasters, asVjepa(options));

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
    expect([...left.valid!]).toEqual([0, 255, 0, 255]);
    expect(left.bytes(0).every((byte) => byte === 90)).toBe(true);
  });

  it('says how much of a token holds data, over the frames that it spans', () => {
    const hole = (empty: number): Raster => ({
      ...raster(32, 32, () => 9),
      valid: Uint8Array.from({ length: 1024 }, (_, i) => (Math.floor(i / 32) < 16 && i % 32 < 16 ? empty : 1)),
    });
    const options = { cropSize: 32, fit: 'resize' } as const;
    const whole = [255, 255, 255];
    expect(prepareClip([hole(1), hole(1)], options).valid).toBeUndefined();
    expect([...prepareClip([hole(0), hole(1)], options).valid!]).toEqual([128, ...whole]);
    expect([...prepareClip([hole(0), hole(0), hole(1), hole(1)], options).valid!]).toEqual([
      0,
      ...whole,
      255,
      ...whole,
    ]);
    expect([...prepareClip([hole(0)], options).valid!]).toEqual([0, ...whole]);
    expect([...prepareClip([hole(0), hole(1)], { ...options, tubelet: 1 }).valid!]).toEqual([
      0,
      ...whole,
      255,
      ...whole,
    ]);
  });

  it('pads with the fill colour, keeps the aspect, and says which tokens are padding', () => {
    const prepared = prepareClip([raster(32, 64, () => 200)], { cropSize: 64, fit: 'pad' });
    expect(prepared.geometry).toEqual({ frameWidth: 64, frameHeight: 32, x: 0, y: -16, width: 64, height: 64 });
    expect([...prepared.valid!]).toEqual([0, 0, 0, 0, ...Array(8).fill(255), 0, 0, 0, 0]);
    expect([...prepared.bytes(0).subarray(0, 3)]).toEqual(fillColour(processing));
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
    // The last row of tokens (48…64) and the sixth column (80…96) are padding; half of row 32…48 lies in the frame, and
    // 6 of the 16 pixels of column 64…80.
    const row = [255, 255, 255, 255, Math.round((255 * 6) / 16), 0];
    const half = [128, 128, 128, 128, Math.round((255 * 3) / 16), 0];
    expect([...prepared.valid!]).toEqual([...row, ...row, ...half, 0, 0, 0, 0, 0, 0]);
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

  it('cuts a patch of 14 with every fit', () => {
    const frame = raster(60, 90, (y, x, c) => (y * 5 + x * 3 + c * 80) & 255);
    for (const fit of ['crop', 'resize', 'pad', 'tile'] as const) {
      const prepared = prepareClip([frame], { cropSize: 42, patchSize: 14, tubelet: 1, fit });
      expect(prepared.grid).toEqual(fit === 'tile' ? { height: 6, width: 9 } : { height: 3, width: 3 });
      expect(prepared.pixels().length).toBe(3 * 42 * 42);
    }
    expect(() => prepareClip([frame], { cropSize: 48, patchSize: 14 })).toThrow(/multiple of 14/);
  });

  it('cuts overlapping tiles that hold the same pixels where they overlap', () => {
    const frame = raster(70, 100, (y, x, c) => (y * 5 + x * 3 + c * 80) & 255);
    const prepared = prepareClip([frame], { cropSize: 64, fit: 'tile', overlap: 1 });
    expect(prepared.tiles).toEqual({ rows: 2, columns: 2 });
    expect(prepared.grid).toEqual({ height: 7, width: 7 });
    for (let row = 0; row < 2; row++)
      for (let column = 0; column < 2; column++) {
        const tile = prepared.bytes(0, row, column);
        for (let y = 0; y < 64 && row * 48 + y < 70; y++)
          for (let x = 0; x < 64 && column * 48 + x < 100; x++)
            expect(tile[(y * 64 + x) * 3]).toBe(frame.values.data[((row * 48 + y) * 100 + column * 48 + x) * 3]);
      }
    expect(prepared.valid!.length).toBe(49);
    expect([...prepared.valid!.subarray(0, 7)]).toEqual([255, 255, 255, 255, 255, 255, Math.round((255 * 4) / 16)]);
  });

  it('normalises what has been resized in floats without rounding it, and rounds it for people', () => {
    const frame = raster(33, 47, (y, x, c) => ((y * 37 + x * 101 + c * 53) * 2654435761) >>> 24);
    for (const interpolation of ['bilinear', 'bicubic'] as const) {
      const options = { cropSize: 32, fit: 'resize' } as const;
      const rounded = prepareClip([frame], { ...options, processing: { ...processing, interpolation } });
      const exact = prepareClip([frame], {
        ...options,
        processing: { ...processing, interpolation, resizedAs: 'float32' },
      });
      // Two roundings (after columns and after rows) of half a level each, one of them spread by the weights.
      const near = exact.bytes(0).map((byte, i) => Math.abs(byte - rounded.bytes(0)[i]!));
      expect(Math.max(...near)).toBeLessThanOrEqual(interpolation === 'bicubic' ? 2 : 1);
      const pixels = exact.pixels();
      const seen = exact.bytes(0);
      for (let i = 0; i < 1024; i++)
        for (let c = 0; c < 3; c++) {
          const level = pixels[c * 1024 + i]! * imageNet.deviation[c]! * 255 + imageNet.mean[c]! * 255;
          expect(Math.abs(Math.min(Math.max(level, 0), 255) - seen[i * 3 + c]!)).toBeLessThanOrEqual(0.501);
        }
      expect(pixels.some((value, i) => value !== rounded.pixels()[i])).toBe(true);
    }
  });
});

describe('validity', () => {
  /** The share of a token's area that holds data, by counting points of a fine grid in the frame. */
  const counted = (
    prepared: ReturnType<typeof prepareClip>,
    masks: readonly Uint8Array[],
    row: number,
    column: number,
  ) => {
    const { frameWidth, frameHeight, x, y, width, height } = prepared.geometry;
    const points = 16;
    let seen = 0;
    for (const mask of masks)
      for (let i = 0; i < points; i++)
        for (let j = 0; j < points; j++) {
          const px = x + (width * (column + (j + 0.5) / points)) / prepared.grid.width;
          const py = y + (height * (row + (i + 0.5) / points)) / prepared.grid.height;
          const inside = px >= 0 && py >= 0 && px < frameWidth && py < frameHeight;
          if (inside && mask[Math.floor(py) * frameWidth + Math.floor(px)]) seen++;
        }
    return seen / (points * points * masks.length);
  };

  it('is the share of the area with data; 0 and 255 are exact', () => {
    const edge = fc.integer({ min: 3, max: 40 });
    fc.assert(
      fc.property(
        edge,
        edge,
        fc.constantFrom('crop' as const, 'resize' as const, 'pad' as const, 'tile' as const),
        fc.nat(),
        (height, width, fit, seed) => {
          const masks = [0, 1].map((frame) =>
            Uint8Array.from({ length: height * width }, (_, i) =>
              Math.imul(Math.floor(i / 5) + frame * 77 + seed, 2654435761) >>> 30 ? 1 : 0,
            ),
          );
          const frames = masks.map((valid) => ({ ...raster(height, width, () => 1), valid }));
          const prepared = prepareClip(frames, { cropSize: 32, fit });
          const cells = prepared.grid.height * prepared.grid.width;
          for (let cell = 0; cell < cells; cell++) {
            const share = counted(prepared, masks, Math.floor(cell / prepared.grid.width), cell % prepared.grid.width);
            const said = prepared.valid?.[cell] ?? 255;
            // Points of a grid miss up to a row and a column of its cells.
            expect(Math.abs(said / 255 - share)).toBeLessThan(0.15);
            if (share > 0) expect(said).toBeGreaterThan(0);
            if (share < 1) expect(said).toBeLessThan(255);
          }
          expect(prepared.valid?.every((value) => value === 255) ?? false).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps a single pixel with data, or without, apart from none and from all', () => {
    const frame = (value: (i: number) => number): Raster => ({
      ...raster(512, 512, () => 1),
      valid: Uint8Array.from({ length: 512 * 512 }, (_, i) => value(i)),
    });
    const options = { cropSize: 16, fit: 'resize', tubelet: 1 } as const;
    expect([...prepareClip([frame((i) => (i === 777 ? 1 : 0))], options).valid!]).toEqual([1]);
    expect([...prepareClip([frame((i) => (i === 777 ? 0 : 1))], options).valid!]).toEqual([254]);
    expect([...prepareClip([frame(() => 0)], options).valid!]).toEqual([0]);
    expect(prepareClip([frame(() => 1)], options).valid).toBeUndefined();
  });
});

describe('clipPreparation', () => {
  it('keeps nothing of a frame but the input, so that the pixels of one are in memory at a time', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const preparation = preprocess.clipPreparation(asVjepa({ cropSize: 32, fit: 'resize' }));
    const pixels = (number: number) => {
      const frame = raster(64, 64, (y, x) => y + x + number);
      preparation.add(frame);
      return new WeakRef(frame.values.data);
    };
    const seen = Array.from({ length: 4 }, (_, number) => pixels(number));
    await new Promise((resolve) => setTimeout(resolve));
    collect();
    expect(seen.filter((each) => each.deref() !== undefined)).toHaveLength(0);
    expect(preparation.finish().frames).toBe(4);
  });

  it('says whether it needs the pixels of a frame any longer', () => {
    for (const options of [
      asVjepa({ cropSize: 32 }),
      asVjepa({ cropSize: 64, fit: 'resize' }),
      asVjepa({ cropSize: 32, fit: 'tile' }),
    ]) {
      const frame = () => raster(64, 64, (y, x, c) => (y * x + c) & 255);
      const preparation = preprocess.clipPreparation(options);
      const given = frame();
      const holds = preparation.add(given);
      expect(holds).toBe(options.fit === 'tile');
      if (!holds) (given.values.data as Uint8Array).fill(0);
      expect(preparation.finish().pixels()).toEqual(preprocess.prepareClip([frame()], options).pixels());
    }
  });

  it('takes the last frame again as if it had come again', () => {
    const frames = [0, 1].map((number) => raster(40, 40, (y, x, c) => (y * x + c + number) & 255));
    const options = asVjepa({ cropSize: 32 });
    const repeating = preprocess.clipPreparation(options);
    for (const frame of frames) repeating.add(frame);
    repeating.repeat();
    repeating.repeat();
    const whole = preprocess.prepareClip([...frames, frames[1]!, frames[1]!], options);
    expect(repeating.finish().pixels()).toEqual(whole.pixels());
  });
});
