import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { memoryOf, startKernel, type Kernel } from './kernel.ts';

const { generated } = (await import(new URL('../../wasm/build.mjs', import.meta.url).href)) as {
  generated(): Promise<string>;
};

it('is what the sources in wasm/assembly make, byte for byte', async () => {
  expect(await generated()).toBe(await readFile(new URL('./wasm.generated.ts', import.meta.url), 'utf8'));
});

describe('the WebAssembly functions', () => {
  let kernel: Kernel;
  const at = 65536;
  beforeAll(async () => {
    kernel = await startKernel(memoryOf(4 << 20, false));
  });

  it('have the exponential and the logarithm to the last digits', () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
        expect(Math.abs(kernel.exp(x) / Math.exp(x) - 1)).toBeLessThan(4e-15);
      }),
    );
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        expect(Math.abs(kernel.log(x) - Math.log(x))).toBeLessThan(1e-15 * Math.max(1, Math.abs(Math.log(x))) * 2);
      }),
    );
    expect([kernel.exp(0), kernel.log(1), kernel.exp(-1000), kernel.exp(1000)]).toEqual([1, 0, 0, Infinity]);
  });

  it('transpose bytes', () => {
    const [rows, width] = [48, 32];
    const bytes = new Uint8Array(kernel.memory.buffer, at, rows * width).map((_, i) => (i * 31 + (i >> 8)) & 255);
    new Uint8Array(kernel.memory.buffer, at, rows * width).set(bytes);
    kernel.transposeBytes(at, at + 4096, rows, width);
    const out = new Uint8Array(kernel.memory.buffer, at + 4096, rows * width);
    for (let r = 0; r < rows; r++) for (let c = 0; c < width; c++) expect(out[c * rows + r]).toBe(bytes[r * width + c]);
  });

  it('keep the best candidates in one order, whatever order they come in, equal scores by index', () => {
    const [count, size] = [64, 8];
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -20, max: 20 }), { minLength: count, maxLength: count }),
        fc.integer({ min: 1, max: 16 }),
        (scores, cut) => {
          const lists = at + 65536;
          // One row against `count` columns, scanned in blocks of `cut` columns from the right: tile = scores, factors
          // 1, biases 0.
          const base = at;
          new Float32Array(kernel.memory.buffer, base, 256).fill(1);
          new Float32Array(kernel.memory.buffer, base + 1024, 256).fill(0);
          new Float32Array(kernel.memory.buffer, base + 4096, count).set(scores);
          kernel.clearLists(lists, lists + 1024, lists + 2048, 1, size);
          for (let to = count; to > 0; to -= cut) {
            const from = Math.max(0, to - cut);
            kernel.scanTile(
              base + 4096 + from * 4,
              count,
              1,
              to - from,
              false,
              false,
              false,
              base,
              base + 1024,
              0,
              lists,
              lists + 1024,
              lists + 2048,
              base,
              base + 1024,
              from,
              lists,
              lists,
              lists,
              size,
            );
          }
          const kept = Array.from(new Uint32Array(kernel.memory.buffer, lists + 1024, size)).sort((a, b) => a - b);
          const best = [...scores.keys()]
            .sort((a, b) => scores[b]! - scores[a]! || a - b)
            .slice(0, size)
            .sort((a, b) => a - b);
          expect(kept).toEqual(best);
        },
      ),
    );
  });

  it('multiply int8 rows exactly, and rank what is nearest by distance and index', () => {
    const [rows, width] = [16, 64];
    const left = new Int16Array(kernel.memory.buffer, at, rows * width);
    const right = new Int16Array(kernel.memory.buffer, at + 8192, rows * width);
    left.forEach((_, i) => (left[i] = ((i * 73) % 255) - 127));
    right.forEach((_, i) => (right[i] = i < width ? 127 : ((i * 29) % 255) - 127));
    kernel.multiplyInt(at, at + 8192, at + 16384, rows, rows, width, 0, rows);
    const out = new Int32Array(kernel.memory.buffer, at + 16384, rows * rows);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++) {
        let sum = 0;
        for (let k = 0; k < width; k++) sum += left[i * width + k]! * right[j * width + k]!;
        expect(out[i * rows + j]).toBe(sum);
      }
    }
  });

  it('let a force table rise and fall as the formula does, within 1 %', () => {
    const [a, b] = [1.5769, 0.8951];
    kernel.fillForces(at, a, b, 1);
    const table = new Float32Array(kernel.memory.buffer, at, 65536);
    const word = new Uint32Array(1);
    const real = new Float32Array(word.buffer);
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (d) => {
        real[0] = d;
        const slot = word[0]! >>> 16;
        const power = d ** b;
        expect(table[slot]! / ((-2 * a * b * power) / d / (a * power + 1))).toBeCloseTo(1, 2);
        expect(table[32768 + slot]! / ((2 * b) / ((0.001 + d) * (a * power + 1)))).toBeCloseTo(1, 1.7);
      }),
    );
    expect([table[0], table[32768]]).toEqual([0, 0]);
    expect(table.every(Number.isFinite)).toBe(true);
  });
});
