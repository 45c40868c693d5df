import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { tensor } from '@deepearth/core/tensor';
import { bytesSource } from '@deepearth/formats/bytes';
import { crc32 } from '@deepearth/formats/crc32';
import { encodeNpy } from '@deepearth/formats/npy';
import { encodeSafetensors, openSafetensors } from '@deepearth/formats/safetensors';
import { describe, expect, it } from 'vitest';
import { deepearth, folderWith, jsonLines } from './testing/spawn.ts';

/** Rows on a noisy circle in 8 channels, without chance. */
const circle = Float32Array.from(
  { length: 120 * 8 },
  (_, i) => Math.sin((Math.floor(i / 8) / 120) * 2 * Math.PI + (i % 8)) + 0.01 * Math.sin(i * 12.9898),
);

/** A grey picture, written by hand. */
function greyPng(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const rows = Buffer.alloc(height * (width + 1), 127);
  for (let y = 0; y < height; y++) rows[y * (width + 1)] = 0;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', new Uint8Array()),
  ]);
}

describe('deepearth inspect', () => {
  it('lists tensors with type, shape and size, and text beside them', async () => {
    await using folder = await folderWith({});
    await writeFile(
      folder.file('a.safetensors'),
      await encodeSafetensors(
        { features: tensor('float32', [2, 3], new Float32Array(6)), count: tensor('int32', [1], new Int32Array(1)) },
        { note: 'made here' },
      ),
    );
    const { status, stdout } = await deepearth(['inspect', 'a.safetensors'], { cwd: folder.path });
    expect(stdout).toContain('a.safetensors: safetensors, ');
    expect(stdout).toMatch(/features +tensor float32 \[2 x 3\]/);
    expect(stdout).toMatch(/count +tensor int32 \[1\]/);
    expect(stdout).toContain('metadata note = "made here"');
    expect(status).toBe(0);
  });

  it('ends with 130 when it is stopped', { skip: process.platform === 'win32' }, async () => {
    await using folder = await folderWith({});
    // Holes: four gigabytes that take no room, and seconds to read.
    const count = 2 ** 30;
    const header = Buffer.from(JSON.stringify({ x: { dtype: 'F32', shape: [count], data_offsets: [0, 4 * count] } }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(folder.file('a.safetensors'), Buffer.concat([length, header]));
    await truncate(folder.file('a.safetensors'), 8 + header.length + 4 * count);
    // Stopped once it reads the file: what loads before is in its way, and no line says when.
    await writeFile(
      folder.file('stop.mjs'),
      `import fs from 'node:fs/promises';
const open = fs.open;
fs.open = (...args) => (String(args[0]).endsWith('a.safetensors') && setTimeout(() => process.kill(process.pid, 'SIGINT'), 300), open(...args));
(await import('node:module')).syncBuiltinESMExports();`,
    );
    const { status, stdout, stderr } = await deepearth(['inspect', 'a.safetensors', '--digest'], {
      cwd: folder.path,
      node: ['--import', folder.file('stop.mjs')],
    });
    expect(stderr).toBe('Stopping; once more to stop at once.\n');
    expect(stdout).toBe('');
    expect(status).toBe(130);
  });

  it('returns digests as JSON', async () => {
    await using folder = await folderWith({});
    await writeFile(folder.file('a.npy'), encodeNpy(tensor('float32', [2], Float32Array.of(1, 2))));
    const { stdout } = await deepearth(['inspect', 'a.npy', '--json', '--digest'], { cwd: folder.path });
    expect(JSON.parse(stdout)).toMatchObject({
      file: 'a.npy',
      format: 'npy',
      holds: {
        tensor: true,
        dtype: 'float32',
        shape: [2],
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        first: [1, 2],
      },
    });
  });

  it('ends with 1 and the reason for a file it refuses', async () => {
    await using folder = await folderWith({ 'a.pt': 'not a pickle', 'b.npy': '' });
    const { status, stdout, stderr } = await deepearth(['inspect', 'a.pt', '--json'], { cwd: folder.path });
    expect(JSON.parse(stdout)).toMatchObject({ file: 'a.pt', refused: expect.any(String) });
    expect([status, stderr]).toEqual([1, expect.stringContaining('a.pt')]);
    expect((await deepearth(['inspect', 'b.npy'], { cwd: folder.path })).stderr).toContain('is empty');
    expect((await deepearth(['inspect', 'nothing.npy'], { cwd: folder.path })).status).toBe(4);
    expect(await deepearth(['inspect', '.'], { cwd: folder.path })).toMatchObject({
      status: 4,
      stderr:
        'error: .: is a folder, not a file. Name a file in it, or look into the output of a run with `deepearth explore`.\n',
    });
    await writeFile(folder.file('places.parquet'), 'PAR1\x15\x04');
    expect(await deepearth(['inspect', 'places.parquet'], { cwd: folder.path })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/places\.parquet: is a Parquet table.* geopandas\.read_parquet/) as string,
    });
  });
});

