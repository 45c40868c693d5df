import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root, runTo } from './testing/run-example.ts';

const folder = mkdtempSync(join(tmpdir(), 'aerial-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const aerial = join(root, '../shared/data/ncar');
const run = () => runTo(folder, 'frames-to-package.yaml', '--set', `frames.with.directory=${aerial}`);

test.skipIf(!existsSync(aerial))(
  'one’s own frames become features and pictures, twice to the byte (skipped without the aerial frames)',
  async () => {
    const { files, manifest } = await run();
    expect(files).toContain('features/features_frames_0616_0631.safetensors');
    expect(files).toContain('gif/umap-stacked.gif');
    expect(files).toContain('package.zip');
    expect(manifest.inputs.filter(({ path }) => path.endsWith('.tif'))).toHaveLength(16);
    expect((await run()).manifest.outputs).toEqual(manifest.outputs);
  },
);
