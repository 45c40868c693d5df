// `deepearth convert`, and what others read of its files.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor } from '@deepearth/core/tensor';
import { bytesSource } from '@deepearth/formats/bytes';
import { encodeNpy } from '@deepearth/formats/npy';
import { openNpz } from '@deepearth/formats/npz';
import { encodePt } from '@deepearth/formats/pt-writer';
import { encodeSafetensors, openSafetensors } from '@deepearth/formats/safetensors';
import { readTokenFile } from '@deepearth/formats/token-file';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { convertFile } from './convert/convert-file.ts';
import { deepearth, folderWith } from './testing/spawn.ts';
import { torchLoads, torchPython, withoutTorch } from './testing/torch.ts';

const root = await mkdtemp(join(tmpdir(), 'deepearth-convert-'));
afterAll(() => rm(root, { recursive: true, force: true }));
const run = (...args: string[]) => deepearth(args, { cwd: root });
const bytesOf = async (name: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(root, name)));
const minutes = 300_000;
const features = tensor('float32', [2, 4], Float32Array.of(1, -2, 3, 0.5, 0.25, -0.125, 0, 8));

/** Tokens, an embedding and a projection in every format that they are written in. */
beforeAll(async () => {
  await writeFile(
    join(root, 'pipeline.yaml'),
    `name: files
stages:
  - { id: frames, type: source/synthetic, with: { count: 32, width: 64, height: 64 } }
  - type: windower/sliding
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 64 } }
  - { id: st, type: sink/features, from: tokens, with: { directory: tokens-st, metadata: { campaign: north, run: 3 } } }
  - { id: pt, type: sink/features, from: tokens, with: { format: pt, directory: tokens-pt, metadata: { campaign: north, run: 3 } } }
  - { id: half, type: sink/features, from: tokens, with: { format: pt, dtype: float16, directory: tokens-half } }
  - { id: eight, type: sink/features, from: tokens, with: { format: pt, dtype: int8, directory: tokens-int8 } }
  - { id: chunk, type: sink/features, from: tokens, with: { format: pt, perFile: 10, directory: chunk } }
  - { id: mean, type: aggregator/mean, from: tokens }
  - { id: embeddings, type: sink/features, from: mean, with: { format: pt, directory: embeddings } }
  - { id: pca, type: reducer/pca, from: tokens }
  - { id: projections, type: sink/features, from: pca, with: { format: pt, directory: projections } }
`,
  );
  expect(await run('run', 'pipeline.yaml', '--output', 'made')).toMatchObject({ status: 0 });
}, minutes);

const window = (folder: string, ending: string): string => `made/${folder}/features_frames_0000_0015.${ending}`;

