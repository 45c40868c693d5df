import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  elementCount,
  halfFromFloat32,
  spec,
  tensor,
  toFloat32,
  type Artifact,
  type Description,
  type Item,
  type Projection,
  type TokenGrid,
} from '@deepearth/core';
import { describeAlone } from '@deepearth/core/run-stage';
import { runStage } from '@deepearth/runtime/run-stage';
import { bytesSource } from '@deepearth/formats/bytes';
import { openNpy } from '@deepearth/formats/npy';
import { openNpz } from '@deepearth/formats/npz';
import type { PtTensor } from '@deepearth/formats';
import { dequantized } from '@deepearth/formats/int8';
import { openPt, valueAt } from '@deepearth/formats/pt';
import { readPythonTokens } from '@deepearth/formats/python-tokens';
import { openSafetensors } from '@deepearth/formats/safetensors';
import { readTokenFile } from '@deepearth/formats/token-file';
import { describeStage, given, makeEmbeddings, makeFrames, makeProjections, makeTokens } from '@deepearth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { features } from './features.ts';

const grids = () => makeTokens({ count: 4 });
for (const format of ['safetensors', 'pt', 'npz', 'npy'] as const) {
  describeStage(features, {
    title: `as ${format}`,
    options: { format },
    otherOptions: { format, dtype: 'float16' },
    inputs: () => [given(grids())],
  });
}
describeStage(features, {
  title: 'with embeddings',
  inputs: () => [
    given(
      makeEmbeddings({ count: 4 }).map((embedding, i) => ({ ...embedding, clip: makeTokens({ count: 4 })[i]!.clip })),
    ),
  ],
});
describeStage(features, {
  title: 'with several grids in one file',
  options: { format: 'pt', perFile: 3, index: { file: 'index.json' } },
  otherOptions: { format: 'pt', perFile: 2 },
  inputs: () => [given(grids())],
});
describeStage(features, {
  title: 'with projections',
  options: { format: 'pt' },
  inputs: () => [given(makeProjections({ count: 4 }))],
});

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'features-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(item: Item, options: object = {}): Promise<{ artifact: Artifact; bytes: Uint8Array }> {
  const output = await mkdtemp(join(folder, 'run-'));
  for await (const artifact of runStage(features, { options, inputs: [given([item])], output }))
    return { artifact, bytes: new Uint8Array(await readFile(join(output, artifact.path))) };
  throw new Error('nothing was written');
}

/** `metadata` of a .pt file. */
async function metadataOf(bytes: Uint8Array): Promise<object> {
  const { value } = await openPt(bytesSource(bytes));
  return Object.fromEntries((value as Map<string, Map<string, unknown>>).get('metadata')!);
}

/** One clip of 4 frames numbered from 616, with a mask. */
function grid(): TokenGrid {
  const [made] = makeTokens({ count: 1, time: 2, height: 2, width: 3, channels: 4 });
  const frames = makeFrames(4, { first: 616 }).map((frame) => ({
    ...frame,
    locator: { source: 'source/frames', uri: `camera/NCAR_frame_${frame.number}.tif` },
  }));
  return {
    ...made!,
    clip: { ...made!.clip!, index: 5, frames },
    valid: Uint8Array.from({ length: 12 }, (_, i) => (i === 3 ? 0 : 255 - 20 * i)),
  };
}

describeStage(features, {
  title: 'in eight bits',
  options: { format: 'pt', dtype: 'int8' },
  otherOptions: { format: 'pt' },
  inputs: () => [given(grids())],
});

