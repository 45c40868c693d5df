// Moments to the nanosecond: from a calendar and a clock, and as ISO 8601.

import { tzOffset } from '@date-fns/tz/tzOffset';

/** Nanoseconds since 1970-01-01T00:00:00Z. */
export type Instant = bigint;

/** A date and a time as somebody wrote them down. */
export interface WallClock {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 60 in a leap second. */
  readonly second: number;
  readonly nanosecond: number;
  /** East of Greenwich; absent where it was not written down. */
  readonly offsetMinutes?: number;
}

const perSecond = 1_000_000_000n;

/**
 * The moment that a wall clock shows; `timeZone` (an IANA name or an offset such as "+02:00") counts where the clock
 * has no offset of its own. An hour that comes twice (the end of summer time) is the first of the two. `undefined` for
 * a date that is none, such as 30 February.
 */
export function instantOf(clock: WallClock, timeZone: string): Instant | undefined {
  const { year, month, day, hour, minute, second, nanosecond, offsetMinutes } = clock;
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const minutes = offsetMinutes ?? offsetAt(local, timeZone);
  return BigInt(local - minutes * 60_000) * 1_000_000n + BigInt(nanosecond);
}

/** The offset of a zone, in minutes, when its clocks show `local` (milliseconds, as if they showed UTC). */
function offsetAt(local: number, timeZone: string): number {
  const day = 86_400_000;
  const before = tzOffset(timeZone, new Date(local - day));
  const after = tzOffset(timeZone, new Date(local + day));
  // Of the two offsets around a change, that of before holds where it agrees with itself.
  for (const offset of [before, after])
    if (tzOffset(timeZone, new Date(local - offset * 60_000)) === offset) return offset;
  return before;
}

/** Whether there is such a time zone. */
export const isTimeZone = (timeZone: string): boolean => {
  try {
    return !Number.isNaN(tzOffset(timeZone, new Date(0)));
  } catch {
    return false;
  }
};

/** "2024-02-22T10:15:00Z", with as many digits of a second (0, 3, 6 or 9) as it takes. */
export function isoOf(instant: Instant): string {
  const nanoseconds = ((instant % perSecond) + perSecond) % perSecond;
  const seconds = (instant - nanoseconds) / perSecond;
  const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const digits = String(nanoseconds)
    .padStart(9, '0')
    .replace(/(?:000){1,3}$/, '');
  return `${date}${digits && `.${digits}`}Z`;
}

/** Seconds from one moment to another. */
export const secondsBetween = (from: Instant, to: Instant): number => Number(to - from) / 1e9;

/**
 * A moment out of an epoch time: seconds (with a fraction), milliseconds, microseconds or nanoseconds, told by their
 * digits.
 */
export function instantOfEpoch(digits: string, fraction = ''): Instant | undefined {
  const unit = ({ 13: 1_000_000n, 16: 1000n, 19: 1n } as Record<number, bigint>)[digits.length];
  if (fraction && unit) return undefined;
  return BigInt(digits) * (unit ?? perSecond) + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
}

/** The first nine digits of a fraction of a second, as nanoseconds. */
export const nanosecondsOf = (fraction: string | undefined): number =>
  Number((fraction ?? '').slice(0, 9).padEnd(9, '0'));
