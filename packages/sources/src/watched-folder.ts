// Lists a folder again and again: which files are new there.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { nameSet } from '@deepearth/core/name-set';
import type { NameExpression } from './name-expression.ts';
import { isPicture, unlistable } from './picture-folder.ts';
import type { FileLook } from './stable-files.ts';

/** A folder that others write to. */
export interface WatchedFolder {
  /**
   * Pictures that are there and not yet done, as paths in the folder; none of a folder that seems not to have changed
   * since it was listed last. Throws an `InputError` where it cannot be listed.
   */
  fresh(): Promise<string[]>;
  /** How a file looks; `undefined` where it is gone. */
  look(file: string): Promise<FileLook | undefined>;
  /** Says that nothing more is to be done about a file. */
  done(file: string): void;
}

/** What of a folder is watched. */
export interface WatchedFolderOptions {
  readonly directory: string;
  /** Over file names without their folders; pictures by their ending unless told. */
  readonly pattern: NameExpression | undefined;
  readonly recursive: boolean;
}

/** Listings that a folder whose time of change stays the same is not listed for. */
const mostSkipped = 9;

/**
 * Of the files that are done it remembers some forty bytes each. A folder that says it has not changed is listed at
 * every tenth look alone; hidden files are none of ours: programs write into such before they rename.
 */
export function watchedFolder({ directory, pattern, recursive }: WatchedFolderOptions): WatchedFolder {
  const known = nameSet();
  const folders = new Map<string, { modified: number; skipped: number; below: readonly string[] }>();
  const wanted = (name: string): boolean => (pattern ? pattern.test(name) : isPicture(name));

  async function list(folder: string, found: string[]): Promise<void> {
    const path = join(directory, folder);
    const before = folders.get(folder);
    const modified = (await stat(path)).mtimeMs;
    let below = before?.below ?? [];
    if (before?.modified === modified && before.skipped < mostSkipped) before.skipped++;
    else {
      const entries = await readdir(path, { withFileTypes: true });
      const named = (name: string): string => (folder === '' ? name : `${folder}/${name}`);
      const inside: string[] = [];
      for (const entry of entries) {
        if (entry.name.startsWith('.')) continue;
        if (entry.isDirectory()) inside.push(named(entry.name));
        else if (wanted(entry.name) && !known.has(named(entry.name))) found.push(named(entry.name));
      }
      below = recursive ? inside : [];
      folders.set(folder, { modified, skipped: 0, below });
    }
    for (const each of below)
      await list(each, found).catch((error: unknown) => {
        // A folder below that is gone takes its files with it; one that comes back is listed anew.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        folders.delete(each);
      });
  }

  return {
    async fresh() {
      const found: string[] = [];
      try {
        await list('', found);
      } catch (cause) {
        // What was found of it before is not lost.
        if (found.length === 0) throw await unlistable(directory, cause);
      }
      return found;
    },
    async look(file) {
      const found = await stat(join(directory, file)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
        throw error;
      });
      return found && { bytes: found.size, modified: found.mtimeMs };
    },
    done: (file) => void known.add(file),
  };
}
