// Temporary files of the cache: named after the process that writes them, removed when it is gone.

import { readlinkSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { lineage } from '@deepearth/core/lineage';

/**
 * Of another machine or container nobody can say whether a process lives there; what it has not touched for a day is
 * dead.
 */
const foreignMilliseconds = 24 * 3600 * 1000;

/** Where process numbers mean the same: the machine, and the container in it. */
function ownPlace(): string {
  let space = '';
  try {
    space = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Other systems have one space of process numbers.
  }
  return lineage(hostname(), space).slice(0, 8);
}
const place = ownPlace();

let count = 0;
/** Those that this process is writing. */
const live = new Set<string>();

/** A name beside `path` that nobody else takes; given back with `release`. */
export function temporaryFor(path: string): { readonly path: string; release(): void } {
  const temporary = `${path}.${place}-${process.pid}-${count++}.part`;
  live.add(temporary);
  return { path: temporary, release: () => void live.delete(temporary) };
}

/** Removes temporary files in a folder that no process writes any more. What cannot be looked at or removed stays. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (name.endsWith('.part') && !live.has(path) && (await isAbandoned(name, path)))
      await rm(path, { force: true }).catch(() => undefined);
  }
}

async function isAbandoned(name: string, path: string): Promise<boolean> {
  const [, where, pid] = /\.([0-9a-f]{8})-(\d+)-\d+\.part$/.exec(name) ?? [];
  if (where === place && (Number(pid) === process.pid || !isAlive(Number(pid)))) return true;
  const about = await stat(path).catch(() => undefined);
  return about !== undefined && about.isFile() && Date.now() - about.mtimeMs > foreignMilliseconds;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
