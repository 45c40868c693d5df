// Says where each file of a watched folder belongs among the others.

import { basename, join } from 'node:path';
import { pictureExif } from '@deepearth/vision/picture-exif';
import { exifTime } from './exif-time.ts';
import { frameNumber, numberDigits, stemOf } from './frame-numbers.ts';
import type { Instant } from './instant.ts';
import { nameExpression, type NameExpression } from './name-expression.ts';
import { byName } from './picture-folder.ts';
import { readerOf, timesInNames, type NameReader } from './time-in-name.ts';
import type { WatchOptions, WatchOrder } from './watch-options.ts';

/** What is known of a file's place from its name, before it is opened. */
export interface FilePlace {
  readonly instant?: Instant;
  /** The number that its name has, where that is the number of its frame. */
  readonly number?: number;
}

/** How the files of a folder are ordered, chosen once. */
export interface FileOrder {
  readonly order: WatchOrder;
  /** For people: "time (date and time in the names, taken to be in UTC)". */
  readonly reason: string;
  /** Whether a file's name alone says its place, also while it is being written. */
  readonly inNames: boolean;
  /** `undefined` for a file that has nothing to be ordered by. */
  placeOf(file: string): Promise<FilePlace | undefined>;
  /**
   * Compares two files of a sequence: negative where the first comes before. 0 where nothing but their coming says so.
   */
  compare(a: FilePlace & { readonly file: string }, b: FilePlace & { readonly file: string }): number;
}

type Asked = Pick<WatchOptions, 'directory' | 'order' | 'pattern' | 'time' | 'timeZone'>;

const inTime = (a: FilePlace, b: FilePlace): number => (a.instant! < b.instant! ? -1 : a.instant! > b.instant! ? 1 : 0);

/** Files whose EXIF data are looked at; they go by it where half of them have a time there. */
const mostLooked = 16;

/** Chooses by the options and the first files there are; of those, `whole` are no longer written to. */
export async function fileOrder(
  files: readonly string[],
  whole: readonly string[],
  { directory, order, pattern: source, time, timeZone }: Asked,
): Promise<FileOrder> {
  const pattern = source === undefined ? undefined : nameExpression(source);
  const numberOf = (file: string): Pick<FilePlace, 'number'> => {
    const digits = pattern && numberDigits(file, pattern);
    return digits === undefined ? {} : { number: frameNumber(digits, join(directory, file)) };
  };
  const byTime = (
    reason: string,
    inNames: boolean,
    instantOf: (file: string) => Promise<Instant | undefined>,
  ): FileOrder => ({
    order: 'time',
    reason: `time (${reason})`,
    inNames,
    async placeOf(file) {
      const instant = await instantOf(file);
      return instant === undefined ? undefined : { instant, ...numberOf(file) };
    },
    compare: inTime,
  });
  const named = (what: string, read: NameReader, textOf: (file: string) => string): FileOrder => {
    const local = files.some((file) => read(textOf(file), timeZone)?.local);
    return byTime(
      `${what}${local ? `, taken to be in ${timeZone}` : ''}`,
      true,
      async (file) => read(textOf(file), timeZone)?.instant,
    );
  };
  if (time !== undefined)
    return named('the time that `time` finds in the names', readerOf(nameExpression(time)), (file) => basename(file));
  if (order === 'number') return byNumber(pattern, directory);
  if (order === 'name')
    return {
      order,
      reason: 'name',
      inNames: true,
      placeOf: async (file) => numberOf(file),
      compare: (a, b) => byName(a.file, b.file),
    };
  const found = order === 'arrival' ? undefined : timesInNames(files.map(stemOf), timeZone);
  if (found) return named(`${found.what} in the names`, found.read, stemOf);
  const taken = async (file: string) => exifTime(await pictureExif(join(directory, file)), timeZone);
  // Folders list their files in any order: no single one decides.
  const looked = order === 'arrival' ? [] : [...whole].sort(byName).slice(0, mostLooked);
  const times = (await Promise.all(looked.map(taken))).filter((each) => each !== undefined);
  const first = 2 * times.length >= looked.length ? times[0] : undefined;
  if (first || order === 'time')
    return byTime(
      `the time in EXIF${first?.local ? `, taken to be in ${timeZone}` : ''}`,
      false,
      async (file) => (await taken(file))?.instant,
    );
  return {
    order: 'arrival',
    reason: order === 'arrival' ? 'arrival' : 'arrival (neither names nor EXIF data say when pictures were taken)',
    inNames: false,
    placeOf: async (file) => numberOf(file),
    compare: () => 0,
  };
}

/** The last digits of names, or what `pattern` finds. */
const byNumber = (pattern: NameExpression | undefined, directory: string): FileOrder => ({
  order: 'number',
  reason: `number (${pattern ? 'that `pattern` finds' : 'the last digits of the names'})`,
  inNames: true,
  async placeOf(file) {
    const digits = numberDigits(file, pattern);
    return digits === undefined ? undefined : { number: frameNumber(digits, join(directory, file)) };
  },
  compare: (a, b) => a.number! - b.number!,
});