describe('a file in eight bits', () => {
  const largest = ({ values }: TokenGrid): number => Math.max(...Array.from(values.data, Math.abs));
  const close = (tokens: TokenGrid, found: ArrayLike<number>): void => {
    for (const [i, value] of tokens.values.data.entries())
      expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(largest(tokens) / 254 + 1e-6);
  };

  test('is read back as floats, and stands for nothing', async () => {
    const tokens = grid();
    const { artifact, bytes } = await write(tokens, { dtype: 'int8' });
    expect(artifact.holds).toBeUndefined();
    expect(artifact.about?.dtype).toBe('int8');
    const { values, valid } = await readTokenFile(bytesSource(bytes));
    expect(values).toMatchObject({ dtype: 'float32', shape: tokens.values.shape });
    expect(valid).toEqual(tokens.valid);
    close(tokens, values.data);
  });

  test('is a dict of both for PyTorch', async () => {
    const tokens = grid();
    const { value } = await openPt(bytesSource((await write(tokens, { format: 'pt', dtype: 'int8' })).bytes));
    const [features, scale] = ['features', 'features.scale'].map((name) => valueAt(value, name) as PtTensor);
    expect([valueAt(value, 'dtype'), features!.shape, scale!.shape]).toEqual(['torch.int8', [12, 4], [12, 1]]);
    close(tokens, (await dequantized(features!, scale!).read()).data);
  });

  test('has its scales beside it, for each token one', async () => {
    const { bytes } = await write(grid(), { format: 'npz', dtype: 'int8' });
    const arrays = [...(await openNpz(bytesSource(bytes)))].map(([name, { dtype, shape }]) => [name, dtype, shape]);
    expect(arrays).toEqual([
      ['features', 'int8', [2, 2, 3, 4]],
      ['valid', 'uint8', [2, 2, 3]],
      ['features.scale', 'float32', [2, 2, 3, 1]],
    ]);
  });

  test('holds neither NaN nor the one array of .npy', async () => {
    const tokens = grid();
    tokens.values.data[5] = NaN;
    await expect(write(tokens, { dtype: 'int8' })).rejects.toMatchObject({ cause: { code: 'E_VALUE_RANGE' } });
    await expect(write(grid(), { dtype: 'int8', format: 'npy' })).rejects.toThrow(/format: npz/);
  });
});

