// Finds the picture files of a folder, and of the folders in it.

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { closest, InputError } from '@deepearth/core';
import { fileTrouble } from '@deepearth/core/file-trouble';
import { isRemote, listRemote, remotePath } from '@deepearth/runtime/remote-file';
import type { NameExpression } from './name-expression.ts';

/** Endings of the picture files that can be read. */
export const pictureEndings = ['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.avif'] as const;

const natural = new Intl.Collator('en', { numeric: true });
/**
 * Order for people: frame2 before frame10; equal but for case or zeros falls back to code units, so that it is the same
 * everywhere.
 */
export const byName = (a: string, b: string): number => natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

/** Which files of a folder are wanted. */
export interface FolderOptions {
  readonly directory: string;
  /** Over file names without their folders; pictures by their ending unless told. */
  readonly pattern?: NameExpression | undefined;
  /** Whether the folders in it are looked through too. */
  readonly recursive?: boolean | undefined;
}

/**
 * Picture files in natural order, as paths in the folder with forward slashes. Throws an `InputError` for a missing or
 * empty folder and for one without pictures; it says what is there instead.
 */
export async function findPictures({ directory, pattern, recursive = false }: FolderOptions): Promise<string[]> {
  const { files, folders } = await readFolder(directory, recursive);
  if (files.length === 0) {
    const only = folders.length > 0 && !recursive;
    throw new InputError(
      directory,
      only ? `holds no files, only the folders ${some(folders)}.` : folders.length ? 'holds no files.' : 'is empty.',
      {
        code: 'E_NO_FRAMES',
        remedy: only
          ? 'Name one of them, or take each of them for a sequence with `recursive: true`.'
          : `Put pictures there (${pictureEndings.join(', ')}), or name another folder.`,
      },
    );
  }
  const wanted = (path: string): boolean => (pattern ? pattern.test(basename(path)) : isPicture(path));
  const pictures = files.filter(wanted).sort(byName);
  if (pictures.length > 0) return pictures;
  throw new InputError(
    directory,
    `holds no ${pattern ? `file whose name fits the pattern ${JSON.stringify(pattern.source)}` : `pictures (${pictureEndings.join(', ')})`}; there ${files.length === 1 ? 'is 1 file' : `are ${files.length} files`}: ${some(files)}.`,
    { code: 'E_NO_FRAMES', remedy: pattern ? 'Change `pattern`.' : (otherSource(files) ?? 'Name another folder.') },
  );
}

/** Which source reads the first file, of those for other kinds of files. */
function otherSource(files: readonly string[]): string | undefined {
  const ending = extname(files[0]!).toLowerCase();
  const [source] = Object.entries(others).find(([, endings]) => endings.includes(ending)) ?? [];
  return source && `Files like ${basename(files[0]!)} are read by ${source}.`;
}

const others: Readonly<Record<string, readonly string[]>> = {
  'source/video': ['.gif', '.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.mts', '.ts', '.wmv'],
  'source/netcdf': ['.nc', '.nc4'],
  'source/features': ['.safetensors', '.pt'],
  'source/list': ['.csv', '.jsonl'],
};

/** Whether a name has the ending of a picture. */
export const isPicture = (path: string): boolean =>
  (pictureEndings as readonly string[]).includes(extname(path).toLowerCase());

/** Files and folders of a folder, without hidden ones; files of folders in it where `recursive`. */
async function readFolder(directory: string, recursive: boolean): Promise<{ files: string[]; folders: string[] }> {
  if (isRemote(directory)) return readPrefix(directory, recursive);
  let entries;
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (cause) {
    throw await unlistable(directory, cause);
  }
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entries.sort((a, b) => byName(a.name, b.name))) {
    if (entry.name.startsWith('.')) continue;
    // Links to folders are not followed: they may lead back.
    if (entry.isSymbolicLink() && (await stat(resolve(directory, entry.name)).catch(() => undefined))?.isDirectory())
      continue;
    if (entry.isDirectory() && (recursive || !isPicture(entry.name))) folders.push(entry.name);
    // Broken links, pipes and folders that are called like pictures stay in the list: reading them says what they are.
    else files.push(entry.name);
  }
  if (recursive)
    for (const folder of folders) {
      const inside = await readFolder(join(directory, folder), true);
      for (const file of inside.files) files.push(`${folder}/${file}`);
    }
  return { files, folders };
}

/** The same for a prefix of a bucket: what stands before a slash is a folder. */
async function readPrefix(directory: string, recursive: boolean): Promise<{ files: string[]; folders: string[] }> {
  const paths = await listRemote(directory);
  const folders = new Set(paths.flatMap((path) => (path.includes('/') ? [path.split('/', 1)[0]!] : [])));
  return { files: recursive ? paths : paths.filter((path) => !path.includes('/')), folders: [...folders] };
}

/** The path of a file of a folder, or its address. */
export const pathIn = (directory: string, file: string): string =>
  isRemote(directory) ? remotePath(directory, file) : join(directory, file);

/** Why a folder cannot be listed, by what `readdir` threw. */
export async function unlistable(directory: string, cause: unknown): Promise<InputError> {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT')
    return new InputError(directory, 'there is no such folder.', {
      code: 'E_FOLDER_MISSING',
      cause,
      remedy: await nearestFolder(directory),
    });
  if (code === 'ENOTDIR')
    return new InputError(directory, 'is a file, not a folder of frames.', {
      code: 'E_NOT_A_FOLDER',
      cause,
      remedy: `Name the folder it is in: ${dirname(directory)}.`,
    });
  return new InputError(directory, fileTrouble(cause)?.finding ?? `cannot be listed (${code ?? String(cause)}).`, {
    code: 'E_FOLDER_UNREADABLE',
    cause,
    remedy: 'Check that you may read it.',
  });
}

async function nearestFolder(directory: string): Promise<string> {
  const full = resolve(directory);
  const siblings = await readdir(dirname(full), { withFileTypes: true }).catch(() => undefined);
  if (!siblings) return `Its parent ${dirname(full)} does not exist either; relative paths start at ${resolve('.')}.`;
  const guess = closest(
    basename(full),
    siblings.filter((entry) => entry.isDirectory()).map(({ name }) => name),
  );
  return guess
    ? `Did you mean ${directory.slice(0, directory.length - basename(directory).length)}${guess}?`
    : `Relative paths start at ${resolve('.')}.`;
}

/** The first few of a list, and how many more there are. */
export const some = (names: readonly string[], most = 5): string =>
  `${names.slice(0, most).join(', ')}${names.length > most ? ` and ${names.length - most} more` : ''}`;
