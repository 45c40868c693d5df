import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTensorFile } from '@deepearth/formats/tensor-file-node';
import { afterAll, expect, test } from 'vitest';

const python = ['python3', '/usr/bin/python3', 'python'].find(
  (command) => spawnSync(command, ['-c', 'import numpy']).status === 0,
);
const folder = mkdtempSync(join(tmpdir(), 'read-features-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pipeline = `
stages:
  - type: source/synthetic
    with: { count: 32, width: 96, height: 64 }
  - type: windower/sliding
  - type: encoder/vjepa2
  - type: sink/features
`;

test.skipIf(!python)(
  `read_features.py reads in Python what was written here${python ? '' : ' (skipped: no python3 with numpy)'}`,
  async () => {
    writeFileSync(join(folder, 'pipeline.yaml'), pipeline);
    const command = join(import.meta.dirname, '../packages/cli/bin/deepearth.js');
    execFileSync(process.execPath, [command, 'run', 'pipeline.yaml', '--output', 'out'], {
      cwd: folder,
      stdio: 'ignore',
    });
    const script = join(import.meta.dirname, 'read_features.py');
    const lines = execFileSync(python!, [script, join(folder, 'out')], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(lines).toHaveLength(6);
    for (const [index, first] of [0, 16].entries()) {
      const name = `features_frames_${`000${first}`.slice(-4)}_${`000${first + 15}`.slice(-4)}.safetensors`;
      const [head, middle, mean] = lines.slice(3 * index);
      const file = await readTensorFile(join(folder, 'out/features', name));
      const { shape, data } = await file.tensor('features').read();
      await file.close();
      const [, height, width, channels] = shape as [number, number, number, number];
      expect(head).toContain(`${name} (${shape.join(', ')}) float32 frames ${first} to ${first + 15} by`);
      const at = (Math.floor(height / 2) * width + Math.floor(width / 2)) * channels;
      expect(JSON.parse(middle!.split(': ')[1]!)).toEqual([...data.subarray(at, at + 3)]);
      const means = [0, 1, 2].map((channel) => {
        let sum = 0;
        for (let token = 0; token < data.length / channels; token++) sum += Number(data[token * channels + channel]!);
        return sum / (data.length / channels);
      });
      // NumPy adds in float32, in pairs.
      for (const [channel, value] of (JSON.parse(mean!.split(': ')[1]!) as number[]).entries())
        expect(value).toBeCloseTo(means[channel]!, 4);
    }
  },
);
