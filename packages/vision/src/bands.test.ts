import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePicture, type DecodeOptions } from './decode-picture.ts';
import { readPictureFile } from './picture-file.ts';
import { makeTiff, type TiffPicture } from './testing/make-tiff.ts';
import { tiffPages } from './tiff-header.ts';

const [width, height] = [5, 4];
const picture = (bands: number, more: Partial<TiffPicture> = {}): TiffPicture => {
  const wide = more.values instanceof Uint16Array;
  const values = new (wide ? Uint16Array : Uint8Array)(width * height * bands);
  for (let i = 0; i < values.length; i++) values[i] = ((i * 37) % 11) * 23 * (wide ? 257 : 1);
  return { width, height, bands, photometric: bands < 3 ? 1 : 2, ...more, values };
};
const decode = async (bytes: Uint8Array, options: DecodeOptions = {}, page = 0) =>
  decodePicture(await readPictureFile(bytes, { page }), options);

/** The values of some bands of a picture, from 0, pixel by pixel. */
const bandsOf = ({ values, bands }: TiffPicture, chosen: readonly number[], shift = 1): number[] =>
  Array.from({ length: width * height }, (_, pixel) =>
    chosen.map((band) => values[pixel * bands + band]! / shift),
  ).flat();

const layouts = fc.record({
  bands: fc.integer({ min: 1, max: 9 }),
  /** White is zero, black is zero, colours, a palette that is not there, samples that stand for themselves. */
  photometric: fc.constantFrom(0, 1, 2, 3, 34_892),
  separate: fc.boolean(),
  wide: fc.boolean(),
  little: fc.boolean(),
  big: fc.boolean(),
  /** Which of the bands beyond the colours the file calls opacity, if it says anything of them. */
  said: fc.constantFrom('nothing', 'unspecified', 'opacity'),
});

