// Runs a job as a command in a process of its own: what blocks, leaks or dies there does not take the worker with it,
// whose event loop stays free to renew the locks of its jobs.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How far a job is. */
export interface JobProgress {
  readonly stage: string;
  readonly step?: string;
  readonly done: number;
  readonly total: number | null;
}

/** How a command ended that did not do its work. */
export class CommandFailed extends Error {
  /** The stable code of the error, where the command told it. */
  readonly code: string | undefined;
  constructor(message: string, code: string | undefined) {
    super(message);
    this.name = 'CommandFailed';
    this.code = code;
  }
}

/** How a command is run. */
export interface CommandOptions {
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
  readonly onProgress?: (progress: JobProgress) => void;
}

/** Exit statuses of a run that made its results: all of them, or all but skipped items. */
const success = new Set([0, 3]);
/** How much of what a command says last is kept as its reason. */
const reasonCharacters = 2000;
/** After this long a command that was told to stop is ended. */
const graceMilliseconds = 10_000;

/**
 * Runs a command that prints one JSON line for each event of a run. Returns its exit status, 0 or 3. Throws a
 * `CommandFailed` with its error event, else with what it said last on stderr; and the signal's reason when it was
 * stopped for that.
 */
export async function runCommand(
  [program, ...args]: readonly [string, ...string[]],
  { signal, env, onProgress }: CommandOptions,
): Promise<number> {
  signal.throwIfAborted();
  // The channel closes when this process dies, however it does, and the command ends then, too.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], ...(env && { env }) });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-reasonCharacters)));
  let code: string | undefined;
  let reason: string | undefined;
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const event = parsed(line);
    if (event?.type === 'error') ({ code, message: reason } = event);
    const progress = event && progressOf(event);
    if (progress) onProgress?.(progress);
  });
  let ending: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    ending = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds);
  };
  signal.addEventListener('abort', stop);
  try {
    const [status, killed] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on('error', reject).on('close', (...end) => resolve(end));
    });
    if (status !== null && success.has(status)) return status;
    signal.throwIfAborted();
    const how = killed ? `was ended by ${killed}` : `ended with ${status}`;
    throw new CommandFailed(`${how}: ${(reason ?? said).trim().slice(-reasonCharacters) || 'it said nothing.'}`, code);
  } finally {
    clearTimeout(ending);
    signal.removeEventListener('abort', stop);
  }
}

interface EventLine {
  readonly type?: string;
  readonly code?: string;
  readonly message?: string;
  readonly stage?: string;
  readonly step?: string;
  readonly done?: number;
  readonly out?: number;
  readonly total?: number | null;
}

function parsed(line: string): EventLine | undefined {
  try {
    return JSON.parse(line) as EventLine;
  } catch {
    return undefined;
  }
}

function progressOf({ type, stage = '', step, done, out, total = null }: EventLine): JobProgress | undefined {
  if (type === 'progress') return { stage, ...(step !== undefined && { step }), done: done ?? 0, total };
  return type === 'item' ? { stage, done: out ?? 0, total: null } : undefined;
}
