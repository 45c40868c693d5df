// Lists the pictures of a folder as a numbered sequence, and finds gaps and duplicates in it.

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { closest, InputError } from '@deepearth/core';

/** Endings of the picture files that can be read. */
export const pictureEndings = ['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.avif'] as const;

/** Which files of a folder are listed. */
export interface ListingOptions {
  readonly directory: string;
  /** A regular expression over file names; the group `number`, or else the first group, is the frame number. */
  readonly pattern?: string | undefined;
  readonly first?: number | undefined;
  readonly last?: number | undefined;
}

/** A file and the frame number that its name gives it. */
export interface NumberedFile {
  /** Name inside the folder. */
  readonly file: string;
  readonly number: number;
}

/** What a folder holds, before any picture is opened. */
export interface Listing {
  /** By number, then in natural order of names; only those from `first` to `last`. */
  readonly files: readonly NumberedFile[];
  /** Pictures whose names hold no number although other names do; they are left out. */
  readonly unnumbered: readonly string[];
  /** Missing numbers as ranges, in steps of `step`: `[[618, 618], [630, 640]]`. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
  /** How many numbers are missing. */
  readonly missing: number;
  /** What neighbouring numbers usually differ by: 10 for frames 0, 10, 20, 40. */
  readonly step: number;
  /** Pairs of files with the same number. */
  readonly duplicates: readonly (readonly [kept: NumberedFile, other: NumberedFile])[];
}

const natural = new Intl.Collator('en', { numeric: true });
/**
 * Order for people: frame2 before frame10; equal but for case or zeros falls back to code units, so that it is the same
 * everywhere.
 */
export const byName = (a: string, b: string): number => natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

/**
 * Lists a folder. Throws an `InputError` for a missing or empty folder, one without pictures (it says what is there
 * instead), a pattern that fits nothing, and a range that holds no frame.
 */
export async function listFrames({ directory, pattern, first, last }: ListingOptions): Promise<Listing> {
  const names = await readNames(directory);
  const expression = pattern === undefined ? undefined : compile(pattern);
  const pictures = names
    .filter((name) =>
      expression ? expression.test(name) : (pictureEndings as readonly string[]).includes(extname(name).toLowerCase()),
    )
    .sort(byName);
  if (pictures.length === 0) throw nothingFits(directory, names, pattern);

  const numbers = pictures.map((name) => numberOf(name, expression, directory));
  const unnumbered = pictures.filter((_, i) => numbers[i] === undefined);
  // A folder of plain names is a sequence too: the order of its names is its numbering.
  const everyone = unnumbered.length === pictures.length;
  const all = pictures.flatMap((file, i) =>
    everyone ? [{ file, number: i }] : numbers[i] === undefined ? [] : [{ file, number: numbers[i] }],
  );
  const inRange = all
    .filter(({ number }) => number >= (first ?? -Infinity) && number <= (last ?? Infinity))
    .sort((a, b) => a.number - b.number || byName(a.file, b.file));
  if (inRange.length === 0) throw nothingInRange(directory, all, first, last);

  const files: NumberedFile[] = [];
  const duplicates: [NumberedFile, NumberedFile][] = [];
  for (const entry of inRange) {
    const before = files.at(-1);
    if (before?.number === entry.number) duplicates.push([before, entry]);
    else files.push(entry);
  }
  return {
    files,
    unnumbered: everyone ? [] : unnumbered,
    duplicates,
    ...findGaps(
      files.map(({ number }) => number),
      first,
      last,
    ),
  };
}

