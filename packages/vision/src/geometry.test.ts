import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellAt, cellRectangle, fits, layout, shortestEdge, type LayoutOptions } from './geometry.ts';

const edge = fc.integer({ min: 1, max: 5000 });
const rule = { shortestEdge: 256, crop: 224 };
/** Crops of every patch size in use: 16 (V-JEPA 2, DINOv3) and 14 (DINOv2). */
const crops = fc
  .record({ patchSize: fc.constantFrom(14, 16), patches: fc.integer({ min: 1, max: 37 }) })
  .map(({ patchSize, patches }) => ({ patchSize, cropSize: patchSize * patches }));
const vjepa = (options: Omit<LayoutOptions, 'patchSize' | 'resize'>): LayoutOptions => ({
  patchSize: 16,
  resize: rule,
  ...options,
});

describe('layout', () => {
  it('scales the shortest edge as the processor of the checkpoints does', () => {
    expect([shortestEdge(256, rule), shortestEdge(384, rule)]).toEqual([292, 438]);
    expect(layout(1280, 720, vjepa({ cropSize: 256 })).resized).toEqual({ width: 519, height: 292 });
    expect(layout(333, 501, vjepa({ cropSize: 256 })).offset).toEqual({ x: 18, y: 91 });
  });

  it('finds every token at the middle of the rectangle that it sees', () => {
    fc.assert(
      fc.property(edge, edge, crops, fc.constantFrom(...fits), (width, height, crop, fit) => {
        const { geometry, grid } = layout(width, height, { ...crop, fit, resize: rule });
        for (const [row, column] of [
          [0, 0],
          [grid.height - 1, grid.width - 1],
          [grid.height >> 1, grid.width >> 2],
        ] as const) {
          const cell = cellRectangle(geometry, grid, row, column);
          expect(cellAt(geometry, grid, cell.x + cell.width / 2, cell.y + cell.height / 2)).toEqual({ row, column });
        }
      }),
    );
  });

  it('keeps the whole frame inside for every fit but crop, and stays inside the frame for crop', () => {
    fc.assert(
      fc.property(edge, edge, crops, fc.constantFrom(...fits), (width, height, crop, fit) => {
        const { geometry } = layout(width, height, { ...crop, fit, resize: rule });
        const [left, top, right, bottom] = [
          geometry.x,
          geometry.y,
          geometry.x + geometry.width - width,
          geometry.y + geometry.height - height,
        ];
        const outward = fit === 'crop' ? -1 : 1;
        for (const slack of [-left, -top, right, bottom])
          expect(slack * outward).toBeGreaterThanOrEqual(-1e-6 * Math.max(width, height));
      }),
    );
  });

  it('takes rectangles, and scales tiles', () => {
    const wide = layout(1920, 1080, vjepa({ cropSize: { height: 384, width: 672 }, fit: 'resize' }));
    expect(wide.grid).toEqual({ height: 24, width: 42 });
    expect(layout(1920, 1080, vjepa({ cropSize: 384, fit: 'tile' })).tiles).toEqual({ rows: 3, columns: 5 });
    expect(layout(1920, 1080, vjepa({ cropSize: 384, fit: 'tile', scale: 0.5 })).tiles).toEqual({
      rows: 2,
      columns: 3,
    });
    expect(() => layout(0, 5, vjepa({ cropSize: 384 }))).toThrow(RangeError);
    expect(() => layout(5, 5, vjepa({ cropSize: 384, fit: 'tile', scale: 0 }))).toThrow(RangeError);
  });

  it('keeps the pixels of a token square and of one size: the crop is a whole number of patches', () => {
    fc.assert(
      fc.property(edge, edge, crops, fc.constantFrom(...fits), (width, height, crop, fit) => {
        const { grid, tile, tiles } = layout(width, height, { ...crop, fit, resize: rule });
        expect(grid.height * crop.patchSize).toBe(tile.height * tiles.rows);
        expect(grid.width * crop.patchSize).toBe(tile.width * tiles.columns);
      }),
    );
    expect(() => layout(9, 9, { cropSize: 224, patchSize: 15, resize: rule })).toThrow(/multiple of 15/);
    expect(() => layout(9, 9, { cropSize: 518, patchSize: 16, resize: rule })).toThrow(/multiple of 16/);
    expect(() => layout(9, 9, { cropSize: 518, patchSize: 0, resize: rule })).toThrow(RangeError);
  });

  it('follows the processor where no fit is told: exact resize, or a crop after its shortest edge', () => {
    const dinov2 = { cropSize: 224, patchSize: 14, resize: rule };
    expect(layout(640, 480, dinov2)).toEqual(layout(640, 480, { ...dinov2, fit: 'crop' }));
    expect(layout(640, 480, dinov2).resized).toEqual({ height: 256, width: 341 });
    const dinov3 = { cropSize: 224, patchSize: 16, resize: 'exact' } as const;
    expect(layout(640, 480, dinov3)).toEqual(layout(640, 480, { ...dinov3, fit: 'resize' }));
    // A crop of a processor that has none of its own: the shortest edge is the crop's.
    expect(layout(640, 480, { ...dinov3, fit: 'crop' }).resized).toEqual({ height: 224, width: 298 });
  });

  it('covers the frame with overlapping tiles, no more of them than needed', () => {
    fc.assert(
      fc.property(edge, edge, crops, fc.nat(), (width, height, crop, seed) => {
        const most = Math.floor(crop.cropSize / crop.patchSize / 2);
        const overlap = seed % (most + 1);
        const options = { ...crop, fit: 'tile', resize: rule, overlap } as const;
        const { tiles, step, grid, resized, geometry } = layout(width, height, options);
        const shared = overlap * crop.patchSize;
        expect(step.width).toBe(crop.cropSize - shared);
        for (const [count, along, length, tokens] of [
          [tiles.rows, step.height, resized.height, grid.height],
          [tiles.columns, step.width, resized.width, grid.width],
        ] as const) {
          const covered = count * along + shared;
          expect(covered).toBeGreaterThanOrEqual(length);
          if (count > 1) expect(covered - along).toBeLessThan(length);
          expect(tokens * crop.patchSize).toBe(covered);
        }
        expect(geometry).toMatchObject({ x: 0, y: 0, width: grid.width * crop.patchSize });
        if (overlap === 0)
          expect(layout(width, height, { ...options, overlap: undefined })).toEqual(layout(width, height, options));
        expect(() => layout(width, height, { ...options, overlap: most + 1 })).toThrow(/overlap/);
      }),
    );
  });
});