describe('deepearth convert', () => {
  test('turns a file into another by the endings of their names', async () => {
    await writeFile(join(root, 'a.pt'), await encodePt({ features, metadata: { frame: 3 } }));
    expect(await run('convert', 'a.pt', 'a.npz')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Wrote a\.npz: 1 tensor, /) as string,
      stderr: expect.stringContaining('metadata is left out') as string,
    });
    const arrays = await openNpz(bytesSource(await bytesOf('a.npz')));
    expect(await arrays.get('features')!.read()).toEqual(features);
    expect((await run('convert', 'a.npz', 'deep/er/a.npy')).status).toBe(0);
    expect(await bytesOf('deep/er/a.npy')).toEqual(encodeNpy(features));
  });

  test('keeps files that are there, unless it is told', async () => {
    await writeFile(join(root, 'b.pt'), await encodePt({ features }));
    await writeFile(join(root, 'b.npy'), 'mine');
    const refused = await run('convert', 'b.pt', 'b.npy');
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('b.npy is there already');
    expect(await readFile(join(root, 'b.npy'), 'utf8')).toBe('mine');
    expect((await run('convert', 'b.pt', 'b.npy', '--force')).status).toBe(0);
    expect(await bytesOf('b.npy')).toEqual(encodeNpy(features));
    expect((await run('convert', 'b.npy', './b.npy', '--force')).stderr).toContain('over the file that is read');
  });

  test('converts a folder with the folders in it, and goes on after a bad file', async () => {
    await using folder = await folderWith({ 'broken.pt': 'no', 'notes.txt': 'text' });
    await mkdir(folder.file('in/.hidden'), { recursive: true });
    await writeFile(folder.file('in/a.pt'), await encodePt({ features }));
    await writeFile(folder.file('in/.hidden/x.pt'), await encodePt({ features }));
    await mkdir(folder.file('in/deeper'));
    await writeFile(folder.file('in/deeper/b.npy'), encodeNpy(features));
    await writeFile(folder.file('in/broken.pt'), 'no tensors');
    const { status, stdout, stderr } = await deepearth(['convert', 'in', 'out', '--to', 'safetensors', '--json'], {
      cwd: folder.path,
    });
    expect(status).toBe(3);
    expect(stderr).toContain('broken.pt');
    expect(JSON.parse(stdout)).toMatchObject({
      files: [
        { from: join('in', 'a.pt'), to: join('out', 'a.safetensors'), tensors: 1 },
        { from: join('in', 'deeper', 'b.npy'), to: join('out', 'deeper', 'b.safetensors') },
      ],
      skipped: [{ from: join('in', 'broken.pt'), code: 'E_FORMAT' }],
    });
    expect((await readdir(folder.file('out'), { recursive: true })).sort()).toEqual([
      'a.safetensors',
      'deeper',
      join('deeper', 'b.safetensors'),
    ]);
    // Again, everything is there: nothing is begun.
    const again = await deepearth(['convert', 'in', 'out', '--to', 'safetensors'], { cwd: folder.path });
    expect(again).toMatchObject({ status: 2 });
    expect(again.stderr).toContain('and 1 more are there already');
  });

  test.each([
    [['nothing.pt', 'x.npy'], 4, 'there is no such file or folder'],
    [['pipeline.yaml', 'x.npy'], 4, 'is none of .pt'],
    [[window('tokens-pt', 'pt'), 'x'], 2, 'does not say which format'],
    [[window('tokens-pt', 'pt'), 'x.npy', '--to', 'npz'], 2, 'ends in .npy'],
    [[window('tokens-pt', 'pt'), 'x.npy', '--dtype', 'int4'], 2, '--dtype: expected same, float32, float16 or int8'],
    [['made', 'y'], 2, 'the format has to be said'],
    [['made', 'y.npz', '--to', 'npz'], 2, 'named like a file'],
    [['made/chunk/features_chunk_0000.pt', 'x.npy'], 4, 'holds 2 tensors, and a .npy file one'],
    [[window('tokens-pt', 'pt'), 'x.npy', '--dtype', 'int8'], 1, 'has scales too'],
    [[window('tokens-pt', 'pt'), 'x.npy', '--tensor', 'feature'], 4, 'has no tensor "feature"'],
  ])('refuses %j', async (args, status, message) => {
    const outcome = await run('convert', ...args);
    expect(outcome.stderr).toContain(message);
    expect(outcome.status).toBe(status);
    expect(await readdir(root)).not.toContain('x.npy');
  });

  test('leaves nothing of a file whose values do not fit', async () => {
    await using folder = await folderWith({});
    const values = tensor('float32', [2], Float32Array.of(1, 1e6));
    await writeFile(folder.file('a.npy'), encodeNpy(values));
    const { status, stderr } = await deepearth(['convert', 'a.npy', 'b.npy', '--dtype', 'float16'], {
      cwd: folder.path,
    });
    expect(status).toBe(4);
    expect(stderr).toContain('tensor "tensor": the value 1.00000e+6 (number 1) would become infinite in float16');
    expect(await readdir(folder.path)).toEqual(['a.npy']);
  });

  test('keeps tokens a token file: to .pt in the words of the extractor, and back', { timeout: minutes }, async () => {
    for (const [from, to] of [
      [window('tokens-st', 'safetensors'), 't.pt'],
      ['t.pt', 't.safetensors'],
      [window('tokens-pt', 'pt'), 'u.safetensors'],
      ['u.safetensors', 'u.pt'],
      [window('tokens-int8', 'pt'), 'v.safetensors'],
    ] as const)
      expect(await run('convert', from, to)).toMatchObject({ status: 0, stderr: '' });
    const original = await openSafetensors(bytesSource(await bytesOf(window('tokens-st', 'safetensors'))));
    for (const name of ['t.safetensors', 'u.safetensors']) {
      const found = await readTokenFile(bytesSource(await bytesOf(name)));
      expect(found).toMatchObject(await readTokenFile(original.source).then(({ encoder: _, ...rest }) => rest));
      const { metadata } = await openSafetensors(bytesSource(await bytesOf(name)));
      expect([metadata.get('campaign'), metadata.get('run')]).toEqual(['north', '3']);
    }
    expect((await readTokenFile(bytesSource(await bytesOf('v.safetensors')))).values.dtype).toBe('float32');
    const shown = async (name: string) => {
      const {
        file: _,
        bytes: __,
        ...rest
      } = JSON.parse((await run('inspect', name, '--json', '--digest')).stdout) as Record<string, unknown>;
      return rest;
    };
    expect(await shown('t.pt')).toEqual(await shown(window('tokens-pt', 'pt')));
    expect(await shown('u.pt')).toEqual(await shown(window('tokens-pt', 'pt')));
  });

  test('makes files that the rest of a pipeline reads', async () => {
    expect((await run('convert', 'made/tokens-st', 'small', '--to', 'pt', '--dtype', 'int8')).status).toBe(0);
    await writeFile(
      join(root, 'later.yaml'),
      'stages:\n  - { type: source/features, with: { path: small } }\n  - type: reducer/pca\n  - type: renderer/tokens\n  - type: sink/pictures\n',
    );
    expect((await run('run', 'later.yaml', '--output', 'later')).status).toBe(0);
    expect((await readdir(join(root, 'later/pictures/pca-tokens'))).length).toBe(16);
  });

  test('leaves nothing when it is cancelled half-way', async () => {
    await using folder = await folderWith({});
    const values = tensor('float32', [4 << 20], new Float32Array(4 << 20).fill(1));
    await writeFile(folder.file('a.npy'), encodeNpy(values));
    const controller = new AbortController();
    const shares: number[] = [];
    const converting = convertFile(folder.file('a.npy'), folder.file('b.pt'), 'pt', {
      dtype: 'float16',
      signal: controller.signal,
      progress: (share) => {
        shares.push(share);
        if (share > 0.4) controller.abort(new Error('enough'));
      },
    });
    await expect(converting).rejects.toThrow('enough');
    expect(shares.at(-1)).toBeLessThan(1);
    expect(await readdir(folder.path)).toEqual(['a.npy']);
  });
});