describe('deepearth reduce and compare', () => {
  it('fits, saves, transforms with what was saved, and compares', async () => {
    await using folder = await folderWith({});
    const go = (...args: readonly string[]) => deepearth(args, { cwd: folder.path });
    await writeFile(folder.file('x.npy'), encodeNpy(tensor('float32', [120, 8], circle)));
    const fitted = await go(
      'reduce',
      'x.npy',
      '--with',
      'pca',
      '--set',
      'components=2',
      '-o',
      'y.npy',
      '--model-out',
      'm.safetensors',
      '--json',
    );
    expect(jsonLines(fitted.stdout)).toMatchObject([
      { method: 'pca', tokens: 120, channels: 8, shape: [120, 2], modelOut: { path: 'm.safetensors' } },
    ]);
    expect(fitted.status).toBe(0);
    const again = await go('reduce', 'x.npy', '--model', 'm.safetensors', '-o', 'z.npy');
    expect(again.stdout).toContain('pca: 120 tokens of 8 numbers to 2');
    expect(await readFile(folder.file('z.npy'))).toEqual(await readFile(folder.file('y.npy')));
    expect(again.stderr).toBe('');
    const { tensors, metadata } = await openSafetensors(bytesSource(await readFile(folder.file('m.safetensors'))));
    const { digest: _, ...rest } = Object.fromEntries(metadata);
    await writeFile(folder.file('old.safetensors'), await encodeSafetensors(tensors, { ...rest, version: '1' }));
    const old = await go('reduce', 'x.npy', '--model', 'old.safetensors', '-o', 'z.npy');
    expect(old.stderr).toMatch(/^warning: old\.safetensors was saved before model files had digests/);
    expect(old.status).toBe(0);
    const back = await go('reduce', 'y.npy', '--model', 'm.safetensors', '--inverse', '-o', 'back.npy');
    expect(back.stdout).toContain('pca: 120 projections of 2 numbers to tokens of 8');
    const compared = await go('compare', 'y.npy', 'z.npy', '--tokens', 'x.npy', '--json');
    expect(JSON.parse(compared.stdout)).toMatchObject([
      { path: 'y.npy', tokens: 120, trustworthiness: expect.any(Number) },
      { path: 'z.npy' },
    ]);
    expect((await go('compare', 'y.npy', '--tokens', 'x.npy')).stdout).toMatch(/y\.npy +[01]\.\d{4}/);
  });

  it.each([
    [['--with', 'ummap'], 2, 'Did you mean umap?'],
    [['--with', 'pca', '--set', 'componets=2'], 2, 'Did you mean components?'],
    [['--with', 'pca', '--set', 'components'], 2, 'expected option=value'],
    [['--with', 'pca', '--set', 'components=0'], 2, 'components'],
    [['--with', 'pca', '--set', 'components=9'], 4, 'x.npy'],
  ])('says what is wrong with %j', async (args, code, text) => {
    await using folder = await folderWith({});
    await writeFile(folder.file('x.npy'), encodeNpy(tensor('float32', [120, 8], circle)));
    const { status, stderr } = await deepearth(['reduce', 'x.npy', '-o', 'y.npy', ...args], { cwd: folder.path });
    expect(stderr).toContain(text);
    expect(status).toBe(code);
    expect(await readdir(folder.path)).toEqual(['x.npy']);
  });

  it('names the token that is not a number', async () => {
    await using folder = await folderWith({});
    await writeFile(
      folder.file('x.npy'),
      encodeNpy(
        tensor(
          'float32',
          [120, 8],
          circle.map((value, i) => (i === 85 ? NaN : value)),
        ),
      ),
    );
    const { status, stderr } = await deepearth(['reduce', 'x.npy', '--with', 'pca', '-o', 'y.npy'], {
      cwd: folder.path,
    });
    expect(stderr).toMatch(/x\.npy.*10/);
    expect(status).toBe(4);
  });
});

