import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VJepa2Extractor } from './extractor.ts';

// 96 px, 6 x 6 tokens: quick on any machine. The cache folder is the test's own.
let cache: string;
let extractor: VJepa2Extractor;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'builtin-tokens-'));
  process.env['DEEPEARTH_CACHE'] = cache;
  extractor = await VJepa2Extractor.load({ model: 'builtin', device: 'cpu', threads: 2, cropSize: 96, fit: 'resize' });
});
afterAll(async () => {
  await extractor?.dispose();
  delete process.env['DEEPEARTH_CACHE'];
  await rm(cache, { recursive: true, force: true });
});

type Colour = (x: number, y: number, t: number) => readonly [number, number, number];
const clip = (colour: Colour, frames = 4) =>
  Array.from({ length: frames }, (_, t) => ({
    width: 96,
    height: 96,
    data: Uint8Array.from(
      { length: 96 * 96 * 3 },
      (_, i) => colour(Math.floor(i / 3) % 96, Math.floor(i / 288), t)[i % 3]!,
    ),
  }));
const noise = (x: number, y: number, t: number) =>
  ((x * 374761393 + y * 668265263 + t * 974634777) ^ ((x * y + t) * 1274126177)) >>> 24;

/** Tokens of one time step, `[36][256]`. */
async function tokens(colour: Colour): Promise<Float32Array[]> {
  const { values, shape } = await extractor.extract(clip(colour));
  expect(shape).toEqual([2, 6, 6, 256]);
  return Array.from({ length: 36 }, (_, i) => Float32Array.from(values.data.subarray(i * 256, (i + 1) * 256)));
}
const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]!));
const mean = (all: Float32Array[]) =>
  Float32Array.from({ length: 256 }, (_, c) => all.reduce((sum, token) => sum + token[c]!, 0) / all.length);

/** How far the means of the left and the right third are apart, in units of how far their tokens scatter. */
function separation(all: Float32Array[]): number {
  const left = all.filter((_, i) => i % 6 < 2);
  const right = all.filter((_, i) => i % 6 > 3);
  const scatter = (group: Float32Array[]) =>
    group.reduce((sum, token) => sum + distance(token, mean(group)), 0) / group.length;
  return distance(mean(left), mean(right)) / Math.max(scatter(left), scatter(right), 1e-6);
}

describe('tokens of the built-in checkpoint', () => {
  it.each<[string, Colour]>([
    [
      'water from sand, by colour',
      (x, y) => (x < 48 ? [40, 70, 110 + (noise(x, y, 0) >> 5)] : [190, 170, 120 + (noise(x, y, 0) >> 5)]),
    ],
    [
      'forest from meadow of the same mean colour, by texture',
      (x, y) =>
        x < 48 ? [60 + (noise(x >> 2, y >> 2, 0) >> 2), 60 + (noise(x >> 2, y >> 2, 0) >> 2), 50] : [92, 92, 50],
    ],
    [
      'what moves from what rests, of the same texture',
      (x, y, t) => {
        const v = noise((x + (x < 48 ? 6 * t : 0)) >> 3, y >> 3, 1) >> 1;
        return [v, v, v];
      },
    ],
  ])('separate %s', async (_, colour) => {
    expect(separation(await tokens(colour))).toBeGreaterThan(1);
  });

  it('see their neighbourhood: a change far away hardly matters, one next door does', async () => {
    const plain = await tokens(() => [100, 100, 100]);
    const spot = (column: number) =>
      tokens((x, y) => (x >> 4 === column && y >> 4 === 2 ? [255, 255, 255] : [100, 100, 100]));
    const at = 2 * 6 + 0;
    const next = distance((await spot(1))[at]!, plain[at]!);
    const far = distance((await spot(5))[at]!, plain[at]!);
    expect(next).toBeGreaterThan(4 * far);
  });
});
