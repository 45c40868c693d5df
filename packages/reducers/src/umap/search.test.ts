import { beforeAll, describe, expect, it } from 'vitest';
import { seededNormal, seededRandom } from '../shared/seeded.ts';
import { restoreUmap, umap } from './umap.ts';
import { openEngine } from './engine.ts';
import { findNeighbours, prepareRows } from './fit.ts';
import { firstFree, memoryOf, startKernel } from './kernel.ts';
import { settle, type UmapOptions } from './options.ts';
import { planMemory } from './plan.ts';
import { isExact, peak, wasmProducts, type Products } from './products.ts';
import { productsFor } from './search.ts';

/** Tokens that differ in `rank` directions much more than in the others, as those of pictures do. */
function wide(count: number, channels: number, rank: number): Float32Array {
  const normal = seededNormal(3);
  const directions = Float32Array.from({ length: rank * channels }, normal);
  const out = new Float32Array(count * channels);
  for (let i = 0; i < count; i++) {
    for (let r = 0; r < rank; r++) {
      const amount = (normal() + Math.sin(i / 40 + r)) / (1 + r / 4);
      for (let c = 0; c < channels; c++) out[i * channels + c]! += amount * directions[r * channels + c]!;
    }
    for (let c = 0; c < channels; c++) out[i * channels + c]! += 0.2 * normal() + 1;
  }
  return out;
}

async function neighbours(tokens: Float32Array, options: UmapOptions, threads = 1, workers = false) {
  const settled = settle({ ...options, workers });
  const plan = planMemory({
    rows: tokens.length / settled.channels,
    channels: settled.channels,
    neighbors: 15,
    components: 3,
    threads,
  });
  const engine = await openEngine({ bytes: plan.end, threads, workers });
  try {
    await engine.writeRows(plan.tokens, tokens, settled.channels, plan.stride);
    await prepareRows(engine, plan, settled, {}, (row) => row);
    const facts = await findNeighbours(engine, plan, settled, {});
    return { facts, found: new Uint32Array((await engine.read(plan.neighbours, plan.rows * 15)).buffer) };
  } finally {
    await engine.close();
  }
}

function recall(found: Uint32Array, truth: Uint32Array): number {
  let common = 0;
  for (let at = 0; at < truth.length; at += 15) {
    const own = new Set(found.subarray(at, at + 15));
    for (let k = 0; k < 15; k++) if (own.has(truth[at + k]!)) common++;
  }
  return common / truth.length;
}

describe('the neighbour search of wide tokens', () => {
  const [count, channels] = [2100, 640];
  const tokens = wide(count, channels, 24);
  let truth: Uint32Array;
  beforeAll(async () => {
    truth = (await neighbours(tokens, { channels, search: 'float32', products: 'wasm' })).found;
  });

  it('turns them onto axes, and misses no more than 1 in 1,000 neighbours', async () => {
    const { facts, found } = await neighbours(tokens, { channels });
    expect(facts).toMatchObject({ arithmetic: 'axes', recall: 1 });
    expect(recall(found, truth)).toBeGreaterThanOrEqual(0.999);
  });

  it.each(['axes', 'int8', 'float32'] as const)('does the same when it is told to: %s', async (search) => {
    const { facts, found } = await neighbours(tokens, { channels, search });
    expect(facts.arithmetic).toBe(search);
    expect(recall(found, truth)).toBeGreaterThanOrEqual(0.999);
  });

  it('finds the same rows in WebAssembly as through ONNX Runtime, for any number of threads', async () => {
    const { found } = await neighbours(tokens, { channels });
    for (const [threads, products] of [
      [3, 'auto'],
      [2, 'wasm'],
    ] as const)
      expect((await neighbours(tokens, { channels, products }, threads, true)).found).toEqual(found);
  });

  it('keeps zero tokens together', async () => {
    const some = tokens.slice();
    for (let i = 0; i < 40; i++) some.fill(0, i * 50 * channels, (i * 50 + 1) * channels);
    const { found } = await neighbours(some, { channels, search: 'axes' });
    for (let k = 0; k < 15; k++) expect(found[k]! % 50).toBe(0);
  });

  it('places tokens on the same spot after state and restore', async () => {
    const { model } = await umap(tokens, { channels, epochs: 5, threads: 2 });
    expect(model.facts.arithmetic).toBe('axes');
    const others = tokens.slice(0, 50 * channels).map((value, at) => value + (at % 7) * 0.01);
    const restored = await restoreUmap(model.state(), 'm', { workers: false });
    expect(await restored.transform(others)).toEqual(await model.transform(others));
    await model.close();
  });
});

describe('the check at the start', () => {
  it('falls back to float32 where 8 bits cannot tell tokens apart, and says why', async () => {
    const random = seededRandom(2);
    const tokens = Float32Array.from(
      { length: 3000 * 8 },
      (_, at) => (Math.floor(at / 8) % 2 ? 1000 : -1000) + random(),
    );
    const { facts, found } = await neighbours(tokens, { channels: 8, metric: 'euclidean' });
    expect(facts.arithmetic).toBe('float32');
    expect(facts.reason).toMatch(/8 bits found [\d.]+ % of the neighbours of 32 rows/);
    expect(found.every((index, at) => index % 2 === Math.floor(at / 15) % 2)).toBe(true);
  });

  it('tells products whose sums saturate from exact ones', async () => {
    const kernel = await startKernel(memoryOf(1 << 18, false));
    const { turn } = wasmProducts('int8', kernel);
    const clipped = (most: number): Products => ({
      turn,
      async *multiply({ rows, columns, width, left, right, out }) {
        const { buffer } = kernel.memory;
        const [a, b] = [new Int8Array(buffer, left, rows * width), new Int8Array(buffer, right, columns * width)];
        const sums = new Int32Array(buffer, out, rows * columns).fill(0);
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++)
            for (let k = 0; k < width; k += 2) {
              const [u, v] = [b[j * width + k]!, b[j * width + k + 1]!];
              const pair = (a[i * width + k]! + peak) * u + (a[i * width + k + 1]! + peak) * v;
              sums[i * columns + j]! += Math.max(-most, Math.min(most, pair)) - peak * (u + v);
            }
        yield;
      },
    });
    expect(await isExact(wasmProducts('int8', kernel), kernel, firstFree)).toBe(true);
    expect(await isExact(clipped(32767), kernel, firstFree)).toBe(true); // what AVX2 does: our values stay within
    expect(await isExact(clipped(32000), kernel, firstFree)).toBe(false);
  });

  it('finds ONNX Runtime exact on this machine, whatever its processor', async () => {
    const kernel = await startKernel(memoryOf(1 << 18, false));
    const { through, exact } = await productsFor(kernel, 'int8', true);
    expect({ through, exact }).toEqual({ through: 'onnxruntime', exact: true });
  });

  it('refuses axes where there are none', async () => {
    await expect(neighbours(new Float32Array(100 * 8).fill(1), { channels: 8, search: 'axes' })).rejects.toThrow(
      /640 channels/,
    );
  });
});