describe('a file of tokens', () => {
  test('is named after its frames', async () => {
    expect((await write(grid())).artifact.path).toBe('features/features_frames_0616_0619.safetensors');
    expect((await write(grid(), { format: 'pt', directory: 'a/b', prefix: 'vitg' })).artifact.path).toBe(
      'a/b/vitg_frames_0616_0619.pt',
    );
  });

  test('reads back as it was, and says that it stands for the tokens', async () => {
    const tokens = grid();
    const { artifact, bytes } = await write(tokens);
    expect(artifact.holds).toBe(tokens.key);
    const back = await readTokenFile(bytesSource(bytes));
    expect(back.values).toEqual(tokens.values);
    expect(back.valid).toEqual(tokens.valid);
    expect(back).toMatchObject({ id: tokens.id, key: tokens.key, origin: tokens.origin, encoder: tokens.encoder });
    expect(back.clip).toMatchObject({ id: tokens.clip!.id, index: 5, padded: 0 });
    expect(back.clip!.frames.map(({ number, locator }) => `${number} ${locator.uri}`)[3]).toBe(
      '619 camera/NCAR_frame_619.tif',
    );
  });

  test('stands for nothing when it lost precision or most of what was known', async () => {
    expect((await write(grid(), { dtype: 'float16' })).artifact.holds).toBeUndefined();
    expect((await write(grid(), { format: 'npy' })).artifact.holds).toBeUndefined();
    expect((await write(grid(), { format: 'pt', dtype: 'float16' })).artifact.holds).toBeUndefined();
  });

  test('as pt stands for the grid, and is found again by its key', async () => {
    const tokens = grid();
    const { artifact, bytes } = await write(tokens, { format: 'pt', metadata: { campaign: 'north' } });
    expect(artifact.holds).toBe(tokens.key);
    const { key, values, valid, axes, origin } = tokens;
    expect(await readPythonTokens(bytesSource(bytes), key)).toEqual({ key, values, valid, axes, origin });
    expect(await readPythonTokens(bytesSource(bytes), 'another')).toBeUndefined();
    expect(await metadataOf(bytes)).toMatchObject({ campaign: 'north', start_frame: 616 });
  });

  test('holds as many grids as it is told, by the path of their picture, and an index says which', async () => {
    const output = await mkdtemp(join(folder, 'run-'));
    const grids = makeTokens({ count: 3, time: 2, height: 2, width: 3, channels: 4 }).map((tokens, i) => ({
      ...tokens,
      clip: {
        ...tokens.clip!,
        frames: makeFrames(1).map((frame) => ({ ...frame, locator: { source: 'source/frames', uri: `a/im${i}.jpg` } })),
      },
    }));
    const options = {
      format: 'pt' as const,
      perFile: 2,
      directory: '.',
      index: { file: 'index.json', startedAt: '2026-01-01' },
    };
    const artifacts: Artifact[] = [];
    for await (const artifact of runStage(features, { options, inputs: [given(grids)], output }))
      artifacts.push(artifact as Artifact);
    expect(artifacts.map(({ path, holds, about }) => [path, holds, about?.items])).toEqual([
      ['features_chunk_0000.pt', [grids[0]!.key, grids[1]!.key], ['a/im0.jpg', 'a/im1.jpg']],
      ['features_chunk_0001.pt', [grids[2]!.key], ['a/im2.jpg']],
      ['index.json', undefined, undefined],
    ]);
    for (const [i, { key, values }] of grids.entries()) {
      const bytes = await readFile(join(output, artifacts[Math.floor(i / 2)]!.path));
      expect((await readPythonTokens(bytesSource(new Uint8Array(bytes)), key))!.values).toEqual(values);
    }
    expect(JSON.parse(await readFile(join(output, 'index.json'), 'utf8'))).toEqual({
      processed_images: ['a/im0.jpg', 'a/im1.jpg', 'a/im2.jpg'],
      last_chunk: 1,
      total_processed: 3,
      started_at: '2026-01-01',
      skipped: [],
    });
  });

  test('holds several grids only as pt, and has an index only then', async () => {
    const inputs = [spec('tokens', { time: 8, height: 24, width: 24, channels: 32 }, 'float32', 10)];
    expect(await describeAlone(features, { options: { perFile: 2 }, inputs })).toMatchObject({
      option: 'perFile',
      remedy: 'Give `format: pt`.',
    });
    const noChunks = { format: 'pt' as const, index: { file: 'a.json' } };
    expect(await describeAlone(features, { options: noChunks, inputs })).toMatchObject({ option: 'index' });
  });

  test.each(['safetensors', 'pt', 'npy'])('refuses values that float16 does not hold, in %s', async (format) => {
    const tokens = grid();
    const data = Float32Array.from(tokens.values.data);
    data[5] = -2.7e5;
    const large = { ...tokens, values: tensor('float32', tokens.values.shape, data) };
    await expect(write(large, { format, dtype: 'float16' })).rejects.toThrow(
      new RegExp(`features/features_.*\\.${format}: the value -270000 .* would become infinite in float16`),
    );
    expect((await write(large, { format })).bytes.byteLength).toBeGreaterThan(0);
  });

  test.each(['safetensors', 'pt'])('divides such values by a factor that it stores, in %s', async (format) => {
    const tokens = grid();
    const data = Float32Array.from(tokens.values.data, (value) => value * 1000);
    data[5] = -2.7e5;
    const large = { ...tokens, values: tensor('float32', tokens.values.shape, data) };
    const options = { format, dtype: 'float16', scale: 'auto' };
    const { artifact, bytes } = await write(large, options);
    expect(artifact).toMatchObject({ about: { dtype: 'float16' } });
    expect(artifact.holds).toBeUndefined();
    const read = async (name: string) =>
      format === 'pt'
        ? ((await openPt(bytesSource(bytes))).value as Map<string, any>).get(name).read()
        : (await openSafetensors(bytesSource(bytes))).tensor(name);
    const [stored, scale] = [await read('features'), await read('features.scale')];
    expect(scale).toEqual(tensor('float32', [], Float32Array.of(2 ** 4)));
    const back = Array.from(toFloat32(stored).data, (value) => value * 16);
    for (const [i, value] of data.entries())
      expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(Math.abs(value) / 2048);
    if (format === 'safetensors')
      expect(Array.from((await readTokenFile(bytesSource(bytes))).values.data)).toEqual(back);

    const [embedding] = makeEmbeddings({ count: 1 });
    const [projection] = makeProjections({ count: 1 });
    for (const item of [embedding!, projection!]) {
      const times = item.values.data.map((value) => value * 1e6) as Float32Array;
      const scaled = await write(
        { ...item, values: tensor('float32', item.values.shape, times) } as unknown as Item,
        options,
      );
      const opened =
        format === 'pt'
          ? ((await openPt(bytesSource(scaled.bytes))).value as Map<string, unknown>)
          : (await openSafetensors(bytesSource(scaled.bytes))).tensors;
      const name = item.kind === 'projection' || format === 'pt' ? item.kind : 'embedding';
      expect([...opened.keys()]).toContain(
        name === 'embedding' && format === 'pt' ? 'features.scale' : `${name}.scale`,
      );
    }
  });

  test('of several grids has a factor for each', async () => {
    const output = await mkdtemp(join(folder, 'run-'));
    const grids = makeTokens({ count: 2, time: 2, height: 2, width: 3, channels: 4 }).map((tokens, i) => ({
      ...tokens,
      values: tensor(
        'float32',
        tokens.values.shape,
        Float32Array.from(tokens.values.data, () => 1e5 ** i),
      ),
    }));
    const options = { format: 'pt' as const, perFile: 2, dtype: 'float16' as const, scale: 'auto' as const };
    for await (const { path } of runStage(features, { options, inputs: [given(grids)], output })) {
      const bytes = new Uint8Array(await readFile(join(output, path)));
      const { value } = await openPt(bytesSource(bytes));
      const factors = [...(value as Map<string, Map<string, any>>).values()].map((one) => one.get('features.scale'));
      expect(await Promise.all(factors.map(async (factor) => (await factor.read()).data[0]))).toEqual([1, 4]);
    }
  });

  test('scales only what is brought to float16, into files that have a place for the factor', async () => {
    const inputs = [spec('tokens', { time: 8, height: 24, width: 24, channels: 32 }, 'float32', 10)];
    for (const options of [{ scale: 'auto' as const }, { scale: 'auto' as const, dtype: 'float32' as const }])
      expect(await describeAlone(features, { options, inputs })).toMatchObject({
        option: 'scale',
        remedy: 'Give `dtype: float16` too, or leave it out.',
      });
    const npy = { scale: 'auto', dtype: 'float16', format: 'npy' } as const;
    expect(await describeAlone(features, { options: npy, inputs })).toMatchObject({ option: 'scale' });
  });

  test('keeps float16 tokens as they are, and can widen them', async () => {
    const tokens = grid();
    const half = {
      ...tokens,
      values: tensor('float16', tokens.values.shape, halfFromFloat32(tokens.values.data as Float32Array)),
    };
    const same = await write(half);
    expect(same.artifact.holds).toBe(tokens.key);
    expect((await readTokenFile(bytesSource(same.bytes))).values).toEqual(half.values);
    expect(
      (await (await openSafetensors(bytesSource((await write(half, { dtype: 'float32' })).bytes))).tensor('features'))
        .dtype,
    ).toBe('float32');
  });

  test('as npy holds the grid with its axes', async () => {
    const npy = await openNpy(bytesSource((await write(grid(), { format: 'npy' })).bytes));
    expect(npy.shape).toEqual([2, 2, 3, 4]);
    expect((await npy.read()).data).toEqual(grid().values.data);
  });
});

