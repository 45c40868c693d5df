// The moment that a camera wrote into a picture.

import { instantOf, nanosecondsOf, type Instant } from './instant.ts';
import { minutesOf } from './time-in-name.ts';

/** When a camera says that it took a picture. */
export interface ExifTime {
  readonly instant: Instant;
  /** Whether it wrote down no offset. */
  readonly local: boolean;
}

/**
 * `DateTimeOriginal` of EXIF data with its fraction of a second and its offset (EXIF 2.32, tags 36867, 37521 and 36881);
 * `timeZone` counts where there is no offset. `undefined` where the picture carries none that can be read.
 */
export async function exifTime(exif: Uint8Array | undefined, timeZone: string): Promise<ExifTime | undefined> {
  if (!exif) return undefined;
  const { default: read } = await import('exif-reader');
  let photo;
  try {
    photo = read(Buffer.from(exif.buffer, exif.byteOffset, exif.byteLength)).Photo;
  } catch {
    return undefined; // EXIF is an extra: pictures with a broken one are read all the same.
  }
  // The reader takes the camera's clock for UTC.
  const taken: unknown = photo?.DateTimeOriginal;
  if (!(taken instanceof Date) || Number.isNaN(taken.getTime())) return undefined;
  const text = (value: unknown): string => (typeof value === 'string' ? value.replaceAll('\0', '').trim() : '');
  const offset = text(photo?.OffsetTimeOriginal);
  const fraction = text(photo?.SubSecTimeOriginal);
  const zoned = /^(?:Z|[+-]\d\d:?\d\d)$/.test(offset);
  const instant = instantOf(
    {
      year: taken.getUTCFullYear(),
      month: taken.getUTCMonth() + 1,
      day: taken.getUTCDate(),
      hour: taken.getUTCHours(),
      minute: taken.getUTCMinutes(),
      second: taken.getUTCSeconds(),
      nanosecond: /^\d+$/.test(fraction) ? nanosecondsOf(fraction) : 0,
      ...(zoned && { offsetMinutes: minutesOf(offset) }),
    },
    timeZone,
  );
  return instant === undefined ? undefined : { instant, local: !zoned };
}
