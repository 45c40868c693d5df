import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeBuiltin } from './builtin-folder.ts';
import { catalogue } from './catalogue.ts';
import { linkBlob, rememberCommit, repositoryCache } from '@deepearth/onnx/hub-cache';
import { modelInfo as infoOf, renderModelInfo, type ModelInfoOptions } from '@deepearth/onnx/model-info';
import { listModels, renderModels } from '@deepearth/onnx/model-list';
import { vjepa2Family } from './family.ts';

const modelInfo = (model: string, options?: ModelInfoOptions) => infoOf([vjepa2Family], model, options);
import { formatBytes } from '@deepearth/onnx/model-text';

let home: string;
let variables: Record<string, string>;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'info-'));
  variables = { HF_HOME: home };
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe('model info', () => {
  it('knows every official checkpoint without having it', async () => {
    for (const { name } of catalogue) {
      const info = await modelInfo(name, { variables });
      expect(info.source).toBe('catalogue');
      expect(renderModelInfo(info)).toContain('not on this machine');
    }
    const text = renderModelInfo(await modelInfo('facebook/vjepa2-vitg-fpc64-384', { variables, frames: 64 }));
    expect(text).toContain('1,012,173,952 parameters in 644 tensors');
    expect(text).toContain('32 x 24 x 24 = 18,432 tokens, 114 TFLOP');
    expect(text).toContain('4.14 GB');
    expect(text).toContain('Assran et al. 2025');
    expect(text).toContain('arXiv:2506.09985');
    expect(text).toContain('see the model card');
  });

  it('says of the built-in checkpoint that it is not trained', async () => {
    const info = await modelInfo('builtin');
    expect(renderModelInfo(info)).toContain('constructed, not trained');
    expect(renderModelInfo(info)).not.toContain('model card');
    expect(info.estimates.fp32.grid).toEqual({ time: 8, height: 24, width: 24 });
  });

  it('reads a folder, and a snapshot of the cache', async () => {
    const folder = join(home, 'mine');
    await writeBuiltin(folder);
    const info = await modelInfo(folder, { frames: 8, height: 96, width: 160, batchSize: 2 });
    expect(info).toMatchObject({ source: 'folder', tensors: 36, labels: 0 });
    expect(info.estimates.fp32.grid).toEqual({ time: 4, height: 6, width: 10 });
    expect(info.fileBytes).toBeGreaterThan(4 * info.parameters);

    const cache = repositoryCache(join(home, 'hub'), 'someone/vjepa2-mine');
    await writeBuiltin(join(cache.folder, 'blobs'));
    for (const file of ['config.json', 'model.safetensors']) await linkBlob(cache, 'c'.repeat(40), file, file);
    await rememberCommit(cache, 'main', 'c'.repeat(40));
    expect(await modelInfo('someone/vjepa2-mine', { variables })).toMatchObject({
      source: 'cache',
      revision: 'c'.repeat(40),
    });
    const listed = await listModels([vjepa2Family], variables);
    expect(listed.at(-1)).toMatchObject({ name: 'someone/vjepa2-mine', source: 'cache' });
    expect(renderModels(listed).split('\n')).toHaveLength(catalogue.length + 3);
  });

  it('says what is wrong with a name or a size', async () => {
    await expect(modelInfo('facebook/vjepa2-vith-fpc64-25', { variables })).rejects.toThrow(
      /Did you mean facebook\/vjepa2-vith-fpc64-256/,
    );
    await expect(modelInfo('./nowhere', { variables })).rejects.toThrow(/no folder/);
    await expect(modelInfo('builtin', { height: 100 })).rejects.toThrow(/height is a positive multiple of 16, got 100/);
  });

  it('writes bytes with three digits', () => {
    expect([0, 999, 1000, 4_138_311_608, 12_345].map(formatBytes)).toEqual([
      '0 bytes',
      '999 bytes',
      '1.00 kB',
      '4.14 GB',
      '12.3 kB',
    ]);
  });
});
