import { createHash } from 'node:crypto';
import { tensor, type Frame, type Legend, type Projection, type Tensor } from '@deepearth/core';
import { makeFrames, makeProjections } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { annotated, captionedHeight } from './annotated.ts';
import { captionOf, captionStrip, type Caption, type CaptionField } from './caption.ts';
import { cellColors } from './cell-colors.ts';
import { glyphHeight, glyphOf, glyphWidth } from './glyphs.ts';
import { legendOf, legendStrip, numbers } from './legend.ts';
import { margin, textScale } from './strip.ts';
import { advance } from './text.ts';

const paper = 28;
const viridis = { colorMap: 'viridis', reverse: false } as const;
const alphabet = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).concat([...'°µ–×…→↑']);

/** The dot at a column and row of a strip, `[red, green, blue]`; dots lie `scale` pixels apart. */
const dot = ({ data, shape }: Tensor<'uint8'>, scale: number, column: number, row: number): number[] => {
  const at = (row * scale * shape[1]! + column * scale) * 3;
  return [...data.subarray(at, at + 3)];
};

/**
 * Reads the letters that stand in a row of dots from a column on, in the colour of ink alone, to the end of the strip.
 */
function read(strip: Tensor<'uint8'>, scale: number, column: number, row: number): string {
  const known = new Map(alphabet.map((character) => [glyphOf(character).join(), character]));
  const columns = Math.floor(strip.shape[1]! / scale);
  let text = '';
  for (let left = column; left + glyphWidth <= columns; left += advance) {
    const rows = Array.from({ length: glyphHeight }, (_, y) =>
      Array.from({ length: glyphWidth }, (__, x) =>
        dot(strip, scale, left + x, row + y).every((v) => v === 236),
      ).reduce((bits, inked, x) => bits | (Number(inked) << x), 0),
    );
    text += known.get(rows.join()) ?? '□';
  }
  return text.trimEnd();
}

/** Where a strip is not paper: the first and last row and column, in pixels. */
function inked({
  data,
  shape,
}: Tensor<'uint8'>): { left: number; right: number; top: number; bottom: number } | undefined {
  const [height, width] = shape as [number, number];
  let found: { left: number; right: number; top: number; bottom: number } | undefined;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      if (data[at] === paper && data[at + 1] === paper && data[at + 2] === paper) continue;
      found ??= { left: x, right: x, top: y, bottom: y };
      found.left = Math.min(found.left, x);
      found.right = Math.max(found.right, x);
      found.bottom = y;
    }
  return found;
}

const digest = ({ data, shape }: Tensor<'uint8'>): string =>
  `${shape.join('x')} ${createHash('sha256').update(data).digest('hex').slice(0, 16)}`;

const frame = (rest: Partial<Frame> = {}): Frame => ({
  ...makeFrames(1, { first: 616 })[0]!,
  at: '2024-02-22T10:15:00Z',
  sequence: 'north',
  locator: { source: 'source/frames', uri: 'data/north/frame_000616.tif' },
  ...rest,
});
const usual: readonly CaptionField[] = ['number', 'time', 'file'];
const captions = (fields: readonly CaptionField[], of = frame()): Caption => captionOf(fields, of, 'pca-overlay');

const made = (components: number, rest: Partial<Projection> = {}): Projection => ({
  ...makeProjections({ time: 1, height: 1, width: 2, components, count: 1 })[0]!,
  reducer: 'pca',
  limits: Array.from({ length: components }, (_, i) => [-0.5 - i, 2 + i] as const),
  ...rest,
});
const legend = (...given: Parameters<typeof made>): Legend => legendOf(made(...given), viridis);
const legends: Readonly<Record<string, Legend>> = {
  scalar: legend(1, { reducer: 'similarity', limits: [[-0.25, 0.75]] }),
  components: legend(3),
  plane: legend(2),
  groups: legend(1, { meaning: 'label', reducer: 'kmeans', limits: [[0, 19]] }),
};

const arbitraryCaption = fc
  .uniqueArray(fc.constantFrom<CaptionField>('layer', 'sequence', 'number', 'time', 'file'), { minLength: 1 })
  .chain((fields) =>
    fc
      .array(fc.string({ unit: 'grapheme', maxLength: 50 }), { minLength: fields.length, maxLength: fields.length })
      .map((texts): Caption => fields.map((field, i) => ({ field, text: texts[i]! }))),
  );
