// Starts `deepearth run` again and again and sends it a signal at a random moment; says how each run ended.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '@deepearth/testing/random';

const command = fileURLToPath(new URL('../../packages/cli/bin/deepearth.js', import.meta.url));

/** Runs a command of deepearth; `signalAfter` is in milliseconds from its first line on stdout (or its start). */
function runOnce(args, cwd, { signal, signalAfter, fromFirstLine = true } = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [command, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr, timer, sentAt] = ['', '', undefined, undefined];
    const arm = () => {
      if (signal === undefined || timer !== undefined) return;
      timer = setTimeout(() => {
        if (child.exitCode === null && child.kill(signal)) sentAt = performance.now();
      }, signalAfter);
    };
    if (!fromFirstLine) arm();
    child.stdout.on('data', (piece) => {
      arm();
      stdout += piece;
    });
    child.stderr.on('data', (piece) => (stderr += piece));
    child.on('error', reject);
    child.on('exit', (code, by) => {
      clearTimeout(timer);
      const now = performance.now();
      resolve({
        status: code ?? by,
        milliseconds: now - started,
        /** From the signal to the end of the process; undefined when it had ended before. */
        stopMilliseconds: sentAt === undefined ? undefined : now - sentAt,
        last: stdout.trimEnd().split('\n').at(-1),
        stderr,
      });
    });
  });
}

/** The lock files of an output folder. */
const locksOf = (output) => {
  const state = join(output, '.deepearth');
  return existsSync(state) ? readdirSync(state).filter((name) => name.startsWith('lock.')) : [];
};

/**
 * Signals `times` runs of each pipeline, each at a random moment of its duration. `pipelines` maps names to YAML. Returns a
 * line for each run that was reached by its signal.
 */
export async function cancelRuns({
  pipelines,
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
      const whole = await runOnce(['run', 'p.yaml', '--output', 'whole'], folder);
      if (whole.status !== 0) throw new Error(`${name} does not run by itself: ${whole.stderr}`);
      const first = await runOnce(['validate', 'p.yaml'], folder);
      const span = Math.max(50, whole.milliseconds - first.milliseconds);
      for (let reached = 0, at = 0; reached < times; at++) {
        const output = join(folder, `out-${at}`);
        const ended = await runOnce(['run', 'p.yaml', '--output', output], folder, {
          signal,
          signalAfter: random() * span * 0.95,
        });
        const status = existsSync(join(output, 'manifest.json'))
          ? JSON.parse(readFileSync(join(output, 'manifest.json'), 'utf8')).status
          : undefined;
        // A run that had its manifest before the signal came is no case.
        if (ended.stopMilliseconds !== undefined && !(ended.status === 0 && status === 'done')) {
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
