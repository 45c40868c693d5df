import fc from 'fast-check';
import type gifenc from 'gifenc';
import { expect, test } from 'vitest';
import { frameHead, gifEnd, gifHead } from './gif-blocks.ts';
import { gifKernel } from './gif-kernel.ts';
import { mostCompressed } from './lzw.ts';

const module = await import('gifenc');
const { GIFEncoder } = 'GIFEncoder' in module ? (module as unknown as typeof gifenc) : module.default;

/** What the kernel makes of pixels that come in pieces of these lengths, the last one as often as it takes. */
function compress(pixels: Uint8Array, pieces: readonly number[] = [pixels.length]): Uint8Array {
  const { kernel, at } = gifKernel(pixels.length, mostCompressed(pixels.length));
  const [source, out] = at as [number, number];
  kernel.memory.set(pixels, source);
  kernel.begin(out);
  for (let from = 0, i = 0; from < pixels.length; i++) {
    const length = Math.min(pixels.length - from, pieces[Math.min(i, pieces.length - 1)]!);
    kernel.add(source + from, length);
    from += length;
  }
  return kernel.memory.subarray(out, kernel.end());
}

/** Pixels as a viewer reads them, by the specification: a dictionary that learns from codes alone. */
function decompress(bytes: Uint8Array): number[] {
  const data: number[] = [];
  for (let at = 1; bytes[at]! > 0; at += bytes[at]! + 1) data.push(...bytes.subarray(at + 1, at + 1 + bytes[at]!));
  const pixels: number[] = [];
  let strings: number[][] = [];
  let former: number[] | undefined;
  let size = 9;
  for (let bit = 0; ;) {
    let code = 0;
    for (let i = 0; i < size; i++, bit++) code |= ((data[bit >> 3]! >> (bit & 7)) & 1) << i;
    if (code === 257) return pixels;
    if (code === 256) {
      strings = Array.from({ length: 258 }, (_, value) => [value]);
      former = undefined;
      size = 9;
      continue;
    }
    const string: number[] = strings[code] ?? [...former!, former![0]!];
    pixels.push(...string);
    if (former && strings.length < 4096) strings.push([...former, string[0]!]);
    if (strings.length === 1 << size && size < 12) size++;
    former = string;
  }
}

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

test('pixels are read back from their bytes, in whatever pieces they came', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30_000 }),
      fc.integer({ min: 1, max: 256 }),
      fc.integer({ min: 1, max: 400 }),
      fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 300 }),
      (length, colors, run, pieces, last) => {
        // Runs, and numbers without a pattern where they are short.
        const pixels = Uint8Array.from({ length }, (_, i) => (Math.imul((i / run) | 0, 0x9e3779b1) >>> 20) % colors);
        const bytes = compress(pixels, [...pieces, last]).slice();
        expect(same(bytes, reference(pixels))).toBe(true);
        expect(same(Uint8Array.from(decompress(bytes)), pixels)).toBe(true);
      },
    ),
    { numRuns: 50 },
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
