// The moment that a camera wrote into a picture.

import type { PictureExif } from '@deepearth/vision/picture-exif';
import { instantOf, nanosecondsOf, type Instant } from './instant.ts';
import { minutesOf } from './time-in-name.ts';

/** When a camera says that it took a picture. */
export interface ExifTime {
  readonly instant: Instant;
  /** Whether it wrote down no offset. */
  readonly local: boolean;
}

/** The separators are spaces and colons in EXIF, and others in files of some programs. */
const written =
  /^(?<year>[12]\d{3})[:/-](?<month>\d\d)[:/-](?<day>\d\d)[ T](?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d):(?<second>[0-5]\d|60)/;

/**
 * `DateTimeOriginal` of EXIF data with its fraction of a second and its offset; `timeZone` counts where there is no
 * offset. `undefined` where the picture carries none, or one that is no date: a clock that was never set writes zeros.
 */
export function exifTime(exif: PictureExif | undefined, timeZone: string): ExifTime | undefined {
  const clock = written.exec(exif?.dateTimeOriginal ?? '')?.groups;
  if (!exif || !clock) return undefined;
  const part = (name: string): number => Number(clock[name]);
  const { subSecTimeOriginal: fraction, offsetTimeOriginal: offset } = exif;
  const zoned = /^(?:Z|[+-]\d\d:?\d\d)$/.test(offset);
  const instant = instantOf(
    {
      year: part('year'),
      month: part('month'),
      day: part('day'),
      hour: part('hour'),
      minute: part('minute'),
      second: part('second'),
      nanosecond: /^\d+$/.test(fraction) ? nanosecondsOf(fraction) : 0,
      ...(zoned && { offsetMinutes: minutesOf(offset) }),
    },
    timeZone,
  );
  return instant === undefined ? undefined : { instant, local: !zoned };
}
