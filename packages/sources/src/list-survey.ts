// Goes through a list once, before anything of it is read: how many frames of which sequences, and what is wrong.

import { InputError } from '@deepearth/core';
import { nameSet } from '@deepearth/core/name-set';
import type { PictureHeader } from '@deepearth/vision/picture-header';
import { headerOf } from './frame-file.ts';
import {
  notUnderstood,
  readList,
  type BadRow,
  type ListEntry,
  type ListReading,
  type OtherMedia,
} from './list-entries.ts';
import type { ListOptions } from './list-options.ts';
import type { RowsOptions } from './list-rows.ts';
import { byName } from './picture-folder.ts';

/** What a list holds. */
export interface ListSurvey {
  readonly reading: ListReading;
  /** In natural order of their names, with how many frames each has. */
  readonly sequences: ReadonlyMap<string, number>;
  readonly total: number;
  /** Rows that cannot become frames: how many, and the first of them. */
  readonly bad: { readonly count: number; readonly first: readonly BadRow[] };
  /** Rows of videos and sounds, by their media type. */
  readonly otherMedia: ReadonlyMap<string, number>;
  /** How many times have no offset from UTC. */
  readonly local: number;
  /** Pictures that were looked at, spread evenly over the list. */
  readonly sample: readonly SampledPicture[];
  /** The size of all that were looked at; absent where they differ, or none can be read. */
  readonly size?: Pick<PictureHeader, 'width' | 'height'>;
}

/** A picture of a list, and what its header says. */
export interface SampledPicture {
  readonly path: string;
  readonly header?: PictureHeader | undefined;
}

const mostSampled = 64;
/** How many mistakes are named. */
const mostNamed = 5;

/**
 * Reads all of a list, holding little of it. Throws an `InputError` as `readList` does, and for a list without a
 * picture.
 */
export async function surveyList(options: ListOptions, signal: AbortSignal): Promise<ListSurvey> {
  const reading = await readList(options, signal);
  const counts = new Map<string, number>();
  const first: BadRow[] = [];
  const otherMedia = new Map<string, number>();
  const sample = evenly(mostSampled);
  let [bad, total, local] = [0, 0, 0];
  for await (const line of distinctLines(reading, { signal })) {
    if ('problem' in line) {
      if (line.again && options.duplicates === 'first') continue;
      if (++bad <= mostNamed) first.push(line);
    } else if ('mediaType' in line) otherMedia.set(line.mediaType, (otherMedia.get(line.mediaType) ?? 0) + 1);
    else {
      counts.set(line.sequence, (counts.get(line.sequence) ?? 0) + 1);
      sample.see(line.path);
      total++;
      if (line.local) local++;
    }
  }
  if (total === 0)
    throw new InputError(
      options.path,
      first[0] ? `none of its rows is a frame; line ${first[0].line} ${first[0].problem}.` : 'lists no pictures.',
      {
        code: 'E_NO_FRAMES',
        remedy: first[0]?.problem.includes(notUnderstood)
          ? 'Say with `time` what stands where in a time, or with `columns` which column it is.'
          : 'Look at the columns: `columns` names them.',
      },
    );
  const looked = await Promise.all(
    sample.taken().map(async (path): Promise<SampledPicture> => ({ path, header: await headerOf(path, signal) })),
  );
  const sizes = looked.flatMap(({ header }) => header ?? []);
  const [size] = sizes;
  const same = size && sizes.every(({ width, height }) => width === size.width && height === size.height);
  return {
    reading,
    sequences: new Map([...counts].sort(([a], [b]) => byName(a, b))),
    total,
    bad: { count: bad, first },
    otherMedia,
    local,
    sample: looked,
    ...(same && { size: { width: size.width, height: size.height } }),
  };
}

/** What comes of a row; `again` where it repeats the picture or the number of one before it. */
export type ListedLine = (ListEntry & { readonly local?: boolean }) | (BadRow & { readonly again?: true }) | OtherMedia;

/** The lines of a list; a row of a picture or a number that its sequence has already becomes a mistake. */
export async function* distinctLines(reading: ListReading, options: RowsOptions): AsyncGenerator<ListedLine> {
  const pictures = nameSet();
  const numbers = nameSet();
  const pictureOf = ({ sequence, path }: ListEntry): string => `${sequence}\n${path}`;
  const numberOf = ({ sequence, number }: ListEntry): string => `${sequence}\n${number}`;
  let searches = 0;
  /**
   * The line of the first row that has what a later one repeats. Each search reads the list anew, so only a few are
   * made.
   */
  const before = async (entry: ListEntry, nameOf: typeof pictureOf): Promise<string> => {
    if (++searches > mostNamed) return 'an earlier line';
    const name = nameOf(entry);
    for await (const line of reading.lines({ signal: options.signal }))
      if ('path' in line && nameOf(line) === name) return `line ${line.line}`;
    return 'an earlier line';
  };
  for await (const line of reading.lines(options)) {
    if (!('path' in line)) yield line;
    else if (!pictures.add(pictureOf(line)))
      yield { line: line.line, problem: `repeats the picture of ${await before(line, pictureOf)}`, again: true };
    else if (line.number !== undefined && !numbers.add(numberOf(line)))
      yield {
        line: line.line,
        problem: `repeats the number ${line.number} of ${await before(line, numberOf)}`,
        again: true,
      };
    else yield line;
  }
}

/** Takes up to `most` of what it sees, at equal distances: every one, then every second, … */
function evenly(most: number) {
  let taken: string[] = [];
  let [step, seen] = [1, 0];
  return {
    see(path: string): void {
      if (seen++ % step !== 0) return;
      if (taken.length === most) {
        taken = taken.filter((_, index) => index % 2 === 0);
        step *= 2;
        if ((seen - 1) % step !== 0) return;
      }
      taken.push(path);
    },
    taken: (): readonly string[] => taken,
  };
}