const arbitraryLegends = fc.subarray(Object.values(legends));

describe('strips', () => {
  test('leave every pixel of the picture as it is, whatever its size and whatever they say', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom(3, 4),
        arbitraryCaption,
        arbitraryLegends,
        (width, height, channels, caption, shown) => {
          const data = new Uint8Array(width * height * channels).map((_, i) => i * 7);
          const both = annotated(tensor('uint8', [height, width, channels], data), caption, shown);
          expect(both.shape.slice(1)).toEqual([width, channels]);
          expect(both.shape[0]).toBeGreaterThan(height);
          expect(Buffer.compare(both.data.subarray(0, data.length), data)).toBe(0);
          if (channels === 4)
            for (let i = data.length + 3; i < both.data.length; i += 4) expect(both.data[i]).toBe(255);
          if (shown.length === 0)
            expect(both.shape[0]).toBe(
              captionedHeight(
                width,
                height,
                caption.map(({ field }) => field),
              ),
            );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('are not there where nothing is asked for', () => {
    const picture = tensor('uint8', [2, 2, 3], new Uint8Array(12));
    expect(annotated(picture, [])).toBe(picture);
    expect(captionedHeight(20, 30, [])).toBe(30);
    expect(captionedHeight(20, null, ['file'])).toBeNull();
  });

  test('hold all they say within their margins, at any width', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 4 }),
        arbitraryCaption,
        (width, scale, caption) => {
          const ink = inked(captionStrip(caption, width, scale));
          if (!ink) return;
          expect(ink.left).toBeGreaterThanOrEqual(margin * scale);
          expect(ink.right).toBeLessThan(width - margin * scale);
          expect(ink.top).toBeGreaterThanOrEqual(3 * scale);
          expect(ink.bottom).toBeLessThan(captionStrip(caption, width, scale).shape[0]! - 2 * scale);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('are enlarged with the picture', () => {
    expect(
      [
        [64, 64],
        [384, 384],
        [1920, 1080],
        [3840, 2160],
        [2000, 100],
      ].map(([w, h]) => textScale(w!, h!)),
    ).toEqual([1, 2, 4, 8, 1]);
  });
});

describe('captions', () => {
  test('can be read back, at every size', () => {
    const [number, time, file] = ['#616', '2024-02-22T10:15:00Z', 'frame_000616.tif'];
    const wide = captionStrip(captions(usual), 1920, 4);
    expect(read(wide, 4, margin, 3)).toBe(`${number}  ${time}  ${file}`);
    const square = captionStrip(captions(usual), 384, 2);
    expect([3, 14].map((row) => read(square, 2, margin, row))).toEqual([`${number}  ${time}`, file]);
    const small = captionStrip(captions(usual), 128, 1);
    expect([3, 14, 25].map((row) => read(small, 1, margin, row))).toEqual([number, time, file]);
    expect(read(captionStrip(captions(['file']), 60, 1), 1, margin, 3)).toBe('fram….tif');
  });

  test('say every printable letter', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 20 }), (text) => {
        const strip = captionStrip([{ field: 'file', text }], 400, 1);
        expect(read(strip, 1, margin, 3)).toBe(text.trimEnd());
      }),
    );
  });

  test('are as high whatever they say, so that all pictures of a run are of one size', () => {
    fc.assert(
      fc.property(arbitraryCaption, fc.integer({ min: 1, max: 500 }), (caption, width) => {
        const empty = caption.map(({ field }) => ({ field, text: '' }));
        expect(captionStrip(caption, width, 1).shape).toEqual(captionStrip(empty, width, 1).shape);
      }),
    );
  });

  test('say layer, sequence, number, time and the name of the file, and which picture of it', () => {
    const said = (of: Frame): string[] =>
      captionOf(['layer', 'sequence', 'number', 'time', 'file'], of, 'umap').map(({ text }) => text);
    expect(said(frame())).toEqual(['umap', 'north', '#616', '2024-02-22T10:15:00Z', 'frame_000616.tif']);
    const { at, seconds, ...timeless } = frame({
      locator: { source: 'source/video', uri: 'C:\\clips\\rain.mp4', index: 12 },
    });
    expect([at, seconds]).toEqual(['2024-02-22T10:15:00Z', 61.6]);
    expect(said(timeless).slice(3)).toEqual(['no time', 'rain.mp4 (frame 12)']);
    expect(said({ ...timeless, seconds: 0.1 + 0.2 })[3]).toBe('0.3 s');
    expect(said({ ...timeless, locator: { source: 'source/zarr', uri: 's3://bucket/cube.zarr/' } })[4]).toBe(
      'cube.zarr',
    );
  });
});