describe('deepearth reduce on several machines', () => {
  const names = ['t0', 't1', 't2', 't3'].map((name) => `${name}.safetensors`);
  const tokensIn = 30;

  it.each([
    ['pca', []],
    ['umap', ['--set', 'epochs=8']],
  ])('%s: parts that are made, merged and applied anywhere give the bytes of one machine', async (method, options) => {
    await using folder = await folderWith({});
    const go = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
      const { status, stdout, stderr } = await deepearth(['reduce', ...args, '--json'], { cwd: folder.path });
      expect([status, stderr]).toEqual([0, expect.not.stringContaining('error')]);
      return jsonLines(stdout)[0]!;
    };
    for (const [file, name] of names.entries()) {
      const part = circle.slice(file * tokensIn * 8, (file + 1) * tokensIn * 8);
      const seen = Uint8Array.from({ length: tokensIn }, (_, token) => (token % 7 === file ? 0 : 255 - token));
      const features = tensor('float32', [tokensIn, 8], part);
      const valid = file === 2 ? {} : { valid: tensor('uint8', [tokensIn], seen) };
      await writeFile(folder.file(name), await encodeSafetensors({ features, ...valid }));
    }
    const made = ['--with', method, ...options];
    await go(...names, ...made, '-o', 'whole.safetensors', '--model-out', 'whole.model');
    for (const cut of [1, 3]) {
      const ranges = [names.slice(0, cut), names.slice(cut)];
      const from = String(cut * tokensIn);
      expect(await go(...ranges[1]!, ...made, '--part', from, '-o', '1.part')).toMatchObject({ method, to: 120 });
      expect(await go(...ranges[0]!, ...made, '--part', '0', '-o', '0.part')).toMatchObject({ to: Number(from) });
      expect(await go('1.part', '0.part', '--merge', ...options, '-o', 'm.model')).toMatchObject({
        parts: 2,
        channels: 8,
      });
      for (const [part, files] of ranges.entries())
        await go(...files, '--model', 'm.model', '-o', `${part}.safetensors`);
      await go('0.safetensors', '1.safetensors', '--limits', '--model', 'm.model', '-o', 'm.model');
      expect(await readFile(folder.file('m.model'))).toEqual(await readFile(folder.file('whole.model')));
      // Of all at once with the model of parts, too.
      await go(...names, '--model', 'm.model', '-o', 'again.safetensors');
      expect(await readFile(folder.file('again.safetensors'))).toEqual(
        await readFile(folder.file('whole.safetensors')),
      );
      const values = await Promise.all(
        ['0', '1', 'whole'].map(async (name) => {
          const file = await openSafetensors(bytesSource(await readFile(folder.file(`${name}.safetensors`))));
          return Promise.all(['projection', 'valid'].map(async (one) => [...(await file.tensor(one)).data]));
        }),
      );
      const [first, second, whole] = values as [unknown[][], unknown[][], unknown[][]];
      expect(first.map((list, index) => [...list, ...second[index]!])).toEqual(whole);
    }
  });

  it('says what a part is, where the next one begins, and which flags do not go together', async () => {
    await using folder = await folderWith({});
    await writeFile(folder.file('x.npy'), encodeNpy(tensor('float32', [120, 8], circle)));
    const go = (...args: readonly string[]) => deepearth(['reduce', ...args], { cwd: folder.path });
    const part = await go('x.npy', '--with', 'pca', '--part', '40', '-o', 'x.part');
    expect(part.stdout).toContain('tokens 40 to 160 of the input');
    expect(part.stdout).toContain('--part 160');
    const gap = await go('x.part', '--merge', '-o', 'm');
    expect([gap.status, gap.stderr]).toEqual([4, expect.stringContaining('40 tokens before them are missing')]);
    await go('x.npy', '--with', 'pca', '--part', '0', '-o', 'x.part');
    expect((await go('x.part', '--merge', '-o', 'm')).stdout).toContain('no colour limits yet');
    await go('x.npy', '--model', 'm', '-o', 'y.npy');
    expect((await go('y.npy', '--limits', '--model', 'm', '-o', 'm')).stdout).toMatch(/pca: colours of 120 tokens/);
    for (const [args, text] of [
      [['--merge', '--model-out', 'm'], '--model-out does not go with --merge'],
      [['--part', '0', '--merge'], '--merge does not go with --part'],
      [['--part', 'first'], 'expected a whole number of at least 0'],
      [['--limits'], '--limits needs the model'],
    ] as const) {
      const { status, stderr } = await go('x.npy', '-o', 'never', ...args);
      expect([status, stderr]).toEqual([2, expect.stringContaining(text)]);
    }
    expect((await readdir(folder.path)).sort()).toEqual(['m', 'x.npy', 'x.part', 'y.npy']);
  });
});

