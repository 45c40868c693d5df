import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  readableFrame,
  type Geometry,
  spec,
  tensor,
  toFloat32,
  type Projection,
  type TokenGrid,
} from '@deepearth/core';
import { describeAlone } from '@deepearth/core/run-stage';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeProjections, makeTokens } from '@deepearth/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layerPath, picturePath, tokensPath, type BundleIndex } from './explorer/bundle-index.ts';
import { inChunks } from './explorer/write-tokens.ts';
import { explorer } from './explorer.ts';

const shape = { time: 2, height: 3, width: 4 };
const described = spec('tokens', { ...shape, channels: 8 }, 'float32', 3);
describeStage(explorer, {
  otherOptions: { quality: 50 },
  inputs: () => [given(makeTokens({ ...shape, count: 4 }))],
});
describeStage(explorer, {
  title: 'beside projections',
  inputs: () => [given(makeTokens({ ...shape, count: 4 })), given(makeProjections({ ...shape, count: 4 }))],
});

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'explorer-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(tokens: readonly TokenGrid[], options: object = {}, projections: readonly Projection[] = []) {
  const output = await mkdtemp(join(folder, 'run-'));
  const inputs = [given(tokens), ...(projections.length > 0 ? [given(projections)] : [])];
  const paths: string[] = [];
  for await (const { path } of runStage(explorer, { options, inputs, output })) paths.push(path);
  const bytes = (path: string): Promise<Buffer> => readFile(join(output, 'explorer', path));
  const index = JSON.parse((await bytes('index.json')).toString()) as BundleIndex;
  return { paths, index, bytes };
}

/** Vectors of all tokens of a bundle, `[tokens, components]`. */
async function vectorsOf({ index, bytes }: Awaited<ReturnType<typeof write>>): Promise<Float32Array[]> {
  const { bytes: size, components, scales } = index.code;
  const all: Float32Array[] = [];
  for (const [chunk, tokens] of index.chunks.entries()) {
    const coded = new Int8Array(await bytes(tokensPath(chunk)));
    expect(coded).toHaveLength(tokens * size);
    for (let token = 0; token < tokens; token++) {
      const vector = new Float32Array(components);
      scales.forEach((scale, i) => (vector[i % components]! += scale * coded[token * size + i]!));
      all.push(vector);
    }
  }
  return all;
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function exactCosines(grids: readonly TokenGrid[]): (a: number, b: number) => number {
  const rows = grids.flatMap(({ values }) => {
    const channels = values.shape.at(-1)!;
    const { data } = toFloat32(values);
    return Array.from({ length: data.length / channels }, (_, i) => data.subarray(i * channels, (i + 1) * channels));
  });
  return (a, b) => dot(rows[a]!, rows[b]!) / Math.sqrt(dot(rows[a]!, rows[a]!) * dot(rows[b]!, rows[b]!));
}

describe('tokens of a bundle', () => {
  test('keep their cosines within 0.02, and nine of ten of their 20 nearest', async () => {
    const grids = makeTokens({ time: 2, height: 7, width: 7, channels: 96, count: 5 });
    const written = await write(grids);
    const vectors = await vectorsOf(written);
    const exact = exactCosines(grids);
    expect(vectors).toHaveLength(written.index.tokens);
    const nearest = (of: (other: number) => number, query: number): number[] =>
      [...vectors.keys()]
        .filter((other) => other !== query)
        .sort((a, b) => of(b) - of(a))
        .slice(0, 20);
    let kept = 0;
    const queries = Array.from({ length: 16 }, (_, i) => i * 30);
    for (const query of queries) {
      const coded = (other: number): number => dot(vectors[query]!, vectors[other]!);
      for (let other = 0; other < vectors.length; other += 7)
        expect(Math.abs(coded(other) - exact(query, other))).toBeLessThan(0.02);
      const found = new Set(nearest(coded, query));
      kept += nearest((other) => exact(query, other), query).filter((other) => found.has(other)).length;
    }
    expect(kept / (20 * queries.length)).toBeGreaterThan(0.9);
    expect(written.index.code.overlap).toBeGreaterThan(0.9);
  });

  test('of few channels keep all of them', async () => {
    const { index } = await write(makeTokens({ channels: 8 }));
    expect(index.code).toMatchObject({ components: 8, channels: 8, bytes: 16 });
  });

  test('that saw no data are zeros, and no others are', async () => {
    const grids = makeTokens({ ...shape, count: 2 }).map((grid) => ({
      ...grid,
      valid: Uint8Array.from({ length: 24 }, (_, i) => (i % 5 ? 255 : 0)),
    }));
    const written = await write(grids);
    expect(written.index.masked).toBe(10);
    const zeros = (await vectorsOf(written)).map((vector) => vector.every((value) => value === 0));
    expect(zeros).toEqual(Array.from({ length: 48 }, (_, i) => (i % 24) % 5 === 0));
  });

  test('lie in chunks of whole clips, of 4 MiB at most unless one clip has more', () => {
    const clip = { sequence: 0, frames: [0], grid: [1, 64, 64] as const, geometry: {} as Geometry };
    const grids = new Map(
      [4096, 4096, 8192, 16_384, 1, 70_000, 2, 3].map((tokens, i) => [String(i), { clip, tokens, offset: 0 }]),
    );
    const { clips, chunks } = inChunks(grids, 256);
    expect(chunks).toEqual([16_384, 16_384, 1, 70_000, 5]);
    expect([...clips.values()].map(({ chunk, offset }) => [chunk, offset])).toEqual([
      [0, 0],
      [0, 4096],
      [0, 8192],
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 0],
      [4, 2],
    ]);
  });

  test('with NaN end the run, and name the token', async () => {
    const [grid] = makeTokens({ count: 1 });
    (grid!.values.data as Float32Array)[16 * 5] = NaN;
    await expect(write([grid!])).rejects.toThrow('token 5 holds NaN');
  });

  test('of two encoders end the run', async () => {
    const [one, two] = makeTokens({ count: 2 });
    await expect(write([one!, { ...two!, encoder: { name: 'another', fingerprint: 'x' } }])).rejects.toThrow(
      'was made by another, and tokens before it by made tokens',
    );
  });
});