describe('legends', () => {
  test('of one number have a bar in the colours of the tokens, and numbers at its ticks', () => {
    const strip = legendStrip([legends['scalar']!], 600, 2);
    const text = read(strip, 2, margin, 3);
    expect(text.startsWith('similarity')).toBe(true);
    const start = margin + 10 * advance + 4;
    const end = 300 - margin - 1;
    const drawn = cellColors(
      {
        ...made(1),
        values: tensor('float32', [1, 1, 3, 1], Float32Array.of(-0.25, 0.25, 0.75)),
        limits: [[-0.25, 0.75]],
      },
      0,
      viridis,
    );
    expect(dot(strip, 2, start, 5)).toEqual([...drawn.subarray(0, 3)]);
    expect(dot(strip, 2, end, 5)).toEqual([...drawn.subarray(8, 11)]);
    expect(read(strip, 2, start, 13)).toMatch(/^-0\.25/);
    expect(read(strip, 2, end + 2 - 4 * advance, 13)).toBe('0.75');
  });

  test('of one number follow the colour map, turned round where the tokens are', () => {
    for (const colorMap of ['magma', 'gray'] as const)
      for (const reverse of [false, true]) {
        const { colors } = legendOf(made(1), { colorMap, reverse });
        const values = Float32Array.from({ length: 256 }, (_, i) => -0.5 + (2.5 * i) / 255);
        const drawn = cellColors({ ...made(1), values: tensor('float32', [1, 1, 256, 1], values) }, 0, {
          colorMap,
          reverse,
        });
        expect([...colors!]).toEqual([...drawn].filter((_, i) => i % 4 < 3));
      }
  });

  test('of three components name each, from black to its colour between its limits', () => {
    const strip = legendStrip([legends['components']!], 384, 2);
    [0, 1, 2].forEach((i) => {
      const row = 3 + 11 * i;
      expect(read(strip, 2, margin, row)).toMatch(new RegExp(`^pca ${i + 1}`));
      const columns = Array.from({ length: 192 }, (_, x) => dot(strip, 2, x, row + 3));
      const bar = columns.filter((color) => color.filter((v) => v === 0).length >= 2);
      expect(bar.length).toBeGreaterThanOrEqual(24);
      expect([bar[0], bar.at(-1)]).toEqual([[0, 0, 0], [0, 0, 0].map((_, c) => (c === i ? 255 : 0))]);
    });
    const named = legendStrip([{ ...legends['components']!, componentNames: ['red', 'green', 'blue'] }], 384, 2);
    expect([3, 14, 25].map((row) => read(named, 2, margin, row).slice(0, 4).trim())).toEqual(['red', 'gree', 'blue']);
  });

  test('of two components show the plane in the colours of the tokens', () => {
    const strip = legendStrip([legends['plane']!], 384, 2);
    const corners = [
      [-0.5, 3],
      [2, 3],
      [-0.5, -1.5],
      [2, -1.5],
    ];
    const values = tensor('float32', [1, 1, 4, 2], Float32Array.from(corners.flat()));
    const drawn = cellColors({ ...made(2), values }, 0, viridis);
    const edge = 30;
    expect(
      [
        [0, 0],
        [edge, 0],
        [0, edge],
        [edge, edge],
      ].map(([x, y]) => dot(strip, 2, margin + x!, 3 + y!)),
    ).toEqual([0, 1, 2, 3].map((i) => [...drawn.subarray(4 * i, 4 * i + 3)]));
    expect([3, 25].map((row) => read(strip, 2, margin + edge + 5, row))).toEqual([
      '↑ pca 2: -1.50 … 3.00',
      '→ pca 1: -0.50 … 2.00',
    ]);
  });

  test('of groups have the colours of the groups, and say how many there was no room for', () => {
    const strip = legendStrip([legends['groups']!], 1920, 4);
    expect(read(strip, 4, margin, 3).startsWith('kmeans')).toBe(true);
    const colors = new Set(
      Array.from({ length: 480 }, (_, x) => [4, 15].map((y) => dot(strip, 4, x, y).join())).flat(),
    );
    const values = Float32Array.from({ length: 20 }, (_, i) => i);
    const drawn = cellColors(
      { ...made(1), meaning: 'label', values: tensor('float32', [1, 1, 20, 1], values), limits: [[0, 19]] },
      0,
      viridis,
    );
    for (let i = 0; i < 20; i++) expect(colors.has([...drawn.subarray(4 * i, 4 * i + 3)].join()), String(i)).toBe(true);
    const many = legendStrip([legend(1, { meaning: 'label', limits: [[0, 511]], reducer: 'kmeans' })], 384, 2);
    expect(many.shape[0]).toBe((3 + 6 * 11) * 2);
    const last = Array.from({ length: 192 }, (_, x) => read(many, 2, x, 3 + 5 * 11)).find((text) =>
      /^\+\d+ more/.test(text),
    );
    expect(last).toBe('+490 more');
  });

  test('stay within the strip at any width, at any limits', () => {
    const limit = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom('scalar', 'components', 'plane', 'groups'),
        fc.array(fc.tuple(limit, limit), { minLength: 3, maxLength: 3 }),
        (width, scale, kind, ends) => {
          const shown = { ...legends[kind]!, limits: ends.slice(0, legends[kind]!.limits.length) };
          const strip = legendStrip([shown], width, scale);
          expect(strip.shape[1]).toBe(width);
          const ink = inked(strip);
          if (!ink) return;
          expect(ink.left).toBeGreaterThanOrEqual(margin * scale);
          expect(ink.right).toBeLessThan(width - margin * scale);
          expect(ink.top).toBeGreaterThanOrEqual(3 * scale);
          expect(ink.bottom).toBeLessThan(strip.shape[0]! - 2 * scale);
        },
      ),
      { numRuns: 100 },
    );
  });
});

