import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesSource } from './bytes.ts';
import { isContiguous, readStrided } from './strided.ts';

/** The slow and obvious way. */
function expectedBytes(
  storage: Uint8Array,
  shape: number[],
  stride: number[],
  offset: number,
  width: number,
  swap: number,
): Uint8Array {
  const out: number[] = [];
  const walk = (axis: number, element: number): void => {
    if (axis < shape.length) for (let i = 0; i < shape[axis]!; i++) walk(axis + 1, element + i * stride[axis]!);
    else
      for (let at = 0; at < width; at += swap)
        out.push(...storage.slice(element * width + at, element * width + at + swap).reverse());
  };
  walk(0, offset);
  return Uint8Array.from(out);
}

describe('strided views', () => {
  it('are read as the obvious way reads them, whole and in part, from any storage', async () => {
    const axis = fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 12 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(axis, { maxLength: 4 }),
        fc.nat({ max: 9 }),
        fc.constantFrom(1, 2, 4, 8, 16),
        fc.boolean(),
        fc.nat(),
        fc.nat(),
        fc.nat({ max: 3 }),
        async (axes, offset, width, swapped, a, b, shift) => {
          const shape = axes.map(([size]) => size);
          const stride = axes.map(([, step]) => step);
          const elements = offset + 1 + axes.reduce((n, [size, step]) => n + Math.max(size - 1, 0) * step, 0);
          const storage = Uint8Array.from({ length: elements * width + shift }, (_, i) => (i * 37) & 255).subarray(
            shift,
          );
          const swapBytes = swapped ? width : 1;
          const expected = swapped
            ? expectedBytes(storage, shape, stride, offset, width, width)
            : expectedBytes(storage, shape, stride, offset, width, 1);
          const view = { source: bytesSource(storage), shape, stride, offset, elementBytes: width, swapBytes };
          expect(await readStrided(view, 0, expected.length)).toEqual(expected);
          const [from, to] = [a % (expected.length + 1), b % (expected.length + 1)].sort((x, y) => x - y) as [
            number,
            number,
          ];
          expect(await readStrided(view, from, to - from)).toEqual(expected.subarray(from, to));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('know when they are contiguous', () => {
    expect(isContiguous([2, 3], [3, 1])).toBe(true);
    expect(isContiguous([2, 3], [1, 2])).toBe(false);
    expect(isContiguous([1, 3], [99, 1])).toBe(true);
    expect(isContiguous([0, 3], [7, 7])).toBe(true);
    expect(isContiguous([], [])).toBe(true);
  });

  it('go through a storage larger than what is held at once, forward', async () => {
    // A transposed 1,024 x 6,000 matrix of float32: 24 MiB. No piece is asked for twice.
    const [rows, columns] = [6000, 1024];
    const storage = Uint32Array.from({ length: rows * columns }, (_, i) => i);
    const inner = bytesSource(new Uint8Array(storage.buffer));
    let asked = 0;
    const source = {
      ...inner,
      read: async (offset: number, length: number) => ((asked += length), inner.read(offset, length)),
    };
    const bytes = await readStrided(
      { source, shape: [columns, rows], stride: [1, columns], offset: 0, elementBytes: 4 },
      0,
      storage.byteLength,
    );
    const values = new Uint32Array(bytes.buffer, bytes.byteOffset, rows * columns);
    let wrong = 0;
    for (let c = 0; c < columns; c++)
      for (let r = 0; r < rows; r++) if (values[c * rows + r] !== r * columns + c) wrong++;
    expect(wrong).toBe(0);
    expect(asked).toBe(storage.byteLength);
  });
});
