// Looks at a folder again and again, and tells which of its files are whole and what became of the others.

import { join } from 'node:path';
import { InputError, type StageContext } from '@deepearth/core';
import { fileError } from '@deepearth/core/file-trouble';
import { nameExpression } from './name-expression.ts';
import { same, stableFiles, type FileLook, type WaitingFile } from './stable-files.ts';
import type { WatchOptions } from './watch-options.ts';
import type { CountOddity } from './watch-tally.ts';
import { watchedFolder } from './watched-folder.ts';

/** A folder that is watched. Times are seconds of a clock that only goes forward. */
export interface FolderWatch {
  /**
   * Looks at what is new, at what is waited for and at what was sent last. Throws an `InputError` where the folder
   * cannot be listed and the idle time is over.
   */
  look(now: number): Promise<void>;
  /** All files that are waited for, those that are whole first. */
  waiting(now: number): { readonly whole: readonly WaitingFile[]; readonly unfinished: readonly WaitingFile[] };
  isWaiting(file: string): boolean;
  /** How a file looks now; `undefined` where it is gone. */
  lookAt(file: string): Promise<FileLook | undefined>;
  /** Says that nothing more is to be done about a file; one that was `sent` is looked at for some time. */
  done(file: string, sent?: FileLook): void;
  /** Says that a file looks otherwise than when it was taken to be whole; without `look` it is gone. */
  changed(file: string, look: FileLook | undefined, now: number): void;
  /** Says that a file is not whole although it is quiet: it has more time. */
  notWhole(file: string): void;
  /** Seconds since something came, or changed; 0 while a file is waited for. */
  idleSeconds(now: number): number;
}

/** Files that are looked at together. */
const together = 16;
/** Files that were sent last and are looked at again. */
const mostRecent = 8;

/** Starts at `now` without having looked. */
export function folderWatch(
  { options, signal, log }: Pick<StageContext<WatchOptions>, 'options' | 'signal' | 'log'>,
  count: CountOddity,
  now: number,
): FolderWatch {
  const { directory, pattern, recursive, stableSeconds, patienceSeconds, idleEndSeconds = Infinity } = options;
  const folder = watchedFolder({
    directory,
    recursive,
    pattern: pattern === undefined ? undefined : nameExpression(pattern),
  });
  const files = stableFiles();
  const recent = new Map<string, FileLook>();
  let lastChange = now;
  let trouble: string | undefined;

  const isWhole = ({ quietSeconds, tried, bytes }: WaitingFile): boolean =>
    quietSeconds >= (tried || bytes === 0 ? Math.max(stableSeconds, patienceSeconds) : stableSeconds);

  /** Says once what hinders the watch; it goes on, as disks of the network come back. */
  function hindered(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (trouble !== message) log.warn(message);
    trouble = message;
  }

  /** `undefined` where the folder cannot be listed for the moment. */
  async function fresh(at: number): Promise<readonly string[] | undefined> {
    try {
      const found = await folder.fresh();
      if (trouble !== undefined) log.info(`${directory}: can be listed again`);
      trouble = undefined;
      return found;
    } catch (error) {
      if (!(error instanceof InputError) || error.code === 'E_NOT_A_FOLDER') throw error;
      if (at - lastChange >= idleEndSeconds) throw error;
      hindered(error);
      return undefined;
    }
  }

  async function see(file: string, at: number): Promise<void> {
    const found = await folder.look(file).catch((error: unknown) => {
      hindered(fileError(error, join(directory, file)));
      return 'unknown' as const;
    });
    if (found === 'unknown') return;
    const sent = recent.get(file);
    if (sent) {
      if (!found || same(found, sent)) return;
      recent.delete(file);
      count('rewritten', file);
    } else if (found || files.has(file)) changed(file, found, at);
  }

  function changed(file: string, look: FileLook | undefined, at: number): void {
    if (!look) {
      files.forget(file);
      count('vanished', file);
    } else if (files.see(file, look, at)) lastChange = at;
  }

  return {
    async look(at) {
      const found = await fresh(at);
      if (!found) return;
      const all = [...new Set([...found, ...files.waiting(at).map(({ file }) => file), ...recent.keys()])];
      for (let start = 0; start < all.length; start += together) {
        signal.throwIfAborted();
        await Promise.all(all.slice(start, start + together).map((file) => see(file, at)));
      }
    },
    waiting(at) {
      const all = files.waiting(at);
      return { whole: all.filter(isWhole), unfinished: all.filter((file) => !isWhole(file)) };
    },
    isWaiting: (file) => files.has(file),
    lookAt: (file) => folder.look(file),
    done(file, sent) {
      files.forget(file);
      folder.done(file);
      if (!sent) return;
      recent.set(file, sent);
      if (recent.size > mostRecent) recent.delete(recent.keys().next().value!);
    },
    changed,
    notWhole: (file) => files.tried(file),
    idleSeconds: (at) => (files.size > 0 ? 0 : at - lastChange),
  };
}
