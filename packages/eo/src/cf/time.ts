// Times of the CF conventions: numbers with units like "hours since 2024-01-01" and a calendar.

import { InputError } from '@deepearth/core';
import type { Attributes } from '../cube.ts';
import { calendarNames, calendarOf, prolepticGregorian, type Calendar } from './calendar.ts';

/** What numbers of a time axis mean. */
export interface TimeUnits {
  readonly calendar: Calendar;
  /** Microseconds that one number is. */
  readonly unit: number;
  /** Microseconds of the reference time, from the calendar's first day. */
  readonly reference: bigint;
}

const perDay = 86_400_000_000n;

const units: Readonly<Record<string, number>> = {
  nanosecond: 1e-3,
  microsecond: 1,
  millisecond: 1e3,
  second: 1e6,
  minute: 60e6,
  hour: 3600e6,
  day: 86_400e6,
  week: 7 * 86_400e6,
};
const short: Readonly<Record<string, string>> = {
  ns: 'nanosecond',
  us: 'microsecond',
  microsec: 'microsecond',
  ms: 'millisecond',
  msec: 'millisecond',
  millisec: 'millisecond',
  s: 'second',
  sec: 'second',
  min: 'minute',
  h: 'hour',
  hr: 'hour',
  d: 'day',
};

const remedy =
  'Write the times with `units` like "hours since 2024-01-01 00:00:00", or leave the variable for time out.';

/** Whether an array is a time axis by its units. */
export const isTime = ({ units: text }: Attributes): boolean => typeof text === 'string' && / since /i.test(text);

/**
 * The meaning of a variable's numbers, by its attributes `units` and `calendar`. Throws an `InputError` (E_CF_TIME)
 * that names `subject` and the text seen, for units of months and years (of no fixed length but in calendars of equal
 * months), a calendar that is not known, or a reference that is no date of its calendar.
 */
export function timeUnits(subject: string, { units: text, calendar: named }: Attributes): TimeUnits {
  const refuse = (why: string): never => {
    throw new InputError(subject, `${why}.`, { code: 'E_CF_TIME', remedy });
  };
  if (typeof text !== 'string') return refuse('has no `units` that say what its numbers are');
  const name = typeof named === 'string' ? named : 'standard';
  const calendar = calendarOf(name);
  if (!calendar) return refuse(`has the calendar ${JSON.stringify(name)}; known are ${calendarNames.join(', ')}`);
  const [, word = '', reference = ''] = /^\s*(\S+)\s+since\s+(.+?)\s*$/i.exec(text) ?? [];
  if (!word) return refuse(`has the units ${JSON.stringify(text)}`);
  const unit = unitOf(word.toLowerCase(), calendar);
  if (unit === undefined) return refuse(`has the units ${JSON.stringify(text)}, whose ${word} have no fixed length`);
  const origin = referenceTime(reference, calendar);
  if (origin === undefined)
    return refuse(`counts from ${JSON.stringify(reference)}, which is no date of the calendar ${calendar.name}`);
  return { calendar, unit, reference: origin };
}

function unitOf(word: string, { name }: Calendar): number | undefined {
  const one = word.length > 2 ? word.replace(/s$/, '') : word;
  const known = short[one] ?? one;
  if (name === '360_day' && (known === 'month' || known === 'year'))
    return units['day']! * (known === 'month' ? 30 : 360);
  return Object.hasOwn(units, known) ? units[known] : undefined;
}

/** "2024-01-01", "2024-1-1 06:00", "2024-03-10 12:00:00 -07:00", "1970-01-01T00:00:00Z". */
function referenceTime(text: string, calendar: Calendar): bigint | undefined {
  const match =
    /^([+-]?\d{1,6})-(\d{1,2})-(\d{1,2})(?:[T\s]+(\d{1,2})(?::(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?)?)?\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?$/i.exec(
      text,
    );
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', zone = 'Z'] = match;
  const number = calendar.numberOf([Number(year), Number(month), Number(day)]);
  if (number === undefined || Number(hour) > 24 || Number(minute) > 59 || Number(second) >= 61) return undefined;
  const offset = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone);
  const minutes = offset ? (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3] ?? 0)) : 0;
  const clock = Number(hour) * 60 + Number(minute) - minutes;
  return BigInt(number) * perDay + BigInt(clock) * 60_000_000n + BigInt(Math.round(Number(second) * 1e6));
}

/** Microseconds from the calendar's first day; `undefined` for NaN and infinities. */
export function momentOf(value: number | bigint, { unit, reference }: TimeUnits): bigint | undefined {
  if (typeof value === 'bigint')
    return reference + (unit < 1 ? value / BigInt(Math.round(1 / unit)) : value * BigInt(unit));
  if (!Number.isFinite(value)) return undefined;
  // The whole part and the fraction apart: their product with the unit would lose digits.
  const whole = Math.trunc(value);
  return unit < 1
    ? reference + BigInt(Math.round(value * unit))
    : reference + BigInt(whole) * BigInt(unit) + BigInt(Math.round((value - whole) * unit));
}

/** A moment in its own calendar: "2024-02-30T12:00:00Z", with as many digits of a second as it takes. */
export function dateText(moment: bigint, calendar: Calendar): string {
  const days = moment >= 0n ? moment / perDay : -((-moment + perDay - 1n) / perDay);
  const rest = Number(moment - days * perDay);
  const [year, month, day] = calendar.dayOf(Number(days));
  const [seconds, micros] = [Math.floor(rest / 1e6), rest % 1e6];
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':');
  const fraction = micros ? `.${String(micros).padStart(6, '0').replace(/0+$/, '')}` : '';
  const years = year < 0 ? `-${String(-year).padStart(4, '0')}` : String(year).padStart(4, '0');
  return `${years}-${two(month)}-${two(day)}T${clock}${fraction}Z`;
}

/**
 * The instant as ISO 8601; `undefined` for a moment of a calendar whose dates are not those of our time (360_day,
 * noleap), and for years that ISO 8601 does not write with four digits.
 */
export function instantText(moment: bigint, { calendar }: TimeUnits): string | undefined {
  if (!calendar.real) return undefined;
  const text = dateText(moment, prolepticGregorian);
  return /^\d{4}-/.test(text) ? text : undefined;
}
