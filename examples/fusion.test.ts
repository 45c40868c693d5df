import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const python = ['python3', '/usr/bin/python3', 'python'].find(
  (command) => spawnSync(command, ['-c', 'import torch, safetensors']).status === 0,
);
const skipped = python ? '' : ' (skipped: no python3 with torch and safetensors)';
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'fusion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const deepearth = (...args: string[]) =>
  execFileSync(process.execPath, ['packages/cli/bin/deepearth.js', ...args], { cwd: root, stdio: 'ignore' });
const fuse = (...args: string[]) => {
  const { stdout, stderr, status } = spawnSync(python!, [join(root, 'examples/fusion.py'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  return { lines: stdout.trim().split('\n'), stderr, status };
};
const place = ['52.35', '14.05', '2024-05-01T14:29:00Z'];

test.skipIf(!python)(`PyTorch brings frames, notes and place to one space${skipped}`, () => {
  const output = join(folder, 'notes');
  deepearth('run', 'examples/field-notes/pipeline.yaml', '--output', output);
  const note = 'Rain over steam rises from the reed bed Cranes calling again';
  expect(fuse(output, ...place).lines).toEqual([
    `embeddings_frames_0000_0015.safetensors beside: ${note}`,
    `embeddings_frames_0016_0031.safetensors beside: ${note}`,
    'vision [2, 256] alone: [2, 512]',
    'place [2, 52] alone: [2, 512]',
    'text [2, 128] alone: [2, 512]',
    'together: [2, 512] (untrained)',
  ]);
});

test.skipIf(!python)(`PyTorch brings token files, .pt too, to the same space${skipped}`, () => {
  const pipeline = join(folder, 'pt.yaml');
  writeFileSync(
    pipeline,
    `stages:
  - { type: source/synthetic, with: { count: 16, width: 96, height: 64 } }
  - { type: windower/sliding, with: { size: 8 } }
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 64 } }
  - { type: sink/features, with: { format: pt, directory: pt } }
  - { type: sink/features, from: tokens, with: { directory: safetensors } }
`,
  );
  const output = join(folder, 'tokens');
  deepearth('run', pipeline, '--output', output);
  const found = fuse(output, ...place);
  expect(found.lines, found.stderr).toEqual([
    'vision [4, 256] alone: [4, 512]',
    'place [4, 52] alone: [4, 512]',
    'together: [4, 512] (untrained)',
  ]);
});

test.skipIf(!python)(`what is not there is said${skipped}`, () => {
  expect(fuse('nowhere').stderr).toContain('usage: python fusion.py OUTPUT');
  expect(fuse(folder + '-none', ...place)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('holds no embeddings or features of frames') as string,
  });
});
