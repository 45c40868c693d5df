// The one date of a run, which the files of the Python scripts say in several places.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';

/** A date in UTC, to the microsecond as Python prints it. */
export interface RunDate {
  /** "2026-11-23T16:48:23.431000" */
  readonly iso: string;
  /** "20261123_164823" */
  readonly compact: string;
}

const usage = (message: string, remedy: string): DeepEarthError =>
  new DeepEarthError(message, { code: 'E_USAGE', remedy });

/** The date of an instant. */
export const runDate = (instant: Date): RunDate => {
  const iso = instant.toISOString().replace('Z', '000');
  return { iso, compact: iso.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_') };
};

/** An ISO date; one without an offset is in UTC. Throws a usage error for another text. */
export function parseDate(text: string): RunDate {
  const found = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.exec(text);
  const instant = new Date(found && !found[1] ? `${text.replace(' ', 'T')}${text.length > 10 ? 'Z' : ''}` : text);
  if (!found || Number.isNaN(instant.getTime()))
    throw usage(`--date: expected a date, got ${JSON.stringify(text)}.`, 'Write it as 2026-11-23T16:48:23.');
  return runDate(instant);
}

/**
 * The date that `--date` says, else `SOURCE_DATE_EPOCH`, else that of the run that is resumed in the folder, else now.
 * Throws a usage error for a date that is none.
 */
export async function chooseDate({
  date,
  env,
  resumed,
  now,
}: {
  readonly date?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The output folder of the run that goes on. */
  readonly resumed?: string | undefined;
  readonly now: Date;
}): Promise<RunDate> {
  if (date !== undefined) return parseDate(date);
  const { SOURCE_DATE_EPOCH: epoch } = env;
  if (epoch) {
    if (!/^\d{1,12}$/.test(epoch))
      throw usage(
        `SOURCE_DATE_EPOCH: expected whole seconds since 1970, got ${JSON.stringify(epoch)}.`,
        'Unset it, or give --date.',
      );
    return runDate(new Date(Number(epoch) * 1000));
  }
  const former = resumed === undefined ? undefined : await formerDate(resumed);
  return former ?? runDate(now);
}

/** Where a run notes its date while it goes, so that a killed one keeps it too. */
export const dateFile = (output: string): string => join(output, '.deepearth', 'date');

async function formerDate(output: string): Promise<RunDate | undefined> {
  const noted = await readFile(dateFile(output), 'utf8').catch(() => undefined);
  if (noted !== undefined && /^\d{4}-\d\d-\d\dT[\d:.]+$/.test(noted)) return parseDate(noted);
  const text = await readFile(join(output, 'manifest.json'), 'utf8').catch(() => undefined);
  const found = /"(?:extraction_timestamp|startedAt|processing_date)":\s*"(\d{4}-\d\d-\d\dT[\d:.]+)"/.exec(text ?? '');
  return found ? parseDate(found[1]!) : undefined;
}
