import { InputError, type Raster } from '@deepearth/core';
import sharp from 'sharp';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openAnimatedPicture, type AnimatedPicture } from './animated-picture.ts';
import { readPictureFile } from './picture-file.ts';
import { makeApng } from './testing/make-apng.ts';

const limits = { name: 'moving', maxPixels: 2 ** 20 };
const size = { width: 12, height: 8 };

const all = async (picture: AnimatedPicture, from = 0): Promise<Raster[]> => {
  const found: Raster[] = [];
  for await (const raster of picture.frames(from)) found.push({ ...raster });
  return found;
};

/** Pictures of one colour each. */
const colours = [
  [250, 0, 0],
  [0, 250, 0],
  [0, 0, 250],
  [9, 99, 199],
] as const;
const still = (rgb: readonly number[]): Promise<Buffer> =>
  sharp(
    Uint8Array.from({ length: size.width * size.height * 3 }, (_, i) => rgb[i % 3]!),
    { raw: { ...size, channels: 3 } },
  )
    .png()
    .toBuffer();
const joined = async () => sharp(await Promise.all(colours.map(still)), { join: { animated: true } });
const gif = async (delay: number[]): Promise<Uint8Array> => (await joined()).gif({ delay }).toBuffer();
const webp = async (delay: number[]): Promise<Uint8Array> =>
  (await joined()).webp({ delay, lossless: true, exact: true }).toBuffer();

const firstPixels = (rasters: readonly Raster[]): number[][] =>
  rasters.map(({ values: { data } }) => [...data.subarray(0, 3)]);

describe.each([
  ['GIF', gif],
  ['WebP', webp],
])('a %s', (_, make) => {
  test('has its frames, each with how long it is shown', async () => {
    const picture = openAnimatedPicture(await make([100, 20, 30, 250]), limits);
    expect(picture).toMatchObject({ ...size, durations: [0.1, 0.02, 0.03, 0.25], missing: 0 });
    const rasters = await all(picture);
    expect(firstPixels(rasters)).toEqual(colours);
    expect(rasters.every(({ valid }) => valid === undefined)).toBe(true);
  });

  test('shows a frame of no time for a tenth of a second, as browsers do', async () => {
    expect(openAnimatedPicture(await make([0, 40, 0, 40]), limits).durations).toEqual([0.1, 0.04, 0.1, 0.04]);
  });

  test('is read from any frame on as it is from the first', async () => {
    const picture = openAnimatedPicture(await make([40, 40, 40, 40]), limits);
    const whole = await all(picture);
    for (let from = 0; from < whole.length; from++) expect(await all(picture, from)).toEqual(whole.slice(from));
    expect(await all(picture, whole.length)).toEqual([]);
  });

  test('has no more pixels than are allowed', async () => {
    const bytes = await make([40, 40, 40, 40]);
    expect(() => openAnimatedPicture(bytes, { ...limits, maxPixels: 95 })).toThrow(/12 x 8 = 96 pixels/);
  });

  test('ends with an error that names it wherever it is cut, and never with other frames', async () => {
    const bytes = await make([40, 40, 40, 40]);
    const whole = await all(openAnimatedPicture(bytes, limits));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 16, max: bytes.length - 2 }), async (length) => {
        try {
          const picture = openAnimatedPicture(bytes.slice(0, length), limits);
          expect(picture.missing).not.toBe(0);
          const found = await all(picture);
          expect(found).toEqual(whole.slice(0, found.length));
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          expect((error as InputError).message).toMatch(/^moving: /);
        }
      }),
      { numRuns: 40 },
    );
  });
});

test('a GIF that is cut has its whole frames, and does not know how many are missing', async () => {
  const bytes = await gif([100, 100, 100, 100]);
  const picture = openAnimatedPicture(bytes.subarray(0, bytes.length - 30), limits);
  expect(picture.missing).toBeNull();
  expect(picture.durations).toHaveLength(3);
  expect(firstPixels(await all(picture))).toEqual(colours.slice(0, 3));
});

test('a picture that does not move is refused, whatever its format', async () => {
  const png = await still([1, 2, 3]);
  const single = await sharp(png).webp().toBuffer();
  for (const bytes of [png, single, Uint8Array.of(1, 2, 3)])
    expect(() => openAnimatedPicture(bytes, limits)).toThrow(/is no picture that moves/);
});