describe.skipIf(!torchPython)(`PyTorch reads with weights_only=True, mapped or not${withoutTorch}`, () => {
  const grid = { shape: [128, 256], dtype: 'torch.float32' };

  test('every kind of .pt file that sink/features writes', { timeout: minutes }, () => {
    const loaded = torchLoads(
      ...[
        window('tokens-pt', 'pt'),
        window('tokens-half', 'pt'),
        window('tokens-int8', 'pt'),
        'made/chunk/features_chunk_0000.pt',
        'made/embeddings/embeddings_frames_0000_0015.pt',
        'made/projections/pca_frames_0000_0015.pt',
      ].map((name) => join(root, name)),
    );
    expect(loaded).toMatchObject([
      {
        features: grid,
        dtype: 'torch.float32',
        metadata: { campaign: 'north', run: 3, frame_numbers: expect.any(Array) as [] },
      },
      { features: { shape: grid.shape, dtype: 'torch.float16' }, dtype: 'torch.float16' },
      {
        features: { shape: grid.shape, dtype: 'torch.int8' },
        'features.scale': { shape: [128, 1], dtype: 'torch.float32' },
      },
      { 'clip-000001': { features: grid } },
      { features: { shape: [256] } },
      { projection: { shape: [8, 4, 4, 3] } },
    ]);
  });

  test('what is converted, from every format', { timeout: minutes }, async () => {
    const from = window('tokens-st', 'safetensors');
    const steps: [string, string, ...string[]][] = [
      [from, 'torch/a.pt'],
      [from, 'torch/b.pt', '--dtype', 'float16'],
      [from, 'torch/c.pt', '--dtype', 'int8'],
      [from, 'torch/d.npz'],
      ['torch/d.npz', 'torch/d.pt'],
      [from, 'torch/e.npy'],
      ['torch/e.npy', 'torch/e.pt'],
      [window('tokens-pt', 'pt'), 'torch/f.pt', '--dtype', 'float16'],
    ];
    for (const [source, target, ...more] of steps)
      expect((await run('convert', source, target, ...more)).status).toBe(0);
    const loaded = torchLoads(...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => join(root, `torch/${name}.pt`)));
    expect(loaded).toMatchObject([
      { features: grid },
      { features: { shape: grid.shape, dtype: 'torch.float16' }, dtype: 'torch.float16' },
      { features: { dtype: 'torch.int8' }, 'features.scale': { shape: [128, 1] } },
      { features: { shape: [8, 4, 4, 256], dtype: 'torch.float32' } },
      { shape: [8, 4, 4, 256], dtype: 'torch.float32' },
      { features: { dtype: 'torch.float16' }, dtype: 'torch.float16' },
    ]);
  });

  test('and NumPy the arrays, quantized as it would do it itself', async () => {
    const path = join(root, 'numpy');
    await mkdir(path);
    await writeFile(join(path, 'a.safetensors'), await encodeSafetensors({ features }));
    for (const dtype of ['same', 'int8'])
      expect((await run('convert', 'numpy/a.safetensors', `numpy/${dtype}.npz`, '--dtype', dtype)).status).toBe(0);
    const script = `
import numpy as np, sys
a = np.load(sys.argv[1] + "/same.npz")["features"]
q = np.load(sys.argv[1] + "/int8.npz")
scale = (np.abs(a).max(-1, keepdims=True) / 127).astype("float32")
assert (q["features.scale"] == scale).all() and q["features"].dtype == np.int8
assert (q["features"] == np.round(a / scale)).all()
assert np.abs(q["features"] * q["features.scale"] - a).max() <= scale.max() / 2
print("ok")`;
    expect(execFileSync(torchPython!, ['-B', '-c', script, path], { encoding: 'utf8' }).trim()).toBe('ok');
  });
});

