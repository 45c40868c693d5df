// Runs ffmpeg or ffprobe for what it prints.

import { spawn } from 'node:child_process';

/** What a program prints; `undefined` where it is not there or fails. */
export function programOutput(
  command: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], signal });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.once('error', () => resolve(undefined));
    child.once('close', (code) => resolve(code === 0 ? text : undefined));
  });
}

/** The version that `-version` prints: "5.1.9-0+deb12u1"; `undefined` where there is no such program. */
export async function programVersion(
  command: 'ffmpeg' | 'ffprobe',
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const text = await programOutput(command, ['-version'], signal);
  return text === undefined ? undefined : (/^\w+ version (\S+)/.exec(text)?.[1] ?? 'of an unknown version');
}
