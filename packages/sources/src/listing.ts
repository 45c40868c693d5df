// Lists the pictures of a folder as sequences of numbered frames, and finds gaps and duplicates in them.

import { basename, dirname, resolve } from 'node:path';
import { InputError } from '@deepearth/core';
import { readHeaders, type FrameHeaders } from './frame-headers.ts';
import { findGaps, type Gaps } from './gaps.ts';
import { isTimeZone, secondsBetween } from './instant.ts';
import { nameExpression } from './name-expression.ts';
import { orderFrames, type ListedFrame, type Order, type OrderedFrames } from './order-frames.ts';
import { pauseName } from './pauses.ts';
import { byName, findPictures } from './picture-folder.ts';

/** Which files of a folder are listed. */
export interface ListingOptions {
  readonly directory: string;
  /** A regular expression over file names; the group `number`, or else the first group, is the frame number. */
  readonly pattern?: string | undefined;
  /**
   * A regular expression over file names with named groups: year, month, day, hour, minute, second, fraction, or epoch.
   */
  readonly time?: string | undefined;
  readonly order?: Order | undefined;
  /** For times without an offset: an IANA name or an offset. Default "UTC". */
  readonly timeZone?: string | undefined;
  /** Whether the folders in the folder are read too, each as a sequence, or as one. */
  readonly recursive?: boolean | 'one' | undefined;
  /** A longer pause than this between two frames begins a new sequence. */
  readonly maxGapSeconds?: number | undefined;
  /** Seconds from one number to the next, where times come from numbers. */
  readonly intervalSeconds?: number | undefined;
  /** Name of the sequence of the folder itself. Default: its name. */
  readonly sequence?: string | undefined;
  /** Whether each picture of a file of several is a frame; only the first unless "all". */
  readonly pages?: 'all' | 'first' | undefined;
  readonly first?: number | undefined;
  readonly last?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a folder holds of one sequence, before any picture is decoded. */
export interface SequenceListing extends Gaps, Pick<OrderedFrames, 'order' | 'reason' | 'leftOut' | 'warnings'> {
  readonly name: string;
  /** In order; only those with a number from `first` to `last`, and one of each number. */
  readonly files: readonly ListedFrame[];
  /** Pairs of files with the same number. */
  readonly duplicates: readonly (readonly [kept: ListedFrame, other: ListedFrame])[];
}

/** What a folder holds. */
export interface Listing {
  /** In natural order of their names; where one was split at pauses, in order of time. */
  readonly sequences: readonly SequenceListing[];
  readonly headers: FrameHeaders;
}

/**
 * Lists a folder. Throws an `InputError` for a missing or empty folder, one without pictures (it says what is there
 * instead), an expression that fits nothing, and a range that holds no frame; a `RangeError` for a time zone that is
 * none.
 */
export async function listFrames(options: ListingOptions): Promise<Listing> {
  const { directory, sequence, timeZone = 'UTC', recursive, order, signal, maxGapSeconds } = options;
  if (!isTimeZone(timeZone)) throw new RangeError(`there is no time zone ${JSON.stringify(timeZone)}`);
  const pattern = options.pattern === undefined ? undefined : nameExpression(options.pattern);
  const time = options.time === undefined ? undefined : nameExpression(options.time);
  const own = sequence ?? (basename(resolve(directory)) || 'frames');
  const groups = new Map<string, string[]>();
  const pictures = await findPictures({ directory, pattern, recursive: Boolean(recursive) });
  const headers = await readHeaders(directory, pictures, signal);
  for (const file of pictures) {
    const name = sequenceOfFile(file, { own, sequence, recursive });
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  const sequences: SequenceListing[] = [];
  let range: { total: number; low: number; high: number } | undefined;
  for (const [name, files] of [...groups].sort(([a], [b]) => byName(a, b))) {
    const inFiles = await orderFrames(files, {
      directory,
      pattern,
      time,
      order,
      timeZone,
      signal,
      severalFolders: new Set(files.map((file) => dirname(file))).size > 1,
    });
    const ordered = withPages(inFiles, headers, options);
    const numbers = ordered.frames.map(({ number }) => number);
    range = {
      total: (range?.total ?? 0) + numbers.length,
      low: numbers.reduce((least, number) => Math.min(least, number), range?.low ?? Infinity),
      high: numbers.reduce((most, number) => Math.max(most, number), range?.high ?? -Infinity),
    };
    const listed = listingOf(name, ordered, options);
    if (listed.files.length > 0) sequences.push(...(maxGapSeconds === undefined ? [listed] : split(listed, options)));
  }
  if (sequences.length === 0) throw nothingInRange(directory, range!, options.first, options.last);
  return { sequences, headers };
}

/**
 * A folder of the DCF standard for cameras (JEITA CP-3461): "100MEDIA" in "DCIM". The camera goes on in the next one.
 */
const cameraFolders = /^(?:DCIM|[1-9]\d\d[A-Z0-9_]{5})$/;

/** The sequence of a file by the folder that it is in; `own` is that of the folder itself. */
export function sequenceOfFile(
  file: string,
  { own, sequence, recursive }: Pick<ListingOptions, 'sequence' | 'recursive'> & { readonly own: string },
): string {
  const folder = recursive === 'one' ? '' : withoutCameraFolders(dirname(file));
  return folder === '' ? own : sequence === undefined ? folder : `${sequence}/${folder}`;
}

/** Folders that are one camera's own count as the folder that holds them. */
const withoutCameraFolders = (folder: string): string =>
  folder
    .split('/')
    .filter((name) => name !== '.' && !cameraFolders.test(name))
    .join('/');

/**
 * Each picture of a file of several as a frame; frames are then numbered by position. Where only the first counts, a
 * warning says what is not read.
 */
function withPages(ordered: OrderedFrames, headers: FrameHeaders, { pages = 'first' }: ListingOptions): OrderedFrames {
  const pagesOf = ({ file }: ListedFrame): number => headers.get(file)?.pages ?? 1;
  const several = ordered.frames.filter((frame) => pagesOf(frame) > 1);
  const [first] = several;
  if (!first) return ordered;
  if (pages === 'first') {
    const files = several.length === 1 ? `${first.file} holds` : `${several.length} files hold`;
    const warning = `${files} further pictures (${pagesOf(first)} in ${first.file}), of which only the first is read`;
    return { ...ordered, warnings: [...ordered.warnings, warning] };
  }
  const frames = ordered.frames.flatMap((frame) =>
    pagesOf(frame) === 1 ? [frame] : Array.from({ length: pagesOf(frame) }, (_, page) => ({ ...frame, page })),
  );
  return {
    ...ordered,
    reason: `${ordered.reason}, every picture of a file of several`,
    frames: frames.map((frame, number) => ({ ...frame, number })),
  };
}

function listingOf(name: string, ordered: OrderedFrames, { first, last }: ListingOptions): SequenceListing {
  const { order, reason, frames, leftOut, warnings } = ordered;
  const files: ListedFrame[] = [];
  const duplicates: [ListedFrame, ListedFrame][] = [];
  const kept = new Map<number, ListedFrame>();
  for (const frame of frames) {
    if (frame.number < (first ?? -Infinity) || frame.number > (last ?? Infinity)) continue;
    const before = kept.get(frame.number);
    if (before) duplicates.push([before, frame]);
    else {
      files.push(frame);
      kept.set(frame.number, frame);
    }
  }
  const numbers = files.map(({ number }) => number).sort((a, b) => a - b);
  return {
    name,
    order,
    reason,
    files,
    leftOut,
    warnings,
    duplicates,
    ...(numbers.length ? findGaps(numbers, first, last) : { gaps: [], missing: 0, step: 1 }),
  };
}

/** Cuts a sequence where the pause between two frames is too long; the parts are named after their beginning. */
function split(
  listed: SequenceListing,
  { maxGapSeconds, intervalSeconds, directory }: ListingOptions,
): SequenceListing[] {
  const pause = (a: ListedFrame, b: ListedFrame): number => {
    if (a.instant !== undefined && b.instant !== undefined) return secondsBetween(a.instant, b.instant);
    if (intervalSeconds !== undefined) return (b.number - a.number) * intervalSeconds;
    throw new InputError(directory, '`maxGapSeconds` needs to know when frames were taken, and nothing says so.', {
      code: 'E_NO_TIME',
      remedy: 'Say with `time` where names carry it, or give `intervalSeconds`.',
    });
  };
  const parts: ListedFrame[][] = [];
  listed.files.forEach((frame, i) => {
    if (i === 0 || pause(listed.files[i - 1]!, frame) > maxGapSeconds!) parts.push([frame]);
    else parts.at(-1)!.push(frame);
  });
  if (parts.length === 1) return [listed];
  return parts.map((files, i): SequenceListing => {
    const [{ instant, number }] = files as [ListedFrame];
    return {
      ...listed,
      name: pauseName(listed.name, instant ?? number),
      files,
      gaps: [],
      missing: 0,
      // What was left out belongs to no part more than to another.
      ...(i > 0 && { duplicates: [], leftOut: [], warnings: [] }),
    };
  });
}

const nothingInRange = (
  directory: string,
  { total, low, high }: { readonly total: number; readonly low: number; readonly high: number },
  first: number | undefined,
  last: number | undefined,
): InputError =>
  new InputError(
    directory,
    `has no frame from ${first ?? 'the start'} to ${last ?? 'the end'}; its ${total} frames are numbered ${low} to ${high}.`,
    { code: 'E_NO_FRAMES', remedy: 'Change `first` and `last`.' },
  );
