// Puts the pictures of one sequence in order and numbers them: by time, by number, or by name.

import { basename, extname } from 'node:path';
import { InputError } from '@deepearth/core';
import { pictureExif } from '@deepearth/vision/picture-exif';
import { exifTime, type ExifTime } from './exif-time.ts';
import { frameNumber, lastDigits, numberDigits, stemOf } from './frame-numbers.ts';
import { isoOf, type Instant } from './instant.ts';
import type { NameExpression } from './name-expression.ts';
import { byName, pathIn, some } from './picture-folder.ts';
import { readerOf, timesInNames, type NameTime } from './time-in-name.ts';

/** What a sequence is ordered by. */
export const orders = ['time', 'number', 'name'] as const;
/** By time, by number or by name. */
export type Order = (typeof orders)[number];

/** A picture file with its place in the sequence. */
export interface ListedFrame {
  /** Path in the folder of the source, with forward slashes. */
  readonly file: string;
  readonly number: number;
  /** Which picture of a file of several, from 0. */
  readonly page?: number;
  /** When it was taken, where that is known. */
  readonly instant?: Instant;
}

export interface OrderOptions {
  readonly directory: string;
  /** Its group `number`, or else its first group, is the frame number. */
  readonly pattern?: NameExpression | undefined;
  /** Its named groups say when a picture was taken. */
  readonly time?: NameExpression | undefined;
  /** What to order by; found out unless told. */
  readonly order?: Order | undefined;
  /** For times that were written down without an offset. */
  readonly timeZone: string;
  /** Whether the files lie in several folders of one camera, in each of which it may have begun to count again. */
  readonly severalFolders?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The pictures of a sequence in order. */
export interface OrderedFrames {
  readonly order: Order;
  /** Why it is that one, for people. */
  readonly reason: string;
  /** In order. Two of one number stand next to one another. */
  readonly frames: readonly ListedFrame[];
  /** Pictures without what the others are ordered by; they are left out. */
  readonly leftOut: readonly string[];
  /** Worth a warning: times and numbers that disagree, pictures without a time. */
  readonly warnings: readonly string[];
}

interface Timed {
  readonly file: string;
  readonly instant: Instant;
  /** Tells pictures of one moment apart. */
  readonly rest: string;
  /** Whether it is that of a clock without an offset. */
  readonly local: boolean;
}

interface Times {
  /** Where they come from, for people: "date and time in the names". */
  readonly from: string;
  readonly timed: readonly Timed[];
  readonly untimed: readonly string[];
}

/**
 * Orders files by what is known of them: times (of the expression `time`, in names, in EXIF), else numbers, else names
 * in natural order. Ordered by time or name, the number of a frame is its position from 0, unless `pattern` has one.
 * Throws an `InputError` when `order` asks for what the files do not have.
 */
export async function orderFrames(files: readonly string[], options: OrderOptions): Promise<OrderedFrames> {
  const { order, directory, pattern, severalFolders = false } = options;
  const times = await timesOf(files, options);
  if (order === 'time' && times.timed.length === 0)
    throw new InputError(
      directory,
      `${files.length === 1 ? 'its picture says' : `its ${files.length} pictures say`} nowhere when they were taken.`,
      {
        code: 'E_NO_TIME',
        remedy: 'Say with `time` where names carry it, or use another `order`.',
      },
    );
  if (order === 'time' || (order === undefined && times.timed.length > 0)) return byTime(times, options);
  const digits = files.map((file) => numberDigits(file, pattern));
  const numbered =
    digits.some((found) => found !== undefined) && (order === 'number' || pattern !== undefined || !severalFolders);
  return order === 'name' || !numbered ? byNames(files, times, options) : byNumber(files, digits, times, options);
}

const inTime = (a: Timed, b: Timed): number => (a.instant < b.instant ? -1 : a.instant > b.instant ? 1 : 0);

function byTime({ from, timed, untimed }: Times, { pattern, timeZone, severalFolders }: OrderOptions): OrderedFrames {
  const inOrder = [...timed].sort((a, b) => inTime(a, b) || byName(a.rest, b.rest) || byName(a.file, b.file));
  const digits = inOrder.map(({ file }) => numberDigits(file, pattern));
  const counted = pattern !== undefined && digits.every((found) => found !== undefined);
  const zone = timed.some(({ local }) => local) ? `, taken to be in ${timeZone}` : '';
  return {
    order: 'time',
    reason: `${from}${zone}`,
    frames: inOrder.map(({ file, instant }, index) => ({
      file,
      instant,
      number: counted ? frameNumber(digits[index]!, file) : index,
    })),
    leftOut: untimed,
    warnings: [...disagreement(inOrder, pattern, 'ordered by time'), ...(severalFolders ? [] : atEachMoment(inOrder))],
  };
}

function byNames(files: readonly string[], times: Times, { order, severalFolders }: OrderOptions): OrderedFrames {
  const instants = new Map(times.timed.map(({ file, instant }) => [file, instant]));
  return {
    order: 'name',
    reason:
      order === 'name'
        ? 'as `order` says'
        : severalFolders
          ? 'the folders and files of one camera'
          : 'names carry neither times nor numbers',
    frames: [...files].sort(byName).map((file, number) => ({ file, number, ...instantOf(file, instants) })),
    leftOut: [],
    warnings: [],
  };
}

function byNumber(
  files: readonly string[],
  digits: readonly (string | undefined)[],
  times: Times,
  { order, pattern, directory }: OrderOptions,
): OrderedFrames {
  const instants = new Map(times.timed.map(({ file, instant }) => [file, instant]));
  const found = files.flatMap((file, i) =>
    digits[i] === undefined
      ? []
      : [{ file, number: frameNumber(digits[i], pathIn(directory, file)), ...instantOf(file, instants) }],
  );
  const inOrder = found.sort((a, b) => a.number - b.number || byName(a.file, b.file));
  return {
    order: 'number',
    reason:
      order === 'number'
        ? 'as `order` says'
        : pattern
          ? 'the number that `pattern` finds'
          : 'the last digits of the names',
    frames: inOrder,
    leftOut: files.filter((_, i) => digits[i] === undefined),
    warnings: [
      ...disagreement([...times.timed].sort(inTime), pattern, 'ordered by number'),
      ...(order === undefined && pattern === undefined ? againstNames(inOrder) : []),
      ...(order === undefined && times.untimed.length > 0 && times.untimed.length < files.length
        ? [
            `${times.untimed.length} of ${files.length} pictures carry no time (${some(times.untimed)}), so they are ordered by number`,
          ]
        : []),
    ],
  };
}

const instantOf = (file: string, instants: ReadonlyMap<string, Instant>): { readonly instant?: Instant } => {
  const instant = instants.get(file);
  return instant === undefined ? {} : { instant };
};

/** What says when the pictures were taken. */
async function timesOf(
  files: readonly string[],
  { time, timeZone, directory, order, signal }: OrderOptions,
): Promise<Times> {
  const names = (from: string, found: readonly (NameTime | undefined)[]): Times => ({
    from,
    timed: files.flatMap((file, i) => (found[i] ? [{ file, ...found[i] }] : [])),
    untimed: files.filter((_, i) => !found[i]),
  });
  if (time) {
    const read = readerOf(time);
    const found = files.map((file) => read(basename(file), timeZone));
    if (found.every((each) => each === undefined))
      throw new InputError(
        directory,
        `no name carries a time where \`time\` looks for it (${JSON.stringify(time.source)}); the first is ${basename(files[0]!)}.`,
        {
          code: 'E_NO_TIME',
          remedy: 'Correct `time`, or leave it out.',
        },
      );
    return names('the time that `time` finds in the names', found);
  }
  const found = timesInNames(files.map(stemOf), timeZone);
  if (found) return names(`${found.what} in the names`, found.times);
  return order === 'number' || order === 'name'
    ? { from: '', timed: [], untimed: files }
    : exifTimes(files, { directory, timeZone, signal });
}

/**
 * Times that cameras wrote. They are taken where every picture has one and they are not all the same, as a program
 * leaves them that has edited the pictures; the first and the last picture are asked before the others are opened.
 */
async function exifTimes(
  files: readonly string[],
  { directory, timeZone, signal }: Pick<OrderOptions, 'directory' | 'timeZone' | 'signal'>,
): Promise<Times> {
  const none: Times = { from: '', timed: [], untimed: files };
  const timeOf = async (file: string): Promise<ExifTime | undefined> =>
    exifTime(await pictureExif(pathIn(directory, file)), timeZone);
  const first = await timeOf(files[0]!);
  // Where the last one has a time, the first is one of a few that lack it, and that is said.
  if (first === undefined && (files.length === 1 || (await timeOf(files.at(-1)!)) === undefined)) return none;
  const times: (ExifTime | undefined)[] = [first];
  const together = 8;
  for (let start = 1; start < files.length; start += together) {
    signal?.throwIfAborted();
    times.push(...(await Promise.all(files.slice(start, start + together).map(timeOf))));
  }
  const timed = files.flatMap((file, i) => (times[i] ? [{ file, ...times[i], rest: stemOf(file) }] : []));
  const untimed = files.filter((_, i) => !times[i]);
  if (files.length > 1 && new Set(times.map((time) => time?.instant)).size === 1) return none;
  return untimed.length > 0 ? { ...none, untimed } : { from: 'the time in EXIF', timed, untimed };
}

/** Says where the last digits of names run against the names: those may be a time, or behind a decimal point. */
function againstNames(inOrder: readonly ListedFrame[]): string[] {
  const stems = inOrder.map(({ file }) => stemOf(file));
  const at = stems.findIndex((stem, i) => i > 0 && byName(stems[i - 1]!, stem) > 0);
  if (at < 0) return [];
  return [
    `numbers and names disagree: by its last digits ${basename(inOrder[at - 1]!.file)} comes before ${basename(inOrder[at]!.file)}; if those are no numbers of frames, say with \`pattern\` or \`time\` what stands where, or take \`order: name\``,
  ];
}

/** Says where each moment has the same several pictures: of two cameras, in several bands, a picture and its mask. */
function atEachMoment(inOrder: readonly Timed[]): string[] {
  const kinds = inOrder.map(({ file, rest }) => `${rest.trim()}${extname(file)}`);
  const moments = new Set(inOrder.map(({ instant }) => instant)).size;
  const different = [...new Set(kinds)];
  const together = new Set(inOrder.map(({ instant }, i) => `${instant} ${kinds[i]}`)).size;
  if (moments < 2 || different.length < 2 || together !== inOrder.length) return [];
  if (inOrder.length !== moments * different.length) return [];
  // Numbers of three digits and more count pictures: ten of a day, from 0001 on.
  if (new Set(different.map((kind) => kind.replaceAll(/\d{3,}/g, '#'))).size < different.length) return [];
  return [
    `each moment has ${different.length} pictures, as ${some(
      inOrder.slice(0, different.length).map(({ file }) => basename(file)),
      4,
    )}, and all become one sequence; where these are cameras, bands or masks, choose those of one kind with \`pattern\`, or give each kind a folder and read them with \`recursive: true\``,
  ];
}

/** Says where the numbers in the names run against the times. */
function disagreement(ordered: readonly Timed[], pattern: NameExpression | undefined, taken: string): string[] {
  const numbers = ordered.map(({ file, rest }) => {
    const digits = pattern ? numberDigits(file, pattern) : lastDigits(rest);
    return digits === undefined || !/^\d{1,15}$/.test(digits) ? undefined : Number(digits);
  });
  if (numbers.some((number) => number === undefined) || new Set(numbers).size < numbers.length) return [];
  const at = numbers.findIndex((number, i) => i > 0 && number! < numbers[i - 1]!);
  if (at < 0) return [];
  const [before, after] = [ordered[at - 1]!, ordered[at]!];
  const said = ({ file, instant }: Timed): string => `${basename(file)} (${isoOf(instant)})`;
  return [`times and numbers disagree: ${said(before)} was taken before ${said(after)}; ${taken}`];
}
