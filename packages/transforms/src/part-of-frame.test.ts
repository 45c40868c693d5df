import { cropRaster, partOfRaster, readableFrame, readerOf, type Frame, type Rectangle } from '@deepearth/core';
import { makeFrames } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partOfFrame } from './part-of-frame.ts';

const [frame] = makeFrames(1, { width: 13, height: 9 }) as [Frame];
const { read, ...record } = frame;
/** The same frame as sources send it, and with a `read` of its own. */
const kinds: [string, Frame][] = [
  ['that a source reads by its locator', readableFrame(record, (_, options) => read(options))],
  ['with a `read` of its own', frame],
];

/** Any rectangle of whole pixels inside a picture. */
const rectangle = (width: number, height: number): fc.Arbitrary<Rectangle> =>
  fc
    .record({ x: fc.nat(width - 1), y: fc.nat(height - 1), right: fc.nat(width - 1), lower: fc.nat(height - 1) })
    .map(({ x, y, right, lower }) => ({ x, y, width: 1 + (right % (width - x)), height: 1 + (lower % (height - y)) }));

describe.each(kinds)('a part of a frame %s', (_, frame) => {
  test('has the pixels of the frame, in part and small too', async () => {
    const whole = await frame.read();
    await fc.assert(
      fc.asyncProperty(
        rectangle(13, 9).chain((window) => fc.tuple(fc.constant(window), rectangle(window.width, window.height))),
        fc.integer({ min: 1, max: 4 }),
        async ([window, inner], overview) => {
          const part = partOfFrame(frame, window);
          expect([part.width, part.height]).toEqual([window.width, window.height]);
          expect(await part.read()).toEqual(cropRaster(whole, window));
          expect(await part.read({ window: inner, overview })).toEqual(
            partOfRaster(cropRaster(whole, window), { window: inner, overview }),
          );
        },
      ),
    );
  });

  test('is read by its locator where the frame is, as are parts of it', () => {
    const part = partOfFrame(frame, { x: 1, y: 2, width: 8, height: 6 });
    const other = partOfFrame(part, { x: 1, y: 2, width: 3, height: 3 });
    expect([!!readerOf(part), !!readerOf(other)]).toEqual([!!readerOf(frame), !!readerOf(frame)]);
    expect(readerOf(other)).toBe(readerOf(part));
  });

  test('of a part is the part of the frame, and says so in its locator and footprint', async () => {
    await fc.assert(
      fc.asyncProperty(
        rectangle(13, 9).chain((window) => fc.tuple(fc.constant(window), rectangle(window.width, window.height))),
        async ([window, inner]) => {
          const twice = partOfFrame(partOfFrame(frame, window), inner);
          const once = { ...inner, x: window.x + inner.x, y: window.y + inner.y };
          expect(await twice.read()).toEqual(cropRaster(await frame.read(), once));
          if (once.width === frame.width && once.height === frame.height) return expect(twice.key).toBe(frame.key);
          expect(twice.locator).toEqual({ ...frame.locator, window: once });
          expect(twice.footprint).toEqual(once);
        },
      ),
    );
  });

  test('keeps its place on the Earth', () => {
    const transform = [10, 1, 300_000, -2, -10, 5_000_000] as const;
    const part = partOfFrame(
      { ...frame, georeference: { crs: 'EPSG:32633', transform } },
      { x: 3, y: 4, width: 2, height: 2 },
    );
    expect(part.georeference).toEqual({ crs: 'EPSG:32633', transform: [10, 1, 300_034, -2, -10, 4_999_954] });
    const overview = partOfFrame(
      { ...frame, footprint: { x: 100, y: 200, width: 26, height: 18 } },
      { x: 3, y: 4, width: 2, height: 2 },
    );
    expect(overview.footprint).toEqual({ x: 106, y: 208, width: 4, height: 4 });
  });

  test('has a key of its own, unless it is all of the frame', () => {
    const parts = [
      { x: 0, y: 0, width: 12, height: 9 },
      { x: 1, y: 0, width: 12, height: 9 },
      { x: 0, y: 0, width: 13, height: 8 },
    ].map((window) => partOfFrame(frame, window).key);
    expect(new Set([...parts, frame.key]).size).toBe(4);
    expect(partOfFrame(frame, { x: 0, y: 0, width: 13, height: 9 }, { sequence: 'a' })).toMatchObject({
      key: frame.key,
      sequence: 'a',
    });
  });

  test.each([
    { x: 0, y: 0, width: 14, height: 9 },
    { x: -1, y: 0, width: 3, height: 3 },
    { x: 0.5, y: 0, width: 3, height: 3 },
    { x: 0, y: 0, width: 0, height: 3 },
  ])('is refused where it leaves the frame: %o', async (window) => {
    expect(() => partOfFrame(frame, window)).toThrow(RangeError);
    const part = partOfFrame(frame, { x: 2, y: 2, width: 4, height: 4 });
    await expect(part.read({ window: { x: 1, y: 1, width: 4, height: 4 } })).rejects.toThrow(RangeError);
  });
});
