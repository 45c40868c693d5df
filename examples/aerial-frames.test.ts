import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Manifest } from '@deepearth/core';
import { afterAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'aerial-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(directory: string): Promise<Manifest> {
  const frames = ['--set', `frames.with.directory=${directory}`];
  const args = ['packages/cli/bin/deepearth.js', 'run', 'examples/frames-to-package.yaml', '--output', folder];
  await promisify(execFile)(process.execPath, [...args, ...frames], { cwd: root, maxBuffer: 1 << 26 });
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
}

const aerial = join(root, '../shared/data/ncar');
test.skipIf(!existsSync(aerial))(
  'one’s own frames become features and pictures, twice to the byte (skipped without the aerial frames)',
  async () => {
    const { inputs, outputs } = await run(aerial);
    const files = outputs.map(({ path }) => path);
    expect(files).toContain('features/features_frames_0616_0631.safetensors');
    expect(files).toContain('gif/umap-stacked.gif');
    expect(files).toContain('package.zip');
    expect(inputs.filter(({ path }) => path.endsWith('.tif'))).toHaveLength(16);
    expect((await run(aerial)).outputs).toEqual(outputs);
  },
);
