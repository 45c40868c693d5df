import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededNormal } from '../shared/seeded.ts';
import { pcaReduction } from './pca-reduction.ts';
import { mergePca, pcaCollector, type PcaContent } from './pca-part.ts';
import { fitPca, pca } from './pca.ts';
import { countRowSizes, joinRowSizes, refuseFarRows } from './row-sizes.ts';

const channels = 24;
const rows = 200;
const tokens = (fill?: number, at = 7): Float32Array => {
  const normal = seededNormal(3);
  const values = Float32Array.from(
    { length: rows * channels },
    (_, i) => normal() * ([16, 8, 4][i % channels] ?? 0.25),
  );
  return fill === undefined ? values : values.fill(fill, at * channels, (at + 1) * channels);
};
const collected = async (values: Float32Array, from = 0, valid?: Uint8Array): Promise<PcaContent> => {
  const collector = pcaCollector({ channels, from, engine: 'javascript' });
  await collector.add(values, valid);
  return collector.finish();
};
const fitted = (content: PcaContent, count = rows) =>
  fitPca(content, { channels, components: 3, whiten: false, engine: 'javascript', count }, {} as never);
const far = (token: number) => ({ code: 'E_FAR_TOKEN', subject: `token ${token}` });

describe('a row of a fill value among tokens', () => {
  test.each([1e7, 1e8, -1e12, 1e19, 9.97e36])('of %d is refused by its number', async (fill) => {
    await expect(pca(tokens(fill), { channels })).rejects.toMatchObject(far(7));
    await expect(pca(tokens(fill), { channels, engine: 'ml-pca' })).rejects.toMatchObject(far(7));
  });

  test.each([255, -9999, 1e5])('of %d leaves the others where they are among one another', async (fill) => {
    const plain = await pca(tokens().subarray(8 * channels), { channels });
    const model = await pca(tokens(fill), { channels, components: 4 });
    const others = tokens().subarray(8 * channels);
    const [expected, found] = [await plain.transform(others), await model.transform(others)];
    // The first component is the fill's; the next ones are those of the others, but for their sign.
    for (let k = 0; k < 3; k++) {
      let [product, a, b] = [0, 0, 0];
      for (let row = 0; row < rows - 8; row++) {
        const [x, y] = [expected[row * 3 + k]!, found[row * 4 + k + 1]!];
        product += x * y;
        a += x * x;
        b += y * y;
      }
      expect(Math.abs(product) / Math.sqrt(a * b)).toBeGreaterThan(0.95);
    }
  });

  test('that is not valid is nothing, and the others are counted by their places', async () => {
    const valid = new Uint8Array(rows + 4).fill(255);
    valid.fill(0, 2, 6);
    await expect(fitted(await collected(tokens(1e10), 1000, valid))).rejects.toMatchObject(far(1011));
  });

  test('is found in parts, in the one that holds it, after they were packed', async () => {
    const half = (rows / 2) * channels;
    const values = tokens(1e10, 150);
    const parts = await Promise.all([collected(values.slice(0, half)), collected(values.slice(half), rows / 2)]);
    const again = await Promise.all(
      parts.map(async (part) => pcaReduction.unpack(await pcaReduction.pack(part), channels, 'part')),
    );
    await expect(fitted(await mergePca(again, channels, 'javascript', {} as never))).rejects.toMatchObject(far(150));
    // A part of before has no sizes: nothing is known, and nothing refused.
    const { sizes: _, ...old } = parts[0]!;
    expect((await mergePca([old, parts[1]!], channels, 'javascript', {} as never)).sizes).toBeUndefined();
  });
});

test('sizes of parts together are those of the whole, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 2, maxLength: 30 }),
      fc.nat(),
      (values, at) => {
        const of = (from: number, to: number) => {
          const counter = countRowSizes();
          counter.add(Float64Array.from(values.slice(from, to)), 1, (row) => from + row);
          return counter.sizes();
        };
        const cut = at % values.length;
        expect(joinRowSizes([of(0, cut), of(cut, values.length)])).toEqual(of(0, values.length));
      },
    ),
  );
});

test('rows of one size, of zeros, and none at all are not far', () => {
  for (const values of [[], [0, 0, 0], [1e30, 1e30], [1e-30, 1e-30, 2e-30], [0, 0, 0, 0, 5]]) {
    const counter = countRowSizes();
    counter.add(Float64Array.from(values), 1, (row) => row);
    expect(() => refuseFarRows(counter.sizes())).not.toThrow();
  }
});
