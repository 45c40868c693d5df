import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assembleTiles } from './assemble-tiles.ts';
import { layout } from './geometry.ts';

/** Tiles of 1 to 6 tokens a side, any permitted overlap, over frames of any size. */
const plans = fc
  .record({
    width: fc.integer({ min: 1, max: 60 }),
    height: fc.integer({ min: 1, max: 60 }),
    tokens: fc.record({ height: fc.integer({ min: 1, max: 6 }), width: fc.integer({ min: 1, max: 6 }) }),
    seed: fc.nat(),
  })
  .map(({ width, height, tokens, seed }) => {
    const overlap = seed % (Math.floor(Math.min(tokens.height, tokens.width) / 2) + 1);
    const cropSize = { height: tokens.height * 4, width: tokens.width * 4 };
    return { plan: layout(width, height, { cropSize, patchSize: 4, resize: 'exact', fit: 'tile', overlap }), tokens };
  });

type Plan = ReturnType<typeof layout>;
type Field = (time: number, y: number, x: number, channel: number) => number;

/** One tile's tokens of a field over the whole grid. */
function cut({ overlap }: Plan, size: { height: number; width: number }, row: number, column: number, field: Field) {
  const out = new Float32Array(2 * size.height * size.width * 3);
  let at = 0;
  for (let time = 0; time < 2; time++)
    for (let y = 0; y < size.height; y++)
      for (let x = 0; x < size.width; x++)
        for (let c = 0; c < 3; c++)
          out[at++] = field(time, row * (size.height - overlap) + y, column * (size.width - overlap) + x, c);
  return out;
}

const eachTile = ({ tiles }: Plan, work: (row: number, column: number) => void, backwards = false) => {
  const all = Array.from({ length: tiles.rows * tiles.columns }, (_, i) => i);
  for (const i of backwards ? all.reverse() : all) work(Math.floor(i / tiles.columns), i % tiles.columns);
};

const noise: Field = (time, y, x, c) =>
  (Math.imul(time * 977 + y * 131 + x * 17 + c + 1, 2654435761) >>> 8) / 2 ** 20 - 3;

describe('assembling tiles', () => {
  it('gives back the field that was cut, to the bit where tiles do not overlap', () => {
    fc.assert(
      fc.property(plans, ({ plan, tokens }) => {
        const assembly = assembleTiles(plan, 2, 3);
        eachTile(plan, (row, column) => assembly.add(row, column, cut(plan, tokens, row, column, noise)));
        const { shape, data } = assembly.finish();
        expect(shape).toEqual([2, plan.grid.height, plan.grid.width, 3]);
        let at = 0;
        for (let time = 0; time < 2; time++)
          for (let y = 0; y < plan.grid.height; y++)
            for (let x = 0; x < plan.grid.width; x++)
              for (let c = 0; c < 3; c++) expect(data[at++]).toBe(Math.fround(noise(time, y, x, c)));
      }),
    );
  });

  it('does not depend on the order in which tiles come, though they differ where they overlap', () => {
    fc.assert(
      fc.property(plans, fc.nat(), ({ plan, tokens }, seed) => {
        const [one, two] = [false, true].map((backwards) => {
          const assembly = assembleTiles(plan, 2, 3);
          eachTile(
            plan,
            (row, column) =>
              assembly.add(
                row,
                column,
                cut(plan, tokens, row, column, (t, y, x, c) => noise(t + row, y + column, x + seed, c)),
              ),
            backwards,
          );
          return assembly.finish().data;
        });
        expect(Buffer.compare(new Uint8Array(one!.buffer), new Uint8Array(two!.buffer))).toBe(0);
      }),
    );
  });

  it.each([
    [1, [0, 0, 0, 0, 0, 0, 0, 1.5, 3, 3, 3, 3, 3, 3, 3]],
    [2, [0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3, 3, 3]],
    [4, [0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3]],
  ])('falls linearly to the outermost tokens of each tile within an overlap of %i', (overlap, expected) => {
    const plan = layout(64 - overlap * 4, 32, {
      cropSize: 32,
      patchSize: 4,
      resize: 'exact',
      fit: 'tile',
      overlap,
    });
    expect([plan.tiles, plan.grid]).toEqual([
      { rows: 1, columns: 2 },
      { height: 8, width: expected.length },
    ]);
    const assembly = assembleTiles(plan, 1, 1);
    assembly.add(0, 0, new Float32Array(64).fill(0));
    assembly.add(0, 1, new Float32Array(64).fill(3));
    expect([...assembly.finish().data.subarray(0, expected.length)]).toEqual(expected);
  });

  it('refuses tiles that do not belong to it, and to finish without all of them', () => {
    const plan = layout(20, 8, { cropSize: 8, patchSize: 4, resize: 'exact', fit: 'tile' });
    const assembly = assembleTiles(plan, 1, 1);
    expect(() => assembly.add(0, 3, new Float32Array(4))).toThrow(/tile \(0, 3\) is none of 1 x 3/);
    expect(() => assembly.add(0, 0, new Float32Array(5))).toThrow(/has 4 values, not 5/);
    assembly.add(0, 0, new Float32Array(4));
    expect(() => assembly.finish()).toThrow(/2 of 1 x 3 tiles are missing/);
  });
});