describe('bands of a TIFF', () => {
  test('that are asked for as colours are no opacity, whatever the file says', async () => {
    const made = picture(4, { extraSamples: [2] });
    const bytes = makeTiff([made]);
    const empty = bandsOf(made, [3]).filter((value) => value === 0).length;
    expect(empty).toBeGreaterThan(0);
    expect([...(await decode(bytes)).valid!].filter((valid) => valid === 0)).toHaveLength(empty);
    for (const bands of [[4], [4, 2, 1]]) {
      const raster = await decode(bytes, { bands });
      const [red, green = red, blue = red] = bands.map((band) => band - 1);
      expect([...raster.values.data]).toEqual(bandsOf(made, [red!, green!, blue!]));
      expect(raster.valid).toBeUndefined();
    }
    expect((await decode(bytes, { bands: [3, 2, 1] })).valid).toBeDefined();
  });

  test('of colours as CIE L*a*b* are refused as such, and are not called damaged', async () => {
    await expect(
      readPictureFile(makeTiff([picture(3, { photometric: 8 })]), { name: 'lab.tif' }),
    ).rejects.toMatchObject({
      code: 'E_PICTURE_KIND',
      message: expect.stringContaining('lab.tif: holds colours as CIE L*a*b*'),
    });
    await expect(readPictureFile(makeTiff([picture(4, { photometric: 8 })]))).rejects.toThrow('L*a*b*');
    await expect(readPictureFile(makeTiff([picture(1, { photometric: 32_803 })]))).rejects.toThrow(
      'mosaic of a sensor',
    );
  });

  test('that libvips has no decoder for are called so, and not damaged', async () => {
    const bytes = makeTiff([picture(3)]);
    // The compression of its fifth tag: Zstandard, as GDAL writes it.
    const at = 2 + 12 * 3 + new DataView(bytes.buffer).getUint32(4, true);
    expect(new DataView(bytes.buffer).getUint16(at, true)).toBe(259);
    new DataView(bytes.buffer).setUint16(at + 8, 50_000, true);
    await expect(decode(bytes)).rejects.toMatchObject({
      code: 'E_PICTURE_KIND',
      message: expect.stringMatching(/ZSTD.*source\/geotiff/s),
    });
  });

  test('are shown three by three, or the first as grey, and are opacity only where the file says so', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async ({ bands, photometric, separate, wide, little, big, said }) => {
        // One band of a palette is a palette.
        fc.pre(photometric !== 3 || bands > 1);
        const base = photometric === 2 ? 3 : 1;
        const extra = Math.max(0, bands - base);
        const opacity = said === 'opacity' && extra > 0 ? bands - 1 : undefined;
        const made = picture(bands, {
          photometric,
          separate,
          ...(wide && { values: new Uint16Array() }),
          ...(said !== 'nothing' &&
            extra > 0 && {
              extraSamples: Array.from({ length: extra }, (_, i) => (i === extra - 1 && opacity !== undefined ? 2 : 0)),
            }),
        });
        const data = bands - (opacity === undefined ? 0 : 1);
        const raster = await decode(makeTiff([made], { little, big }));
        const shown = bandsOf(made, data >= 3 ? [0, 1, 2] : [0, 0, 0], wide ? 257 : 1);
        // White is zero in one colour alone; several bands are what they are.
        const turned = photometric === 0 && data < 3;
        expect([...raster.values.data]).toEqual(turned ? shown.map((value) => 255 - value) : shown);
        expect(raster.valid ? [...raster.valid] : undefined).toEqual(
          opacity === undefined ? undefined : bandsOf(made, [opacity]).map((value) => (value > 0 ? 1 : 0)),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('of inks with an opacity or another band are the colours of the four inks alone', async () => {
    const inks = picture(4, { photometric: 5 });
    const colours = [...(await decode(makeTiff([inks]))).values.data];
    for (const extra of [0, 2])
      for (const separate of [false, true]) {
        const values = Uint8Array.from({ length: width * height * 5 }, (_, i) =>
          i % 5 === 4 ? 1 : inks.values[Math.floor(i / 5) * 4 + (i % 5)]!,
        );
        const made = { ...inks, bands: 5, values, extraSamples: [extra], separate };
        expect([...(await decode(makeTiff([made]))).values.data]).toEqual(colours);
      }
  });

  test('hold no data where all that are shown have the value that GDAL calls so', async () => {
    for (const wide of [false, true]) {
      const made = picture(3, { nodata: '0', ...(wide && { values: new Uint16Array() }) });
      made.values.fill(0, 6, 9);
      const expected = Array.from({ length: width * height }, (_, pixel) =>
        made.values.subarray(pixel * 3, pixel * 3 + 3).some((value) => value !== 0) ? 1 : 0,
      );
      expect(expected).toContain(0);
      expect(made.values.filter((value) => value === 0).length).toBeGreaterThan(3);
      expect([...(await decode(makeTiff([made]))).valid!]).toEqual(expected);
    }
    for (const nodata of ['', 'nan', '-9999'])
      expect((await decode(makeTiff([picture(3, { nodata })]))).valid).toBeUndefined();
  });

  test('are chosen by number, in any order, in part too', async () => {
    const made = picture(7, { photometric: 1, extraSamples: Array(6).fill(0) });
    const file = makeTiff([made]);
    const choice = fc.oneof(
      fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })),
      fc.tuple(fc.integer({ min: 1, max: 7 })),
    );
    await fc.assert(
      fc.asyncProperty(choice, async (bands: readonly number[]) => {
        const [red, green = red!, blue = red!] = bands.map((band) => band - 1);
        expect([...(await decode(file, { bands })).values.data]).toEqual(bandsOf(made, [red!, green, blue]));
        const part = await decode(file, { bands, window: { x: 2, y: 1, width: 1, height: 1 } });
        expect([...part.values.data]).toEqual(
          bandsOf(made, [red!, green, blue]).slice((width + 2) * 3, (width + 2) * 3 + 3),
        );
      }),
      { numRuns: 30 },
    );
  });

  test('are chosen by the names that GDAL wrote', async () => {
    const names = ['B02', 'B03', 'B04', 'B08 & more'];
    const items = names.map(
      (name, i) => `<Item name="DESCRIPTION" sample="${i}" role="description">${name.replace('&', '&amp;')}</Item>`,
    );
    const metadata = `<GDALMetadata><Item name="AREA">Point</Item>${items.join('')}</GDALMetadata>`;
    const made = picture(4, { extraSamples: [0], metadata });
    const file = makeTiff([made]);
    expect([...(await decode(file, { bands: ['B04', 'B03', 'B02'] })).values.data]).toEqual(bandsOf(made, [2, 1, 0]));
    expect([...(await decode(file, { bands: ['B08 & more'] })).values.data]).toEqual(bandsOf(made, [3, 3, 3]));
    await expect(decode(file, { bands: ['B05'] })).rejects.toThrow(
      /has no band "B05"; it has 4: B02, B03, B04, B08 & more\./,
    );
    await expect(decode(file, { bands: [5] })).rejects.toThrow(/has no band 5; it has 4/);
    await expect(decode(file, { bands: [0] })).rejects.toThrow(/has no band 0/);
  });
});