describe('frames of a bundle', () => {
  test('are listed once, in columns, with the clips that hold them', async () => {
    const grids = makeTokens({ ...shape, count: 3 });
    const overlapping = grids.map((grid, i) => ({
      ...grid,
      clip: { ...grid.clip!, frames: grids.flatMap(({ clip }) => clip!.frames).slice(2 * i, 2 * i + 4) },
    }));
    const { index, paths } = await write(overlapping);
    expect(index.sequences).toHaveLength(1);
    expect(index.sequences[0]).toMatchObject({ numbers: [0, 1, 2, 3, 4, 5, 6, 7] });
    expect(index.clips.map(({ frames }) => frames)).toEqual([
      [0, 1, 2, 3],
      [2, 3, 4, 5],
      [4, 5, 6, 7],
    ]);
    expect(paths.filter((path) => path.endsWith('.jpg'))).toHaveLength(8);
    expect(paths.at(-1)).toBe('explorer/index.json');
  });

  test('have pictures no longer than the option says, and are not enlarged', async () => {
    const grids = makeTokens({ time: 1, height: 4, width: 10, count: 1 });
    const sizeWith = async (pictureEdge: number) => {
      const { bytes, index } = await write(grids, { pictureEdge });
      const { width, height } = await sharp(await bytes(picturePath(0, 0))).metadata();
      expect(index.sequences[0]!.picture).toEqual({ width, height });
      return [width, height];
    };
    expect(await sizeWith(40)).toEqual([40, 16]);
    expect(await sizeWith(720)).toEqual([80, 32]);
  });

  test('that cannot be read end the run, or are left without a picture', async () => {
    const grids = makeTokens({ ...shape, count: 1 }).map((grid) => ({
      ...grid,
      clip: {
        ...grid.clip!,
        frames: grid.clip!.frames.map((frame, i) =>
          i === 2 ? readableFrame(frame, () => Promise.reject(new Error('the disk is gone'))) : frame,
        ),
      },
    }));
    await expect(write(grids)).rejects.toThrow('the disk is gone');
    const output = await mkdtemp(join(folder, 'run-'));
    for await (const _ of runStage(explorer, { inputs: [given(grids)], output, onError: 'skip' }));
    const index = JSON.parse(await readFile(join(output, 'explorer/index.json'), 'utf8')) as BundleIndex;
    expect(index.sequences[0]!.without).toEqual([2]);
    await expect(stat(join(output, 'explorer', picturePath(0, 2)))).rejects.toThrow('ENOENT');
  });

  test('are numbered steps where tokens have no clip', async () => {
    const grids = makeTokens({ ...shape, count: 2 }).map(({ clip: _, ...grid }) => grid);
    const { index } = await write(grids);
    expect(index.sequences).toHaveLength(2);
    expect(index.sequences[0]).toMatchObject({ numbers: [0, 1], without: [0, 1] });
  });
});

describe('layers of a bundle', () => {
  const grids = makeTokens({ ...shape, count: 3 });

  test('are colours, one number or groups, in the chunks of the tokens', async () => {
    const colours = makeProjections({ ...shape, count: 3 });
    const { index, bytes } = await write(grids, {}, colours);
    expect(index.layers).toEqual([{ name: 'made', meaning: 'coordinates', limits: colours[0]!.limits }]);
    const found = await bytes(layerPath(0, 0));
    const expected = colours.flatMap(({ values }) =>
      [...values.data].map((value) => Math.round(((value + 1) / 2) * 255)),
    );
    expect([...found]).toEqual(expected);
    const labels = grids.map(({ axes, id, key, origin, clip }, i): Projection => ({
      kind: 'projection',
      id,
      key,
      origin,
      clip: clip!,
      axes: [...axes.slice(0, -1), 'components'],
      values: tensor(
        'float32',
        [2, 3, 4, 1],
        Float32Array.from({ length: 24 }, (_, at) => at + 300 * i),
      ),
      limits: [[0, 999]],
      meaning: 'label',
      reducer: 'kmeans',
    }));
    const grouped = await write(grids, {}, labels);
    const words = new Uint16Array((await grouped.bytes(layerPath(0, 0))).slice().buffer);
    expect([...words]).toEqual(labels.flatMap(({ values }) => [...values.data]));
  });

  test('may lack clips, and say so', async () => {
    const { index, bytes } = await write(grids, {}, makeProjections({ ...shape, count: 3 }).slice(1));
    expect(index.layers[0]!.without).toEqual([0]);
    expect((await bytes(layerPath(0, 0))).subarray(0, 72).every((byte) => byte === 0)).toBe(true);
  });

  test('of another grid end the run', async () => {
    await expect(write(grids, {}, makeProjections({ ...shape, height: 2, count: 3 }))).rejects.toThrow(
      'its projection by made has 16 tokens, and its tokens are 24',
    );
  });
});

test.each([
  ['takes tokens first, not picture', [spec('picture', {}, 'uint8', 1)]],
  ['takes projections beside the tokens, not tokens', [described, described]],
  ['not of [token, channels]', [spec('tokens', { token: 7, channels: 8 }, 'float32', 3)]],
])('%s', async (reason, inputs) => {
  expect(JSON.stringify(await describeAlone(explorer, { inputs }))).toContain(reason);
});
