// Finds the video files that a path, a folder or a pattern names.

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { closestFile, InputError } from '@deepearth/core';
import { fileError } from '@deepearth/core/file-trouble';

/** Endings of files that are taken from a folder. */
export const videoEndings = [
  ...['.mp4', '.m4v', '.mov', '.mkv', '.webm', '.avi', '.mpg', '.mpeg', '.ts', '.m2ts', '.mts', '.wmv', '.flv', '.ogv'],
  ...['.3gp', '.mxf', '.gif', '.apng', '.webp'],
] as const;

/** A file, and what its sequence is called. */
export interface VideoFile {
  readonly path: string;
  readonly name: string;
}

const natural = new Intl.Collator('en', { numeric: true });
const byName = (a: string, b: string): number => natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

/**
 * Files in the order in which they are named; those of a folder or a pattern (`*`, `?`, `**` for folders in folders) in
 * natural order of their names. A file that several of them name is taken once. Throws an `InputError` for a path that
 * is not there, and for a folder or pattern without videos.
 */
export async function findVideos(named: string | readonly string[]): Promise<VideoFile[]> {
  const paths = new Map<string, string>();
  for (const path of typeof named === 'string' ? [named] : named)
    for (const found of await filesOf(path)) paths.set(resolve(found), paths.get(resolve(found)) ?? found);
  return namesOf([...paths.values()]);
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: unknown) => error as NodeJS.ErrnoException);
  if (found instanceof Error) {
    if (found.code !== 'ENOENT' && found.code !== 'ENOTDIR') throw fileError(found, path);
    if (/[*?]/.test(path)) return matching(path);
    throw await missing(path, found);
  }
  if (!found.isDirectory()) return [path];
  const inside = await readdir(path).catch((cause: unknown) => {
    throw fileError(cause, path);
  });
  const videos = inside.filter(isVideo).sort(byName);
  if (videos.length > 0) return videos.map((name) => join(path, name));
  throw new InputError(path, inside.length === 0 ? 'is empty.' : `holds no video (${videoEndings.join(', ')}).`, {
    code: 'E_NO_VIDEO',
    remedy: `Name a file, another folder, or a pattern such as \`${join(path, '**', '*.mp4')}\`.`,
  });
}

const isVideo = (name: string): boolean =>
  !name.startsWith('.') && (videoEndings as readonly string[]).includes(extname(name).toLowerCase());

/** The files that a pattern fits. */
async function matching(pattern: string): Promise<string[]> {
  const parts = pattern.split('/');
  const first = parts.findIndex((part) => /[*?]/.test(part));
  let found = [parts.slice(0, first).join('/') || (first === 0 ? '.' : '/')];
  for (const [i, part] of parts.entries()) {
    if (i < first) continue;
    const last = i === parts.length - 1;
    const next: string[] = [];
    for (const folder of found) {
      if (part === '**') next.push(folder, ...(await foldersIn(folder)));
      else if (!/[*?]/.test(part)) {
        const path = join(folder, part);
        if (await stat(path).catch(() => undefined)) next.push(path);
      } else
        for (const entry of await entriesOf(folder))
          if (fits(entry.name, part) && (last ? !entry.isDirectory() : entry.isDirectory()))
            next.push(join(folder, entry.name));
    }
    found = [...new Set(next)];
  }
  if (found.length > 0) return found.sort(byName);
  throw new InputError(pattern, 'fits no file.', {
    code: 'E_NO_VIDEO',
    remedy: `Look at the pattern; relative paths start at ${resolve('.')}.`,
  });
}

/** What a folder holds, hidden files left out; nothing where it cannot be listed. */
async function entriesOf(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter(({ name }) => !name.startsWith('.'));
}

/** Folders in a folder, and in those; links are not followed, since they may lead back. */
async function foldersIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await entriesOf(folder))
    if (entry.isDirectory()) {
      const path = join(folder, entry.name);
      found.push(path, ...(await foldersIn(path)));
    }
  return found;
}

/** Whether a name fits a pattern of `*` and `?`; in a time that grows with both lengths, not faster. */
function fits(name: string, pattern: string): boolean {
  let [at, to, star, from] = [0, 0, -1, 0];
  while (at < name.length) {
    if (pattern[to] === '*') [star, from] = [to++, at];
    else if (to < pattern.length && (pattern[to] === '?' || pattern[to] === name[at])) [at, to] = [at + 1, to + 1];
    else if (star >= 0) [to, at] = [star + 1, ++from];
    else return false;
  }
  while (pattern[to] === '*') to++;
  return to === pattern.length;
}

/** Why a path is not there, and which one may have been meant. */
async function missing(path: string, cause: unknown): Promise<InputError> {
  const siblings = await readdir(dirname(resolve(path))).catch(() => undefined);
  const guess = siblings && closestFile(basename(path), siblings);
  return new InputError(path, 'there is no such file or folder.', {
    code: 'E_FILE_MISSING',
    cause,
    remedy: guess ? `Did you mean ${join(dirname(path), guess)}?` : `Relative paths start at ${resolve('.')}.`,
  });
}

/** Each file's name without its ending; with its folders, and then with its ending, where two would be the same. */
function namesOf(paths: readonly string[]): VideoFile[] {
  const stem = (path: string): string => basename(path, extname(path)) || 'video';
  const whole = (path: string): string => path.replaceAll('\\', '/').replace(/^(?:\.{0,2}\/)+/, '');
  const candidates: ((path: string) => string)[] = [
    stem,
    (path) => join(dirname(whole(path)), stem(path)),
    whole,
    (path) => resolve(path).replace(/^\/+/, ''),
  ];
  const name = candidates.find((of) => new Set(paths.map(of)).size === paths.length) ?? candidates.at(-1)!;
  return paths.map((path) => ({ path, name: name(path) }));
}
