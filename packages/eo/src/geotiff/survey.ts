// Looks at the files of a series before any pixel is read: their order, their times, and what most of them have in
// common.

import { basename, dirname, extname, resolve } from 'node:path';
import { InputError } from '@deepearth/core';
import { findGaps, formatGaps, type Gaps } from '@deepearth/vision/gaps';
import { instantOf, isoOf, type Instant } from '@deepearth/vision/instant';
import { timesInNames } from '@deepearth/vision/time-in-name';
import { isHttp } from '../http-source.ts';
import { byName, findRasters } from './find-files.ts';
import { fileRef, type RasterRef } from './raster-ref.ts';
import { readFacts, usualOf, type ListedRaster, type RasterFacts, type SeriesSurvey } from './series-survey.ts';
import type { GeoTiffSourceOptions } from './source-options.ts';

/** The files of a series in order. */
export interface GeoTiffSurvey extends SeriesSurvey, Gaps {}

/** Throws an `InputError` where there are no files, or where `order: time` finds none. */
export async function surveyGeoTiffs(options: GeoTiffSourceOptions, signal: AbortSignal): Promise<GeoTiffSurvey> {
  const files = await listed(options);
  const refs = new Map(files.map((file) => [file, refOf(file, options)]));
  const found = await readFacts([...refs.values()], options, signal);
  const facts = new Map(files.flatMap((file, i) => (found[i] ? [[file, found[i]] as const] : [])));
  const times = timesOf(files, facts, options.timeZone);
  const { ordered, order } = inOrder(files, times, options);
  const numbers = numbersOf(ordered, times.rests);
  const gaps = numbers ? findGaps(numbers) : { gaps: [], missing: 0, step: 1 };
  const warnings = [...times.warnings];
  if (gaps.missing)
    warnings.push(
      `${gaps.missing} frame ${gaps.missing === 1 ? 'number is' : 'numbers are'} missing: ${formatGaps(gaps.gaps)}`,
    );
  const rasters = ordered.map((file, index): ListedRaster => {
    const instant = times.instants.get(file);
    const known = facts.get(file);
    return {
      name: file,
      ref: refs.get(file)!,
      number: numbers?.[index] ?? index,
      ...(instant !== undefined && { instant }),
      ...(known && { facts: known }),
    };
  });
  const usual = usualOf(rasters);
  return {
    ...gaps,
    order,
    warnings,
    series: [{ sequence: options.sequence ?? sequenceOf(ordered[0]!), rasters, ...(usual && { usual }) }],
  };
}

/** The files that are named, without those that are only masks of others. */
async function listed({ files: named, mask }: GeoTiffSourceOptions): Promise<string[]> {
  const files = await findRasters(named);
  const masks = new Set(files.flatMap((file) => maskOf(file, mask?.file) ?? []));
  const pictures = files.filter((file) => !masks.has(file));
  return pictures.length ? pictures : files;
}

/** The path of the mask of a file; `undefined` where the path has nothing that is replaced. */
function maskOf(
  file: string,
  named: NonNullable<GeoTiffSourceOptions['mask']>['file'] | undefined,
): string | undefined {
  if (named === undefined || typeof named === 'string') return named;
  const at = file.lastIndexOf(named.replace);
  return at < 0 ? undefined : `${file.slice(0, at)}${named.by}${file.slice(at + named.replace.length)}`;
}

function refOf(file: string, { mask }: GeoTiffSourceOptions): RasterRef {
  if (mask?.file === undefined) return fileRef(file);
  const beside = maskOf(file, mask.file);
  if (beside === undefined || beside === file)
    throw new InputError(file, 'has no mask: `mask.file` replaces nothing in its path.', {
      code: 'E_MASK',
      remedy: 'Leave the file out of `files` with a pattern such as "scenes/*_B4.TIF", or correct `replace`.',
    });
  return { parts: [{ uri: file }, { uri: beside, mask: true }], grid: { part: 0 }, resampling: 'nearest' };
}

/** The name of a file without folders and ending. */
const stemOf = (file: string): string => {
  const path = isHttp(file) ? new URL(file).pathname : file;
  return basename(path, extname(path));
};

function sequenceOf(file: string): string {
  if (isHttp(file)) return stemOf(file) || 'scene';
  return basename(dirname(resolve(file))) || 'scene';
}