describe('deepearth model', () => {
  it('lists checkpoints and tells about one, without a network', async () => {
    const env = { HF_HUB_OFFLINE: '1' };
    expect((await deepearth(['model', 'list'], { env })).stdout).toContain('facebook/vjepa2-vitg-fpc64-384');
    const { stdout } = await deepearth(['model', 'info', 'facebook/vjepa2-vitg-fpc64-384', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({
      architecture: { hiddenSize: 1408, layers: 40 },
      estimates: { fp32: { tokens: 4608 } },
    });
    const wrong = await deepearth(['model', 'info', 'facebook/vjepa2-vitg-fpc64-385'], { env });
    expect(wrong.stderr).toContain('Did you mean facebook/vjepa2-vitg-fpc64-384?');
  });

  it('writes the crop that the encoder sees', async () => {
    await using folder = await folderWith({});
    await writeFile(folder.file('p.png'), greyPng(60, 40));
    const { status, stdout } = await deepearth(['model', 'see', 'p.png', 'out.png', '--crop', '32'], {
      cwd: folder.path,
    });
    expect([status, stdout]).toEqual([0, 'Wrote out.png: 32 x 32 pixels.\n']);
    const header = (await readFile(folder.file('out.png'))).subarray(16, 24);
    expect([header.readUInt32BE(0), header.readUInt32BE(4)]).toEqual([32, 32]);
    const missing = await deepearth(['model', 'see', 'q.png', 'out.png'], { cwd: folder.path });
    expect([missing.status, missing.stderr]).toEqual([4, expect.stringContaining('q.png')]);
  });

  it('knows the encoder of a folder by its config: checks, describes and converts DINOv3 and DINOv2', async () => {
    await using folder = await folderWith({});
    const env = { DEEPEARTH_CACHE: folder.file('cache') };
    for (const [kind, tokens] of [
      ['v3', 16 * 16],
      ['v2-registers', 16 * 16],
    ] as const) {
      const model = fileURLToPath(new URL(`../../model-dinov3/fixtures/${kind}`, import.meta.url));
      const { status, stdout } = await deepearth(['model', 'check', model], { env });
      expect([status, stdout]).toEqual([0, expect.stringContaining('all 2 agree')]);
      const size = kind === 'v3' ? '32' : '28';
      const info = await deepearth(['model', 'info', model, '--size', size, '--json'], { env });
      expect(JSON.parse(info.stdout)).toMatchObject({ source: 'folder', estimates: { fp32: { tokens } } });
      const converted = await deepearth(['model', 'convert', model, '--precision', 'fp16', '--json'], { env });
      expect(JSON.parse(converted.stdout.trim().split('\n').at(-1)!)).toMatchObject({
        type: 'converted',
        converted: true,
      });
    }
  });

  it('lists the known architectures for a config that is not known', async () => {
    await using folder = await folderWith({ 'config.json': '{"model_type":"vit"}' });
    const { status, stderr } = await deepearth(['model', 'check', folder.path]);
    expect([status, stderr]).toEqual([4, expect.stringContaining('a "vit" model; what is known is V-JEPA 2, DINOv3')]);
  });

  it('names what a folder lacks', async () => {
    await using folder = await folderWith({});
    await mkdir(folder.file('m'));
    const { status, stderr } = await deepearth(['model', 'check', 'm'], { cwd: folder.path });
    expect(stderr).toContain('input.safetensors');
    expect(status).toBe(4);
  });
});
