import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellAt, cellRectangle, fits, layout, shortestEdge } from './geometry.ts';

const edge = fc.integer({ min: 1, max: 5000 });
const crop = fc.integer({ min: 1, max: 32 }).map((patches) => patches * 16);

describe('layout', () => {
  it('scales the shortest edge as the processor of the checkpoints does', () => {
    expect([shortestEdge(256), shortestEdge(384)]).toEqual([292, 438]);
    expect(layout(1280, 720, { cropSize: 256 }).resized).toEqual({ width: 519, height: 292 });
    expect(layout(333, 501, { cropSize: 256 }).offset).toEqual({ x: 18, y: 91 });
  });

  it('finds every token at the middle of the rectangle that it sees', () => {
    fc.assert(
      fc.property(edge, edge, crop, fc.constantFrom(...fits), (width, height, cropSize, fit) => {
        const { geometry, grid } = layout(width, height, { cropSize, fit });
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
      fc.property(edge, edge, crop, fc.constantFrom(...fits), (width, height, cropSize, fit) => {
        const { geometry } = layout(width, height, { cropSize, fit });
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
    const wide = layout(1920, 1080, { cropSize: { height: 384, width: 672 }, fit: 'resize' });
    expect(wide.grid).toEqual({ height: 24, width: 42 });
    expect(layout(1920, 1080, { cropSize: 384, fit: 'tile' }).tiles).toEqual({ rows: 3, columns: 5 });
    expect(layout(1920, 1080, { cropSize: 384, fit: 'tile', scale: 0.5 }).tiles).toEqual({ rows: 2, columns: 3 });
    expect(() => layout(0, 5, { cropSize: 384 })).toThrow(RangeError);
    expect(() => layout(5, 5, { cropSize: 384, fit: 'tile', scale: 0 })).toThrow(RangeError);
  });
});
