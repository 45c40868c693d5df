// The calendars of the CF conventions (cfconventions.org, 4.4.1): days since 1 January of year 1, and back.

/** A day of some calendar: a year, a month from 1 and a day from 1. */
export type Day = readonly [year: number, month: number, day: number];

/** Counts the days of a calendar. */
export interface Calendar {
  /** Its name in the CF conventions. */
  readonly name: string;
  /** Whether its dates are dates of our time: those of models with years of 360 or 365 days are not. */
  readonly real: boolean;
  /** Days from some first day of the calendar; `undefined` for a day that it does not have. */
  numberOf(day: Day): number | undefined;
  dayOf(number: number): Day;
}

const usual = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const leap = usual.map((days, month) => (month === 1 ? 29 : days));

/** A calendar whose years all have the same months. */
function evenYears(name: string, months: readonly number[]): Calendar {
  const perYear = months.reduce((sum, days) => sum + days, 0);
  return {
    name,
    real: false,
    numberOf([year, month, day]) {
      if (!(month >= 1 && month <= 12 && day >= 1 && day <= months[month - 1]!)) return undefined;
      return year * perYear + months.slice(0, month - 1).reduce((sum, days) => sum + days, 0) + day - 1;
    },
    dayOf(number) {
      const year = Math.floor(number / perYear);
      let rest = number - year * perYear;
      let month = 0;
      while (rest >= months[month]!) rest -= months[month++]!;
      return [year, month + 1, rest + 1];
    },
  };
}

/** Days of the Julian day number, which all real calendars share (Meeus, Astronomical Algorithms, chapter 7). */
const julianNumber = (year: number, month: number, day: number, gregorian: boolean): number => {
  const [y, m] = month <= 2 ? [year - 1, month + 12] : [year, month];
  const century = Math.floor(y / 100);
  const shift = gregorian ? 2 - century + Math.floor(century / 4) : 0;
  return Math.floor(365.25 * (y + 4716)) + Math.floor(30.6001 * (m + 1)) + day + shift - 1524;
};

function dayOfJulianNumber(number: number, gregorian: boolean): Day {
  let a = number;
  if (gregorian) {
    const alpha = Math.floor((number - 1867216.25) / 36524.25);
    a = number + 1 + alpha - Math.floor(alpha / 4);
  }
  const b = a + 1524;
  const c = Math.floor((b - 122.1) / 365.25);
  const d = Math.floor(365.25 * c);
  const e = Math.floor((b - d) / 30.6001);
  const month = e < 14 ? e - 1 : e - 13;
  return [month > 2 ? c - 4716 : c - 4715, month, b - d - Math.floor(30.6001 * e)];
}

/** The first day of the Gregorian calendar, 15 October 1582; the day before it was the 4th. */
const firstGregorian = 2299161;

function realCalendar(name: string, gregorianFrom: number): Calendar {
  const dayOf = (number: number): Day => dayOfJulianNumber(number, number >= gregorianFrom);
  return {
    name,
    real: true,
    numberOf(day) {
      const asGregorian = julianNumber(...day, true);
      const number = asGregorian >= gregorianFrom ? asGregorian : julianNumber(...day, false);
      const back = dayOf(number);
      return back.every((part, at) => part === day[at]) ? number : undefined;
    },
    dayOf,
  };
}

const standard = realCalendar('standard', firstGregorian);
/** The calendar of ISO 8601, with year 0. */
export const prolepticGregorian = realCalendar('proleptic_gregorian', -Infinity);
const noLeap = evenYears('noleap', usual);
const allLeap = evenYears('all_leap', leap);
const days360 = evenYears('360_day', new Array<number>(12).fill(30));

const calendars: Readonly<Record<string, Calendar>> = {
  standard,
  gregorian: standard,
  proleptic_gregorian: prolepticGregorian,
  julian: realCalendar('julian', Infinity),
  noleap: noLeap,
  '365_day': noLeap,
  all_leap: allLeap,
  '366_day': allLeap,
  '360_day': days360,
};

/** Names of all calendars. */
export const calendarNames = Object.keys(calendars);

/** The calendar of this name, whatever the case of its letters; `undefined` where there is none. */
export const calendarOf = (name: string): Calendar | undefined => {
  const known = name.toLowerCase();
  return Object.hasOwn(calendars, known) ? calendars[known] : undefined;
};