describe('deepearth inspect', () => {
  test('shows what values are like, and draws tokens', async () => {
    const name = window('tokens-pt', 'pt');
    const { stdout, stderr, status } = await run('inspect', name, '--picture', 'tokens.png');
    expect(status).toBe(0);
    expect(stdout).toMatch(/features +tensor float32 \[128 x 256\] {2}-?[\d.]+ to [\d.]+, mean -?[\d.]+, std [\d.]+/);
    expect(stderr).toMatch(/Wrote tokens\.png: 1564 x 192 pixels, 1 grid, 8 steps of time; colours are [\d.]+ %/);
    const png = await bytesOf('tokens.png');
    expect([...png.subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    expect((await run('inspect', name, '--picture', 'tokens.png')).status).toBe(2);
    const json = JSON.parse(
      (await run('inspect', name, '--picture', 'tokens.png', '--force', '--json')).stdout,
    ) as object;
    expect(json).toMatchObject({
      holds: { features: { statistics: { nan: 0, infinite: 0 } } },
      picture: { width: 1564, height: 192, grids: 1, steps: 8 },
    });
    expect(await bytesOf('tokens.png')).toEqual(png);
    expect((await run('inspect', name, '--no-stats')).stdout).not.toContain('mean');
  });

  test('counts NaN and infinities', async () => {
    await writeFile(join(root, 'odd.npy'), encodeNpy(tensor('float32', [4], Float32Array.of(NaN, Infinity, 1, 3))));
    expect((await run('inspect', 'odd.npy')).stdout).toContain('1 to 3, mean 2, std 1, 1 NaN, 1 infinite');
  });

  test('draws no picture of what has no place', async () => {
    const embedding = await run('inspect', 'made/embeddings/embeddings_frames_0000_0015.pt', '--picture', 'none.png');
    expect(embedding.status).toBe(1);
    expect(embedding.stderr).toContain('holds no grid of tokens');
    expect((await run('inspect', window('tokens-pt', 'pt'), '--picture', 'none.jpg')).status).toBe(2);
    expect(await readdir(root)).not.toContain('none.png');
  });
});
