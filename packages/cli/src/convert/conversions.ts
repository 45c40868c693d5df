// Which files a conversion reads, and what each of them becomes.

import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { tensorFormats, type TensorFormat } from '@deepearth/formats/convert';

/** One file, and the one that it becomes. */
export interface Conversion {
  readonly from: string;
  readonly to: string;
  readonly format: TensorFormat;
  /** Of the file that is read, in bytes. */
  readonly size: number;
}

const usage = (message: string, remedy: string): DeepEarthError =>
  new DeepEarthError(message, { code: 'E_USAGE', remedy });

const ending = new RegExp(`\\.(${tensorFormats.join('|')})$`);
const endingOf = (path: string): TensorFormat | undefined => ending.exec(path)?.[1] as TensorFormat | undefined;
const formatList = tensorFormats.map((format) => `.${format}`).join(', ');

/**
 * What is to be converted: one file, or the files of a folder and the folders in it (hidden ones aside) in the order of
 * their names. `to` is a file with the ending of a format, or a folder with `format`. Throws a `DeepEarthError` for
 * what is unclear (`E_USAGE`) and for files that are there already unless `force` (`E_FILE_EXISTS`), an `InputError`
 * where there is nothing to read.
 */
export async function planConversions(
  from: string,
  to: string,
  { format, force }: { readonly format: TensorFormat | undefined; readonly force: boolean },
): Promise<readonly Conversion[]> {
  const found = await stat(from).catch((cause: unknown) => {
    throw new InputError(from, 'there is no such file or folder.', { code: 'E_FILE_MISSING', cause });
  });
  const conversions = found.isDirectory()
    ? await ofFolder(from, to, format)
    : [await ofFile(from, found.size, to, format)];
  await refuseMeetings(conversions, force);
  return conversions;
}

async function ofFile(from: string, size: number, to: string, format: TensorFormat | undefined): Promise<Conversion> {
  const isFolder =
    to.endsWith('/') ||
    to.endsWith(sep) ||
    (await stat(to).then(
      (there) => there.isDirectory(),
      () => false,
    ));
  const named = isFolder ? undefined : endingOf(to);
  if (named !== undefined && format !== undefined && named !== format)
    throw usage(`${to} ends in .${named}, and --to says ${format}.`, 'Leave --to out, or name another file.');
  if (named !== undefined) return { from, to, format: named, size };
  if (format === undefined)
    throw usage(
      `${to} does not say which format is wanted.`,
      `Name a file that ends in ${formatList}, or give --to with a folder.`,
    );
  return { from, to: join(to, renamed(basename(from), format)), format, size };
}

async function ofFolder(from: string, to: string, format: TensorFormat | undefined): Promise<readonly Conversion[]> {
  if (format === undefined)
    throw usage(
      `${from} is a folder, so the format has to be said.`,
      `Give --to with one of ${tensorFormats.join(', ')}.`,
    );
  if (endingOf(to) !== undefined)
    throw usage(`${from} is a folder and ${to} is named like a file.`, 'Name a folder that the results go to.');
  const names = (await readdir(from, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && endingOf(entry.name) !== undefined)
    .map((entry) => join(entry.parentPath, entry.name).slice(join(from, sep).length))
    .filter((name) => !name.split(sep).some((part) => part.startsWith('.')))
    .sort();
  if (names.length === 0)
    throw new InputError(from, `holds no files that end in ${formatList}.`, { code: 'E_NO_TENSORS' });
  const conversions: Conversion[] = [];
  for (const name of names)
    conversions.push({
      from: join(from, name),
      to: join(to, renamed(name, format)),
      format,
      size: (await stat(join(from, name))).size,
    });
  return conversions;
}

const renamed = (name: string, format: TensorFormat): string => `${name.replace(/\.[^./\\]+$/, '')}.${format}`;

async function refuseMeetings(conversions: readonly Conversion[], force: boolean): Promise<void> {
  const sources = new Map<string, string>();
  for (const { from, to } of conversions) {
    const former = sources.get(to);
    if (former !== undefined)
      throw usage(`${former} and ${from} would both become ${to}.`, 'Convert them into folders of their own.');
    sources.set(to, from);
  }
  const there: string[] = [];
  for (const { from, to } of conversions) {
    const [source, target] = await Promise.all([realpath(from), realpath(to).catch(() => undefined)]);
    if (target === undefined) continue;
    if (source === target)
      throw usage(`${to} would be written over the file that is read.`, 'Name another file or folder.');
    there.push(to);
  }
  if (there.length && !force)
    throw new DeepEarthError(
      `${there[0]}${there.length > 1 ? ` and ${there.length - 1} more are` : ' is'} there already.`,
      { code: 'E_FILE_EXISTS', remedy: 'Name another, or replace it with --force.' },
    );
}
