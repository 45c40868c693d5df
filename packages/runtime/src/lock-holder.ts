// Who holds a lock, and whether it still can.

import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, as its lock names it. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /**
   * Where process numbers mean the same: the boot of a machine and the namespace (a container) in it. Absent where the
   * system does not say.
   */
  readonly space?: string;
  /** When the process began, in ticks since the boot, so that a number given again is not taken for it. */
  readonly start?: string;
  /** Tells two locks of one process apart. */
  readonly token: string;
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** Field 22 of `/proc/PID/stat` (proc(5)); the name of the program before it may hold anything, brackets too. */
function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function ownSpace(): string | undefined {
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim();
  try {
    return boot && `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

/** This process. */
export function ownHolder(token: string): Holder {
  const [space, start] = [ownSpace(), startOf(process.pid)];
  return { pid: process.pid, host: hostname(), ...(space && { space }), ...(start && { start }), token };
}

/**
 * Whether a holder runs, as far as this machine can tell: `undefined` where only its lock can, because it runs
 * elsewhere, in another container, or on a system that gives process numbers again without saying so.
 */
export function isRunning(holder: Holder, own: Holder): boolean | undefined {
  if (holder.space !== undefined && own.space !== undefined) {
    if (holder.space !== own.space) return undefined;
    return exists(holder.pid) && (holder.start === undefined || startOf(holder.pid) === holder.start);
  }
  if (holder.host !== own.host) return undefined;
  return exists(holder.pid) ? undefined : false;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
