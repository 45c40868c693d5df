import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calendarNames, calendarOf } from './calendar.ts';
import { dateText, instantText, momentOf, timeUnits } from './time.ts';

/** The date of a number, in its calendar. */
const date = (value: number | bigint, units: string, calendar?: string): string | undefined => {
  const meaning = timeUnits('time', { units, ...(calendar && { calendar }) });
  const moment = momentOf(value, meaning);
  return moment === undefined ? undefined : dateText(moment, meaning.calendar);
};

describe('calendars', () => {
  test.each(calendarNames)('%s: days follow one another, and every day has its number', (name) => {
    const calendar = calendarOf(name)!;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000 }), (number) => {
        const day = calendar.dayOf(number);
        expect(calendar.numberOf(day)).toBe(number);
        expect(calendar.dayOf(number + 1).join()).not.toBe(day.join());
      }),
    );
  });

  // As cftime 1.6.6 has them.
  test.each<[number, string, string, string]>([
    [60, 'days since 2023-01-01', 'noleap', '2023-03-02T00:00:00Z'],
    [59, 'days since 2024-01-01', 'noleap', '2024-03-01T00:00:00Z'],
    [59, 'days since 2023-01-01', 'all_leap', '2023-02-29T00:00:00Z'],
    [59, 'days since 2024-01-01', '360_day', '2024-02-30T00:00:00Z'],
    [2, 'months since 2024-01-15', '360_day', '2024-03-15T00:00:00Z'],
    [1, 'days since 1582-10-04', 'standard', '1582-10-15T00:00:00Z'],
    [1, 'days since 1582-10-04', 'proleptic_gregorian', '1582-10-05T00:00:00Z'],
    [1, 'days since 1900-02-28', 'julian', '1900-02-29T00:00:00Z'],
    [0.5, 'hours since 2024-3-1 6:0:0.0', 'gregorian', '2024-03-01T06:30:00Z'],
    [36, 'hrs since 2024-01-01', 'standard', '2024-01-02T12:00:00Z'],
    [90, 'mins since 2024-01-01', 'standard', '2024-01-01T01:30:00Z'],
    [90, 'minutes since 2024-03-10 12:00:00 -07:00', 'standard', '2024-03-10T20:30:00Z'],
    [1_700_000_000_123, 'milliseconds since 1970-01-01T00:00:00Z', 'standard', '2023-11-14T22:13:20.123Z'],
    [693961.25, 'days since 1-1-1', 'proleptic_gregorian', '1901-01-02T06:00:00Z'],
    [-1, 'seconds since 2000-01-01', 'standard', '1999-12-31T23:59:59Z'],
  ])('%d %s (%s) is %s', (value, units, calendar, expected) => {
    expect(date(value, units, calendar)).toBe(expected);
  });

  test('whole numbers of 64 bits keep their nanoseconds to the microsecond', () => {
    expect(date(1_700_000_000_123_456_789n, 'nanoseconds since 1970-01-01')).toBe('2023-11-14T22:13:20.123456Z');
  });

  test('a moment of a calendar of models is no instant of ours', () => {
    const meaning = timeUnits('time', { units: 'days since 2024-01-01', calendar: '360_day' });
    expect(instantText(momentOf(59, meaning)!, meaning)).toBeUndefined();
    expect(momentOf(NaN, meaning)).toBeUndefined();
  });

  test.each<[string, string | undefined, RegExp]>([
    ['months since 2024-01-01', undefined, /months have no fixed length/],
    ['days since 2023-02-29', undefined, /"2023-02-29", which is no date of the calendar standard/],
    ['days since 2024-02-30', 'noleap', /no date of the calendar noleap/],
    ['fortnights since 2024-01-01', undefined, /fortnights/],
    ['days since yesterday', undefined, /"yesterday"/],
    ['days since 2024-01-01', 'mayan', /the calendar "mayan"; known are standard/],
  ])('%s (%s) is refused', (units, calendar, message) => {
    expect(() => timeUnits('f.nc: time', { units, ...(calendar && { calendar }) })).toThrow(message);
  });
});