describe('a .pt file', () => {
  const load = async (item: Item, options: object = {}) =>
    (await openPt(bytesSource((await write(item, { format: 'pt', ...options })).bytes))).value as Map<string, any>;

  test('has the layout of the Python extractor, frames by number, file and step', async () => {
    const value = await load(grid(), { dtype: 'float16' });
    expect([...value.keys()]).toEqual(['features', 'shape', 'dtype', 'model_info', 'metadata', 'valid']);
    const stored = value.get('features');
    expect([stored.dtype, stored.shape]).toEqual(['float16', [12, 4]]);
    expect(value.get('shape')).toEqual({ kind: 'size', items: [12, 4] });
    expect(value.get('dtype')).toBe('torch.float16');
    expect(await value.get('valid').read()).toEqual(tensor('uint8', [12], grid().valid!));
    expect(Object.fromEntries(value.get('model_info'))).toEqual({
      model_name: 'made tokens',
      num_input_frames: 4,
      num_output_temporal: 2,
      spatial_patches: 6,
      spatial_grid_size: [2, 3],
      patch_dim: 4,
      total_patches: 12,
    });
    const metadata = value.get('metadata');
    expect([...metadata.keys()].slice(0, 9)).toEqual([
      'window_idx',
      'start_frame',
      'end_frame',
      'frame_numbers',
      'frame_files',
      'num_input_frames',
      'num_output_temporal',
      'temporal_mapping',
      'model',
    ]);
    expect(metadata.has('extraction_timestamp')).toBe(false);
    expect(metadata.get('window_idx')).toBe(5);
    expect(metadata.get('frame_files')).toEqual([616, 617, 618, 619].map((number) => `NCAR_frame_${number}.tif`));
    expect(metadata.get('frame_paths')[0]).toBe('camera/NCAR_frame_616.tif');
    expect(Object.fromEntries(metadata.get('temporal_mapping'))).toEqual({
      t0: 'frames_0616_0617',
      t1: 'frames_0618_0619',
    });
  });

  test('of an embedding keeps its axes, of a projection its limits and the shares of its tokens', async () => {
    const [embedding] = makeEmbeddings({ count: 1 });
    expect((await load(embedding!)).get('axes')).toEqual(['channels']);
    const [projection] = makeProjections({ count: 1 });
    const valid = Uint8Array.from({ length: elementCount(projection!.values.shape.slice(0, -1)) }, (_, i) => 5 * i);
    const value = await load({ ...projection!, valid } as Projection);
    expect((await value.get('valid').read()).data).toEqual(valid);
    expect(value.get('projection').shape).toEqual([...projection!.values.shape]);
    expect(value.get('limits')).toEqual([
      [-1, 1],
      [-1, 1],
      [-1, 1],
    ]);
  });
});