/** Missing numbers of an ascending sequence; `first` and `last` widen it where the user named them. */
export function findGaps(
  numbers: readonly number[],
  first?: number,
  last?: number,
): Pick<Listing, 'gaps' | 'missing' | 'step'> {
  let step = 0;
  for (let i = 1; i < numbers.length; i++) step = gcd(step, numbers[i]! - numbers[i - 1]!);
  step ||= 1;
  const gaps: [number, number][] = [];
  const note = (from: number, to: number) => {
    if (from <= to) gaps.push([from, to]);
  };
  const [start, end] = [numbers[0]!, numbers.at(-1)!];
  if (first !== undefined) note(start - Math.floor((start - first) / step) * step, start - step);
  for (let i = 1; i < numbers.length; i++) note(numbers[i - 1]! + step, numbers[i]! - step);
  if (last !== undefined) note(end + step, end + Math.floor((last - end) / step) * step);
  return { gaps, step, missing: gaps.reduce((n, [from, to]) => n + (to - from) / step + 1, 0) };
}

/** For people: `618, 630–640 and 3 more ranges`. */
export function formatGaps(gaps: Listing['gaps'], most = 8): string {
  const shown = gaps.slice(0, most).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
  const rest = gaps.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more ${rest === 1 ? 'range' : 'ranges'}` : ''}`;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

async function readNames(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(async (cause: unknown) => {
    throw await unlistable(directory, cause);
  });
  const names: string[] = [];
  // A link to a picture counts; a broken one is kept, so that reading it says so instead of leaving it out.
  for (const entry of entries)
    if (
      entry.isFile() ||
      (entry.isSymbolicLink() && !(await stat(resolve(directory, entry.name)).catch(() => undefined))?.isDirectory())
    )
      names.push(entry.name);
  if (names.length === 0) {
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    throw new InputError(
      directory,
      folders.length ? `holds no files, only the folders ${some(folders)}.` : 'is empty.',
      {
        code: 'E_NO_FRAMES',
        remedy: folders.length
          ? 'Name one of them.'
          : `Put pictures there (${pictureEndings.join(', ')}), or name another folder.`,
      },
    );
  }
  return names.filter((name) => !name.startsWith('.')).sort(byName);
}

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
  return new InputError(directory, `cannot be listed (${code ?? String(cause)}).`, {
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

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (cause) {
    throw new InputError(pattern, 'is no regular expression.', { code: 'E_PATTERN', cause });
  }
}

function numberOf(name: string, expression: RegExp | undefined, directory: string): number | undefined {
  const match = expression ? expression.exec(name) : undefined;
  const digits = expression
    ? (match?.groups?.['number'] ?? match?.[1])
    : name.slice(0, name.length - extname(name).length).match(/\d+(?=\D*$)/)?.[0];
  if (digits === undefined) return undefined;
  const number = /^\d+$/.test(digits) ? Number(digits) : NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new InputError(
    `${directory}/${name}`,
    `its frame number would be ${JSON.stringify(digits)}, which is ${Number.isNaN(number) ? 'no number' : 'too large'}.`,
    {
      code: 'E_PATTERN',
      remedy: 'Say with `pattern` where the number stands, for example "frame_(\\\\d+)".',
    },
  );
}

const some = (names: readonly string[], most = 5): string =>
  `${names.slice(0, most).join(', ')}${names.length > most ? ` and ${names.length - most} more` : ''}`;

const nothingFits = (directory: string, names: readonly string[], pattern: string | undefined): InputError =>
  new InputError(
    directory,
    `holds no ${pattern === undefined ? `pictures (${pictureEndings.join(', ')})` : `file whose name fits the pattern ${JSON.stringify(pattern)}`}; there are ${names.length} files: ${some(names)}.`,
    {
      code: 'E_NO_FRAMES',
      remedy: pattern === undefined ? 'Name another folder.' : 'Change `pattern`.',
    },
  );

const nothingInRange = (
  directory: string,
  all: readonly NumberedFile[],
  first: number | undefined,
  last: number | undefined,
): InputError => {
  const numbers = all.map(({ number }) => number).sort((a, b) => a - b);
  return new InputError(
    directory,
    `has no frame from ${first ?? 'the start'} to ${last ?? 'the end'}; its ${all.length} frames are numbered ${numbers[0]} to ${numbers.at(-1)}.`,
    {
      code: 'E_NO_FRAMES',
      remedy: 'Change `first` and `last`.',
    },
  );
};