describe('an animated PNG', () => {
  const base = { x: 0, y: 0, width: 4, height: 2 };
  const pixel = (raster: Raster, x: number, y: number): readonly number[] => {
    const at = (y * 4 + x) * 3;
    return [...raster.values.data.subarray(at, at + 3), raster.valid?.[y * 4 + x] ?? 1];
  };

  test('that is read as one picture says that it has more', async () => {
    const frame = { ...base, rgba: [1, 2, 3, 255] } as const;
    const { oddities } = await readPictureFile(await makeApng([frame, frame, frame]));
    expect(oddities).toEqual(['an animation of 3 pictures, of which the first is read; source/video reads them all']);
    expect((await readPictureFile(await makeApng([frame]))).oddities).toEqual([]);
    expect((await readPictureFile(await still([1, 2, 3]))).oddities).toEqual([]);
  });

  test('puts frames on what is below, and takes them away as their control says', async () => {
    const dot = { x: 1, y: 1, width: 2, height: 1 };
    const picture = openAnimatedPicture(
      await makeApng([
        { ...base, rgba: [200, 0, 0, 255], delay: [3, 0] },
        { ...dot, rgba: [0, 200, 0, 255], dispose: 2, delay: [0, 10] },
        { ...dot, x: 2, rgba: [0, 0, 100, 128], blend: 1, dispose: 1 },
        { ...dot, x: 0, rgba: [0, 0, 0, 0], delay: [2, 10] },
      ]),
      limits,
    );
    // Hundredths where there is no denominator; a fifteenth where there is no time, as ffmpeg has it.
    expect(picture.durations).toEqual([0.03, 1 / 15, 0.1, 0.2]);
    const [first, second, third, fourth] = (await all(picture)) as [Raster, Raster, Raster, Raster];
    expect(pixel(first, 1, 1)).toEqual([200, 0, 0, 1]);
    expect([pixel(second, 1, 1), pixel(second, 3, 1)]).toEqual([
      [0, 200, 0, 1],
      [200, 0, 0, 1],
    ]);
    // The green is gone, and half of the red shows through the blue.
    expect([pixel(third, 1, 1), pixel(third, 2, 1)]).toEqual([
      [200, 0, 0, 1],
      [100, 0, 50, 1],
    ]);
    // Where the blue was there is nothing, and the last frame covers with nothing.
    expect(fourth.valid).toEqual(Uint8Array.of(1, 1, 1, 1, 0, 0, 0, 0));
  });

  test('is read from any frame on as it is from the first', async () => {
    const frame = fc.record({
      x: fc.integer({ min: 0, max: 2 }),
      y: fc.integer({ min: 0, max: 1 }),
      width: fc.constantFrom(1, 2),
      height: fc.constant(1),
      rgba: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.constantFrom(0, 90, 255)),
      dispose: fc.constantFrom(0, 1, 2),
      blend: fc.constantFrom(0, 1),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 4 }), fc.nat(4), async (frames, from) => {
        const picture = openAnimatedPicture(
          await makeApng([{ ...base, rgba: [1, 2, 3, 255] }, ...(frames as []), { ...base, rgba: [4, 5, 6, 99] }]),
          limits,
        );
        expect(await all(picture, from)).toEqual((await all(picture)).slice(from));
      }),
      { numRuns: 25 },
    );
  });

  test('counts the frames that its header promises and that are not there', async () => {
    const frames = Array.from({ length: 5 }, () => ({ ...base, rgba: [1, 2, 3, 255] as const }));
    expect(openAnimatedPicture(await makeApng(frames, 7), limits).missing).toBe(2);
    const bytes = await makeApng(frames);
    const cut = openAnimatedPicture(bytes.subarray(0, bytes.length - 40), limits);
    expect([cut.missing, cut.durations.length]).toEqual([1, 4]);
  });

  test('whose frame leaves the canvas lacks that frame', async () => {
    const outside = { ...base, x: 3, rgba: [1, 2, 3, 255] as const };
    const picture = openAnimatedPicture(await makeApng([{ ...base, rgba: [1, 2, 3, 255] }, outside]), limits);
    expect([picture.missing, picture.durations.length]).toEqual([1, 1]);
  });
});