test('embeddings and projections have folders of their own', async () => {
  expect((await write(makeEmbeddings({ count: 1 })[0]!)).artifact.path).toBe(
    'embeddings/embeddings_frames_0000_0001.safetensors',
  );
  expect((await write(makeProjections({ count: 1 })[0]!)).artifact.path).toBe('made/made_frames_0000_0003.safetensors');
});

test('says in the plan how much it will write', () => {
  const tokens = spec('tokens', { time: 8, height: 24, width: 24, channels: 1408 }, 'float32', 10);
  const about = (dtype: 'same' | 'float16') => ({
    options: features.options.parse({ dtype }),
    survey: undefined,
    inputs: [{ id: 'vjepa2', spec: tokens }],
  });
  const said = (dtype: 'same' | 'float16') => (features.describe(tokens, about(dtype)) as Description).diskBytes!;
  expect(features.describe(tokens, about('same'))).toMatchObject({ output: { count: 10 } });
  // The values, and at most 2 % for masks and headers.
  for (const [dtype, bytes] of [
    ['same', 4],
    ['float16', 2],
  ] as const) {
    const values = 4608 * 1408 * bytes * 10;
    expect(said(dtype)).toBeGreaterThan(values);
    expect(said(dtype)).toBeLessThan(values * 1.02);
  }
});