test('numbers have as many decimals as their limits need', () => {
  expect(numbers([-0.25, 0.75], -0.25, 0.75)).toEqual(['-0.25', '0.75']);
  expect(numbers([-6.1, 7.25], -6.1, 7.25)).toEqual(['-6.1', '7.3']);
  expect(numbers([0, 4095], 0, 4095)).toEqual(['0', '4095']);
  expect(numbers([0.00012, 0.00034], 0.00012, 0.00034)).toEqual(['0.000120', '0.000340']);
  expect(numbers([-1e-9, 1], -1e-9, 1)).toEqual(['0.00', '1.00']);
  expect(numbers([2.5e7, 3e7], 2.5e7, 3e7)).toEqual(['2.50e7', '3.00e7']);
  expect(numbers([1e-9, 2e-9], 1e-9, 2e-9)).toEqual(['1.00e-9', '2.00e-9']);
  expect(numbers([3], 3, 3)).toEqual(['3.00']);
  expect(numbers([-0], -0, 0)).toEqual(['0.00']);
});

test('the same words are the same bytes, now and later', () => {
  const strips = {
    caption: captionStrip(captions(['layer', 'sequence', ...usual]), 384, 2),
    foreign: captionStrip([{ field: 'file', text: 'Zürich–東京 20 °C × 3 µm ~{|}' }], 384, 2),
    ...Object.fromEntries(Object.entries(legends).map(([name, one]) => [name, legendStrip([one], 384, 2)])),
  };
  expect(Object.fromEntries(Object.entries(strips).map(([name, strip]) => [name, digest(strip)])))
    .toMatchInlineSnapshot(`
      {
        "caption": "72x384x3 667b37e54c05ed12",
        "components": "72x384x3 1f5d766219b7c55c",
        "foreign": "28x384x3 80a2ce8c7903a3e2",
        "groups": "94x384x3 9988e2e5f9067ddc",
        "plane": "74x384x3 acd2743741eaaa50",
        "scalar": "48x384x3 584710045aad5543",
      }
    `);
});
