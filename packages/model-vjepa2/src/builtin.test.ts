import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtinCheckpoint } from './builtin.ts';
import { filters, writeFilter } from './builtin-filters.ts';
import { writeBuiltin } from './builtin-folder.ts';
import { neighbourhood } from './builtin-layers.ts';

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** V-JEPA 2's rotary embedding of one head at `[time, row, column]`: tiled tables, interleaved companions. */
function rotate(x: Float32Array, positions: readonly number[]): Float32Array {
  const width = 2 * Math.floor(Math.floor(x.length / 3) / 2);
  const out = x.slice();
  positions.forEach((position, axis) => {
    for (let j = 0; j < width; j++) {
      const at = axis * width + j;
      const angle = position * 10000 ** (-(j % (width / 2)) / (width / 2));
      out[at] = x[at]! * Math.cos(angle) + (j % 2 ? x[at - 1]! : -x[at + 1]!) * Math.sin(angle);
    }
  });
  return out;
}

describe('the built-in checkpoint', () => {
  it('has orthonormal patch filters', () => {
    const size = 3 * 2 * 16 * 16;
    const all = new Float32Array(filters.length * size);
    filters.forEach((filter, f) => writeFilter(filter, 1, all, f * size));
    const row = (f: number) => all.subarray(f * size, (f + 1) * size);
    for (let a = 0; a < filters.length; a++)
      for (let b = 0; b <= a; b++) expect(dot(row(a), row(b))).toBeCloseTo(a === b ? 1 : 0, 5);
  });

  it('attends by distance alone, most to itself and hardly far away', () => {
    const reach = { near: 0.9, far: 8 };
    const constant = neighbourhood({ time: reach, space: reach }, 64);
    const score = (a: number[], b: number[]) => dot(rotate(constant, a), rotate(constant, b)) / 8;
    const self = score([0, 0, 0], [0, 0, 0]);
    for (const at of [
      [3, 7, 11],
      [7, 23, 0],
      [0, 5, 20],
    ]) {
      const moved = (by: number[]) =>
        score(
          at,
          at.map((value, axis) => value + by[axis]!),
        );
      expect(moved([0, 0, 0])).toBeCloseTo(self, 3);
      expect(moved([0, 1, 2])).toBeCloseTo(score([0, 0, 0], [0, 1, 2]), 3);
      expect(moved([0, -1, -2])).toBeCloseTo(score([0, 0, 0], [0, 1, 2]), 3);
    }
    expect(self - score([0, 0, 0], [0, 1, 0])).toBeGreaterThan(0.3);
    for (let far = 5; far < 48; far++) expect(self - score([0, 0, 0], [0, 0, far])).toBeGreaterThan(3);
  });

  it('is the same every time, finite, complete, and says that it is not trained', () => {
    const [once, again] = [builtinCheckpoint(), builtinCheckpoint()];
    expect(once.tensors.size).toBe(4 + 16 * once.config.num_hidden_layers);
    for (const [name, { data }] of once.tensors) {
      expect(Buffer.compare(Buffer.from(again.tensors.get(name)!.data.buffer), Buffer.from(data.buffer)), name).toBe(0);
      expect(data.every(Number.isFinite), name).toBe(true);
    }
    expect(once.config.name).toContain('constructed, not trained');
  });

  it('is written to a folder like a published one, byte for byte the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'builtin-'));
    try {
      await writeBuiltin(join(folder, 'a'));
      await writeBuiltin(join(folder, 'b'));
      expect((await readdir(join(folder, 'a'))).sort()).toEqual(['config.json', 'model.safetensors']);
      for (const file of ['config.json', 'model.safetensors'])
        expect(Buffer.compare(await readFile(join(folder, 'a', file)), await readFile(join(folder, 'b', file)))).toBe(
          0,
        );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
