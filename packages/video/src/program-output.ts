// Runs ffmpeg or ffprobe for what it prints.

import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** What a program printed. */
export interface ProgramOutput {
  /** On its standard output. */
  readonly text: string;
  /** As its banner on standard error says: "5.1.9-0+deb12u1"; `undefined` where it has none, as with `-v error`. */
  readonly version: string | undefined;
}

/** What a program prints; `undefined` where it is not there or fails. */
export function programOutput(
  command: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ProgramOutput | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
    let [text, banner] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      if (banner.length < 1000) banner += part;
    });
    child.once('error', () => resolve(undefined));
    child.once('close', (code) =>
      resolve(code === 0 ? { text, version: /^\w+ version (\S+)/m.exec(banner)?.[1] } : undefined),
    );
  });
}

/**
 * Whether a program is on the path. Starting ffprobe to see costs a tenth of a second where it is linked to many
 * libraries.
 */
export async function isOnPath(command: string): Promise<boolean> {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const ending of endings)
      if (
        await access(join(folder, command + ending), constants.X_OK).then(
          () => true,
          () => false,
        )
      )
        return true;
  return false;
}
