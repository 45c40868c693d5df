// Starts the built command as a process, for tests.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const commandPath = fileURLToPath(new URL('../../bin/deepearth.js', import.meta.url));

export interface Outcome {
  /** The exit status, or the name of the signal that ended it. */
  readonly status: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Sends a signal, once, when stdout has said `after`; and again when stderr has said `thenAfter`. */
  readonly kill?: { readonly signal: NodeJS.Signals; readonly after: string; readonly thenAfter?: string };
  /** Arguments of Node itself. */
  readonly node?: readonly string[];
}

/** Runs `deepearth` with these arguments to its end. */
export function deepearth(
  args: readonly string[],
  { cwd, env = {}, kill, node = [] }: SpawnOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const { NO_COLOR: _, FORCE_COLOR: __, npm_command: ___, ...inherited } = process.env;
    const child = spawn(process.execPath, [...node, commandPath, ...args], {
      cwd,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    let [sent, again] = [false, false];
    child.stdout.on('data', (piece: Buffer) => {
      stdout += piece.toString();
      if (!kill || sent || !stdout.includes(kill.after)) return;
      sent = child.kill(kill.signal);
    });
    child.stderr.on('data', (piece: Buffer) => {
      stderr += piece.toString();
      if (!kill?.thenAfter || again || !stderr.includes(kill.thenAfter)) return;
      again = child.kill(kill.signal);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ status: code ?? signal, stdout, stderr }));
  });
}

/** A folder for one test, with files in it; `using` removes it. */
export async function folderWith(
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly path: string; file(name: string): string }> {
  const path = await mkdtemp(join(tmpdir(), 'deepearth-cli-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

export const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
