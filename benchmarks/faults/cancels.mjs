// Starts `deepearth run` again and again and sends it a signal at a random moment; says how each run ended.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '@deepearth/testing/random';
import { runCommand } from './command.mjs';

const encoder = fileURLToPath(new URL('./wide-tokens.mjs', import.meta.url));

/** Frames, tokens, one reducer, pictures, a GIF and a zip. */
const pipeline = (channels, reducer, options = '{}') => `name: cancel
plugins: [${JSON.stringify(encoder)}]
stages:
  - { id: frames, type: source/synthetic, with: { count: 96, width: 96, height: 96 } }
  - { id: clips, type: windower/sliding }
  - { id: tokens, type: encoder/wide, with: { channels: ${channels} } }
  - { id: features, type: sink/features }
  - { id: reduced, type: reducer/${reducer}, from: tokens, with: ${options} }
  - { id: colours, type: renderer/tokens, with: { cellPixels: 8 } }
  - { id: pictures, type: sink/pictures }
  - { id: gif, type: sink/gif, from: colours }
  - { id: package, type: sink/package, from: [features, pictures, gif] }
`;

/** Wide tokens for PCA: ONNX Runtime multiplies them in a thread. */
export const cancelPipelines = {
  pca: pipeline(768, 'pca', '{ engine: onnx }'),
  umap: pipeline(64, 'umap', '{ epochs: 60 }'),
  kmeans: pipeline(64, 'kmeans'),
};

/** The lock files of an output folder. */
const locksOf = (output) => {
  const state = join(output, '.deepearth');
  return existsSync(state) ? readdirSync(state).filter((name) => name.startsWith('lock.')) : [];
};

/**
 * Signals `times` runs of each pipeline, each at a random moment of its duration. `pipelines` maps names to YAML.
 * Returns a line for each run that was reached by its signal.
 */
export async function cancelRuns({
  pipelines = cancelPipelines,
  times,
  signal = 'SIGINT',
  random = seededRandom(1),
  tell = () => undefined,
}) {
  const results = [];
  for (const [name, yaml] of Object.entries(pipelines)) {
    const folder = mkdtempSync(join(tmpdir(), 'cancel-'));
    try {
      writeFileSync(join(folder, 'p.yaml'), yaml);
      const whole = await runCommand(['run', 'p.yaml', '--output', 'whole'], { cwd: folder });
      if (whole.status !== 0) throw new Error(`${name} does not run by itself: ${whole.stderr}`);
      const first = await runCommand(['validate', 'p.yaml'], { cwd: folder });
      const span = Math.max(50, whole.milliseconds - first.milliseconds);
      for (let reached = 0, at = 0; reached < times; at++) {
        const output = join(folder, `out-${at}`);
        const ended = await runCommand(['run', 'p.yaml', '--output', output], {
          cwd: folder,
          fromFirstLine: true,
          signal,
          signalAfter: random() * span * 0.95,
        });
        const status = existsSync(join(output, 'manifest.json'))
          ? JSON.parse(readFileSync(join(output, 'manifest.json'), 'utf8')).status
          : undefined;
        // A run that had its manifest before the signal came is no case.
        if (ended.stopMilliseconds !== undefined && !([0, signal].includes(ended.status) && status === 'done')) {
          reached++;
          const result = { pipeline: name, ...ended, manifest: status, locks: locksOf(output) };
          results.push(result);
          tell(result);
        }
        rmSync(output, { recursive: true, force: true });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return results;
}
