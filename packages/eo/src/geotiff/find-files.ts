// Finds the files that a pipeline names: files, folders, patterns with `*`, and addresses.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@deepearth/core';
import { fileTrouble } from '@deepearth/core/file-trouble';
import { isHttp } from '../http-source.ts';

const natural = new Intl.Collator('en', { numeric: true });
/** Order for people: scene2 before scene10; the same everywhere. */
export const byName = (a: string, b: string): number => natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

/** What a folder stands for. */
interface Wanted {
  readonly endings: RegExp;
  /** For people: "TIFF (.tif, .tiff)". */
  readonly what: string;
  /** A pattern of such files, for people. */
  readonly pattern: string;
}
const tiffs: Wanted = { endings: /\.(?:tiff?|gtiff|btf)$/i, what: 'TIFF (.tif, .tiff)', pattern: 'scenes/**/*.tif' };
const isPattern = (text: string): boolean => /[*?]/.test(text);

/** The TIFFs that are named, as `findFiles` finds them. */
export const findRasters = (named: string | readonly string[]): Promise<string[]> => findFiles(named, tiffs);

/**
 * Paths and addresses in the order of the list, each part in natural order; what is named twice comes once. A folder
 * stands for the wanted files in it; in a pattern `*` and `?` fit within a name and `**` fits folders of any depth.
 * Throws an `InputError` for a folder that cannot be listed, and for a part that fits nothing.
 */
export async function findFiles(named: string | readonly string[], wanted: Wanted): Promise<string[]> {
  const found = new Set<string>();
  for (const part of typeof named === 'string' ? [named] : named)
    for (const file of await expand(part, wanted)) found.add(file);
  return [...found];
}

async function expand(part: string, { endings, what, pattern }: Wanted): Promise<string[]> {
  if (isHttp(part)) return [part];
  if (isPattern(part)) {
    const files = await matching(part);
    if (files.length) return files;
    throw new InputError(part, 'fits no file.', {
      code: 'E_NO_FRAMES',
      remedy: 'Look at the pattern: an asterisk stands for a part of a name, two for folders of any depth.',
    });
  }
  if (!(await stat(part).catch(() => undefined))?.isDirectory()) return [part];
  const files = (await list(part)).filter(({ folder, name }) => !folder && endings.test(name)).map(({ name }) => name);
  if (files.length) return files.sort(byName).map((name) => join(part, name));
  throw new InputError(part, `holds no ${what}.`, {
    code: 'E_NO_FRAMES',
    remedy: `Name another folder, or the files by a pattern such as "${pattern}".`,
  });
}

interface Entry {
  readonly name: string;
  readonly folder: boolean;
}

/** What a folder holds, without hidden files. Links to folders are not followed: they may lead back. */
async function list(folder: string): Promise<Entry[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter(({ name }) => !name.startsWith('.'))
      .map((entry) => ({ name: entry.name, folder: entry.isDirectory() }));
  } catch (cause) {
    throw new InputError(folder, fileTrouble(cause)?.finding ?? 'cannot be listed.', {
      code: 'E_FOLDER_UNREADABLE',
      remedy: 'Look at the path, and whether you may read it.',
      cause,
    });
  }
}

async function matching(pattern: string): Promise<string[]> {
  const parts = pattern.split(/[/\\]/);
  const first = parts.findIndex(isPattern);
  const base = parts.slice(0, first).join('/') || (pattern.startsWith('/') ? '/' : '.');
  const rest = parts.slice(first);
  const out: string[] = [];
  await walk(base, rest, out);
  return [...new Set(out)].sort(byName);
}

async function walk(folder: string, [part, ...rest]: readonly string[], out: string[]): Promise<void> {
  if (part === undefined) return;
  const entries = await list(folder);
  if (part === '**') {
    await walk(folder, rest.length ? rest : ['*'], out);
    for (const { name, folder: isFolder } of entries)
      if (isFolder) await walk(join(folder, name), ['**', ...rest], out);
    return;
  }
  const fits = expressionOf(part);
  for (const { name, folder: isFolder } of entries) {
    if (!fits.test(name)) continue;
    if (rest.length === 0) {
      if (!isFolder) out.push(join(folder, name));
    } else if (isFolder) await walk(join(folder, name), rest, out);
  }
}

/** Bounded in time: only `[^/]*` repeats, and none of them stands beside another. */
const expressionOf = (part: string): RegExp =>
  new RegExp(
    `^${part
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*+/g, '[^/]*')
      .replaceAll('?', '[^/]')}$`,
    'u',
  );
