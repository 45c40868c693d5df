// Starts the built `deepearth` and says how it ended.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../packages/cli/bin/deepearth.js', import.meta.url));
/** Modules that are loaded into the command before it starts. */
export const preloads = {
  fileOperations: new URL('./file-operations.mjs', import.meta.url).href,
  peakMemory: new URL('./peak-memory.mjs', import.meta.url).href,
};

/**
 * Runs a command. `signal` is sent `signalAfter` milliseconds after its start, or with `fromFirstLine` after its first
 * line on stdout. `preload` is one of `preloads`. A command that takes more than `limitMilliseconds` is killed and has
 * the status 'SIGKILL'.
 */
export function runCommand(
  args,
  { cwd, env = {}, signal, signalAfter = 0, fromFirstLine = false, preload, limitMilliseconds = 120_000 } = {},
) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [...(preload === undefined ? [] : ['--import', preload]), command, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr, timer, sentAt] = ['', '', undefined, undefined];
    const arm = () => {
      if (signal === undefined || timer !== undefined) return;
      timer = setTimeout(() => {
        if (child.exitCode === null && child.kill(signal)) sentAt = performance.now();
      }, signalAfter);
    };
    if (!fromFirstLine) arm();
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMilliseconds);
    child.stdout.on('data', (piece) => {
      arm();
      stdout += piece;
    });
    child.stderr.on('data', (piece) => (stderr += piece));
    child.on('error', reject);
    let endedAt;
    child.on('exit', () => {
      endedAt = performance.now();
      clearTimeout(timer);
      clearTimeout(limit);
    });
    child.on('close', (code, by) =>
      resolve({
        status: code ?? by,
        milliseconds: endedAt - started,
        /** From the signal to the end of the process; undefined when it had ended before. */
        stopMilliseconds: sentAt === undefined ? undefined : endedAt - sentAt,
        stdout,
        stderr,
      }),
    );
  });
}