describe('values that are no whole numbers from 0', () => {
  const kinds = [Int16Array, Int32Array, Uint32Array, Float32Array, Float64Array] as const;
  const floating = (Kind: (typeof kinds)[number], bands: number, more: Partial<TiffPicture> = {}): TiffPicture => ({
    ...picture(bands),
    values: new Kind(
      Array.from(
        { length: width * height * bands },
        (_, i) => ((i * 37) % 101) * 3.25 - (Kind === Uint32Array ? 0 : 100),
      ),
    ),
    ...more,
  });

  test('are read as they are stored, in part too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...kinds),
        fc.constantFrom(1, 2, 3, 6),
        fc.boolean(),
        fc.boolean(),
        async (Kind, bands, little, big) => {
          const made = floating(Kind, bands, { photometric: 1 });
          const file = makeTiff([made], { little, big });
          const raster = await decode(file, { keep16: true });
          expect(raster.values.dtype).toBe(Kind === Int16Array ? 'int16' : 'float32');
          const expected = bandsOf(made, bands >= 3 ? [0, 1, 2] : [0, 0, 0]).map(
            Kind === Float32Array || Kind === Float64Array ? Math.fround : Math.trunc,
          );
          expect([...raster.values.data]).toEqual(expected);
          const part = await decode(file, { keep16: true, window: { x: 1, y: 2, width: 2, height: 1 } });
          expect([...part.values.data]).toEqual(expected.slice((2 * width + 1) * 3, (2 * width + 3) * 3));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('that are missing mask their pixels', async () => {
    const made = floating(Float32Array, 3, { nodata: '-100' });
    made.values[4] = NaN;
    const { valid } = await decode(makeTiff([made]), { keep16: true });
    const expected = Array.from({ length: width * height }, (_, pixel) =>
      Array.from(made.values.slice(pixel * 3, pixel * 3 + 3)).some((value) => Number.isNaN(value) || value === -100)
        ? 0
        : 1,
    );
    expect([...valid!]).toEqual(expected);
    expect(expected).toContain(0);
  });

  test('become 8 bits by the range of their type where nobody stretches them', async () => {
    const made = { ...floating(Float32Array, 1), values: Float32Array.from({ length: 20 }, (_, i) => i / 10 - 0.5) };
    expect([...(await decode(makeTiff([made]))).values.data].filter((_, i) => i % 3 === 0)).toEqual(
      Array.from({ length: 20 }, (_, i) => new Uint8ClampedArray([Math.fround(i / 10 - 0.5) * 255])[0]),
    );
  });

  test.each([
    [Uint32Array, 2 ** 32 - 1],
    [Int32Array, 2 ** 31 - 1],
  ] as const)('of %p do so too', async (Kind, most) => {
    const made = {
      ...floating(Kind, 1),
      values: new Kind(Array.from({ length: 20 }, (_, i) => Math.floor((most / 19) * i))),
    };
    const { data } = (await decode(makeTiff([made]))).values;
    expect([...data].filter((_, i) => i % 3 === 0)).toEqual(
      Array.from({ length: 20 }, (_, i) => Math.round((255 / 19) * i)),
    );
  });

  test('that float32 does not hold are refused, unless they are no data', async () => {
    const values = Float64Array.from({ length: 20 }, (_, i) => (i === 3 ? -Number.MAX_VALUE : i));
    const made = { ...floating(Float64Array, 1), values };
    await expect(decode(makeTiff([made]), { keep16: true })).rejects.toThrow(
      /holds float64 values from -1\.79\d+e\+308 to 19: .* ends at 3\.4e38/,
    );
    const { valid, values: read } = await decode(makeTiff([{ ...made, nodata: String(-Number.MAX_VALUE) }]), {
      keep16: true,
    });
    expect([...valid!].map((one, i) => [one, i]).filter(([one]) => !one)).toEqual([[0, 3]]);
    expect([...read.data].filter((value) => Math.abs(value) === Infinity)).toEqual([]);
  });

  test('that float32 cannot tell apart are refused', async () => {
    const made = { ...floating(Uint32Array, 1), values: Uint32Array.from({ length: 20 }, (_, i) => 4e9 + i) };
    await expect(decode(makeTiff([made]), { keep16: true })).rejects.toThrow(
      /uint32 values from 4000000000 to 4000000019: .*steps there are 256/,
    );
    // One value alone is what it is.
    made.values.fill(4e9);
    expect((await decode(makeTiff([made]), { keep16: true })).values.data[0]).toBe(4e9);
  });

  test('are refused where a file is cut short', async () => {
    const file = makeTiff([floating(Float32Array, 3)]);
    const at = new DataView(file.buffer).getUint32(4, true);
    await expect(decode(Uint8Array.from([...file.subarray(0, 8), ...file.subarray(200)]))).rejects.toThrow(/picture/);
    expect(at).toBeGreaterThan(8);
  });
});

describe('inks', () => {
  test('become colours by plain conversion, as in Pillow', async () => {
    const made = picture(4, { photometric: 5 });
    const expected = Array.from({ length: width * height }, (_, pixel) => {
      const [c, m, y, k] = made.values.slice(pixel * 4, pixel * 4 + 4);
      return [c!, m!, y!].map((ink) => 255 - k! - Math.round((ink * (255 - k!)) / 255));
    }).flat();
    expect([...(await decode(makeTiff([made]))).values.data]).toEqual(expected);
    await expect(decode(makeTiff([made]), { bands: [1] })).rejects.toThrow(/has cyan, magenta, yellow and black/);
  });

  test('of a JPEG too', async () => {
    const flat = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#ff0000' } })
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    const { bands, space } = await readPictureFile(flat);
    expect([bands, space]).toEqual([4, 'cmyk']);
    expect((await decode(flat)).values.shape).toEqual([8, 8, 3]);
  });
});

describe('pages', () => {
  const pages = [picture(3), picture(3, { subfileType: 1 }), picture(1), picture(1, { subfileType: 4 })];

  test('are the pictures of a file, without thumbnails and masks, each with its own bands', async () => {
    const file = makeTiff(pages);
    expect(await readPictureFile(file)).toMatchObject({ pages: 2, page: 0, bands: 3 });
    expect([...(await decode(file, {}, 1)).values.data]).toEqual(bandsOf(pages[2]!, [0, 0, 0]));
    await expect(readPictureFile(file, { page: 2 })).rejects.toThrow(/has no page 2; it has 2, counted from 0/);
  });

  test('of an animation are its frames', async () => {
    const frames = [1, 2, 3].map((i) => Buffer.alloc(4 * 4 * 3, i * 60));
    const gif = await sharp(Buffer.concat(frames), { raw: { width: 4, height: 12, channels: 3, pageHeight: 4 } })
      .gif({ delay: [100, 100, 100] })
      .toBuffer();
    expect(await readPictureFile(gif, { page: 2 })).toMatchObject({ pages: 3, page: 2, width: 4, height: 4 });
    expect((await decode(gif, {}, 2)).values.data[0]).toBe(180);
    await expect(readPictureFile(gif, { page: 3 })).rejects.toThrow(/has no page 3; it has 3/);
  });

  test('that lead in a circle, or nowhere, are not followed', async () => {
    const file = makeTiff([picture(3)]);
    const at = new DataView(file.buffer).getUint32(4, true);
    const count = new DataView(file.buffer).getUint16(at, true);
    for (const next of [at, file.length + 100]) {
      new DataView(file.buffer).setUint32(at + 2 + count * 12, next, true);
      expect(await tiffPages((offset, length) => file.subarray(offset, offset + length))).toBeUndefined();
    }
  });

  test('are not found in bytes that are anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, big) => {
        const file = Uint8Array.from([0x49, 0x49, big ? 43 : 42, 0, ...bytes]);
        const found = await tiffPages((offset, length) => file.subarray(offset, offset + length));
        expect(found === undefined || Array.isArray(found)).toBe(true);
      }),
    );
  });
});