interface Times {
  readonly instants: ReadonlyMap<string, Instant>;
  readonly from: string;
  /** Names without their times: numbers are looked for there. */
  readonly rests: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

const dayNanoseconds = 86_400_000_000_000n;

/**
 * Times of tags and of names; where they are of different days, those of names, as many programs write the day of
 * processing.
 */
function timesOf(files: readonly string[], facts: ReadonlyMap<string, RasterFacts>, timeZone: string): Times {
  const stems = files.map(stemOf);
  const inNames = timesInNames(stems, timeZone);
  const instants = new Map<string, Instant>();
  const rests = new Map<string, string>();
  const sources = new Set<string>();
  let apart = 0;
  for (const [i, file] of files.entries()) {
    const ofName = inNames?.times[i];
    rests.set(file, ofName?.rest ?? stems[i]!);
    const ofTag = instantOfTag(facts.get(file)?.time);
    const sameDay = ofName && ofTag !== undefined && Math.abs(Number(ofName.instant - ofTag)) <= Number(dayNanoseconds);
    if (ofName && ofTag !== undefined && !sameDay) apart++;
    if (ofTag !== undefined && (!ofName || sameDay)) {
      instants.set(file, ofTag);
      sources.add('TIFFTAG_DATETIME');
    } else if (ofName) {
      instants.set(file, ofName.instant);
      sources.add(`${inNames!.what} in the names`);
    }
  }
  return {
    instants,
    rests,
    from: [...sources].join(' and '),
    warnings: apart
      ? [
          `TIFFTAG_DATETIME of ${apart} of ${files.length} files is of another day than the name says; the names are taken`,
        ]
      : [],
  };
}

function instantOfTag(time: string | undefined): Instant | undefined {
  if (time === undefined) return undefined;
  const [year, month, day, hour, minute, second] = time.split(/\D/).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return instantOf({ year, month, day, hour, minute, second, nanosecond: 0 }, 'UTC');
}

function inOrder(
  files: readonly string[],
  { instants, from }: Times,
  { order, files: named }: GeoTiffSourceOptions,
): { readonly ordered: readonly string[]; readonly order: string } {
  const untimed = files.filter((file) => !instants.has(file));
  if (order === 'time' && untimed.length)
    throw new InputError(
      untimed[0]!,
      `says nowhere when it was taken, as ${untimed.length} of ${files.length} files.`,
      {
        code: 'E_NO_TIME',
        remedy: 'Leave them out, or use another `order`.',
      },
    );
  if (order === 'list') return { ordered: files, order: 'in the order of `files`' };
  if (order === 'name' || untimed.length) {
    const ordered = [...files].sort(byName);
    return {
      ordered,
      order:
        order === 'name'
          ? 'ordered by name'
          : `ordered by name (${untimed.length} of ${files.length} files carry no time)`,
    };
  }
  const time = (file: string): Instant => instants.get(file)!;
  const ordered = [...files].sort((a, b) => (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : byName(a, b)));
  const span = `${isoOf(time(ordered[0]!))} to ${isoOf(time(ordered.at(-1)!))}`;
  // Named for the message alone: a list of one file has no order.
  const several = Array.isArray(named) || files.length > 1;
  return { ordered, order: several ? `ordered by time (${from}): ${span}` : `taken at ${isoOf(time(ordered[0]!))}` };
}

/** The last digits of names, where all files have them and they grow along the order; else frames count from 0. */
function numbersOf(ordered: readonly string[], rests: ReadonlyMap<string, string>): readonly number[] | undefined {
  const numbers = ordered.map((file) => Number(/\d+(?=\D*$)/.exec(rests.get(file)!)?.[0] ?? NaN));
  const growing = numbers.every((number, i) => Number.isSafeInteger(number) && (i === 0 || number > numbers[i - 1]!));
  // One step of at least half of them: digits of another meaning (orbits, tiles) leap.
  const steps = numbers.slice(1).map((number, i) => number - numbers[i]!);
  const least = steps.reduce((a, b) => Math.min(a, b), Infinity);
  const usual = steps.filter((step) => step === least).length;
  return growing && numbers.length > 1 && usual * 2 >= steps.length ? numbers : undefined;
}
