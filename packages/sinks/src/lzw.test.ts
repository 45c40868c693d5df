import fc from 'fast-check';
import type gifenc from 'gifenc';
import { expect, test } from 'vitest';
import { frameHead, gifEnd, gifHead } from './gif-blocks.ts';
import { lzwEncoder } from './lzw.ts';

const module = await import('gifenc');
const { GIFEncoder } = 'GIFEncoder' in module ? (module as unknown as typeof gifenc) : module.default;
const compress = lzwEncoder();

/** What gifenc makes of pixels; its head of a frame has 18 bytes. */
function reference(pixels: Uint8Array): Uint8Array {
  const encoder = GIFEncoder({ auto: false });
  encoder.writeFrame(pixels, pixels.length, 1);
  return encoder.bytes().subarray(18);
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

test('pixels are compressed to the bytes of gifenc, one frame after another', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 2000 }), fc.integer({ min: 1, max: 256 }), (some, colors) => {
      const pixels = some.map((value) => value % colors);
      expect(same(compress(pixels), reference(pixels))).toBe(true);
    }),
  );
});

test.each([1, 2, 3, 17, 256])('codes begin anew when all are in use, with %i colours', (colors) => {
  // Numbers without a pattern use up all codes several times; a seed of their own for each number of colours.
  let state = colors;
  const pixels = Uint8Array.from({ length: 60_000 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 16) % colors;
  });
  expect(same(compress(pixels), reference(pixels))).toBe(true);
});

test('blocks end where they are full, whatever the length', () => {
  const pixels = Uint8Array.from({ length: 700 }, (_, i) => (i * 7919) % 251);
  for (let length = 1; length <= pixels.length; length++)
    expect(same(compress(pixels.subarray(0, length)), reference(pixels.subarray(0, length))), `${length}`).toBe(true);
});

test('heads of files and frames are those of gifenc', () => {
  const color = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 0, max: 255 })));
  const palettes = fc.array(color, { minLength: 1, maxLength: 256 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 3 }),
      palettes,
      palettes,
      fc.integer({ min: 0, max: 65535 }),
      fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
      fc.boolean(),
      (width, height, palette, other, delay, transparent, loop) => {
        const encoder = GIFEncoder();
        const pixels = new Uint8Array(width * height);
        const see = transparent === undefined ? {} : { transparent: true, transparentIndex: transparent };
        encoder.writeFrame(pixels, width, height, { palette, delay: delay * 10, repeat: loop ? 0 : -1, ...see });
        encoder.writeFrame(pixels, width, height, { palette: other, delay: delay * 10, ...see });
        encoder.finish();
        const about = { width, height, delay, ...(transparent !== undefined && { transparent }) };
        const parts = [
          gifHead(width, height, palette, loop),
          frameHead(about),
          compress(pixels).slice(),
          frameHead({ ...about, palette: other }),
          compress(pixels),
          gifEnd(),
        ];
        expect(same(Buffer.concat(parts), encoder.bytes())).toBe(true);
      },
    ),
  );
});
