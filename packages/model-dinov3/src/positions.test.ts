// Positions of patches: turned in DINOv3, learned and resized in DINOv2.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { positionWeights } from './positions.ts';
import { rotaryTables } from './rotary.ts';

describe('learned positions', () => {
  const kinds = fc.constantFrom('dinov2', 'dinov2-registers');
  const edge = fc.integer({ min: 1, max: 24 });

  it('of the size that was trained stay as they are, to the bit', () =>
    fc.assert(
      fc.property(kinds, edge, (kind, size) => {
        const { data } = positionWeights(kind, size, size);
        for (let i = 0; i < size; i++)
          for (let j = 0; j < size; j++) expect(data[i * size + j]! + 0).toBe(i === j ? 1 : 0);
      }),
    ));

  it('that are all alike stay alike at every size, and a resized grid reads the same backwards', () =>
    fc.assert(
      fc.property(kinds, edge, edge, (kind, from, to) => {
        const { data, shape } = positionWeights(kind, from, to);
        expect(shape).toEqual([to, from]);
        for (let i = 0; i < to; i++) {
          const row = data.slice(i * from, (i + 1) * from);
          expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
          const mirrored = data.slice((to - 1 - i) * from, (to - i) * from).reverse();
          row.forEach((weight, j) => expect(weight).toBeCloseTo(mirrored[j]!, 5));
        }
      }),
    ));

  it('are averaged over more cells where they shrink with antialiasing, over four without', () => {
    const used = (kind: 'dinov2' | 'dinov2-registers') =>
      positionWeights(kind, 32, 4)
        .data.slice(32, 64)
        .filter((weight) => weight !== 0).length;
    expect(used('dinov2')).toBe(4);
    expect(used('dinov2-registers')).toBeGreaterThan(16);
  });
});

describe('rotary positions', () => {
  const grid = fc.record({ height: fc.integer({ min: 1, max: 6 }), width: fc.integer({ min: 1, max: 6 }) });

  it('leave the tokens before the patches alone, and turn every patch by an angle', () =>
    fc.assert(
      fc.property(grid, fc.nat(3), fc.constantFrom(4, 16, 20), (size, prefix, headSize) => {
        const { cos, sin } = rotaryTables(headSize, 100, prefix, size);
        expect(cos.shape).toEqual([prefix + size.height * size.width, headSize / 2]);
        cos.data.forEach((value, i) => {
          if (i < (prefix * headSize) / 2) expect([value, sin.data[i]]).toEqual([1, 0]);
          else expect(value ** 2 + sin.data[i]! ** 2).toBeCloseTo(1, 6);
        });
      }),
    ));

  it('go from -1 to 1 whatever the size: opposite patches turn oppositely, the middle one not at all', () =>
    fc.assert(
      fc.property(grid, ({ height, width }) => {
        const { cos, sin } = rotaryTables(16, 100, 0, { height, width });
        const last = height * width - 1;
        for (let token = 0; token <= last; token++)
          for (let i = 0; i < 8; i++) {
            expect(sin.data[token * 8 + i]!).toBeCloseTo(-sin.data[(last - token) * 8 + i]!, 5);
            expect(cos.data[token * 8 + i]!).toBeCloseTo(cos.data[(last - token) * 8 + i]!, 5);
          }
      }),
    ));

  it('turn the first half of a head with the row, the second with the column', () => {
    const { sin } = rotaryTables(8, 100, 0, { height: 1, width: 2 });
    // One row: its centre is 0. Columns at -0.5 and 0.5: half a turn backwards and forwards at the first frequency.
    expect(Array.from(sin.data.slice(0, 2))).toEqual([0, 0]);
    expect(sin.data[2]!).toBeCloseTo(Math.sin(-Math.PI), 6);
    expect(sin.data[3]!).toBeCloseTo(Math.sin(-Math.PI / 10), 6);
    expect(sin.data[7]!).toBeCloseTo(Math.sin(Math.PI / 10), 6);
  });
});
