// Recognises the moment that a file name carries.

import { instantOf, instantOfEpoch, nanosecondsOf, type Instant } from './instant.ts';

/** A regular expression, or what is used like one. */
export interface NameExpression {
  exec(text: string): RegExpExecArray | null;
}

/** A moment found in a name. */
export interface NameTime {
  readonly instant: Instant;
  /** What is left of the name without it: tells pictures of one moment (a burst, a copy, a band) apart. */
  readonly rest: string;
  /** Whether it is that of a clock without an offset. */
  readonly local: boolean;
}

/** Reads a moment out of the name of a file (without its ending); `undefined` where it carries none. */
export type NameReader = (stem: string, timeZone: string) => NameTime | undefined;

/** A way to write a moment, found with a regular expression that has named groups. */
interface Notation {
  readonly what: string;
  readonly expression: RegExp;
  /** Whether it is in UTC by convention. */
  readonly utc?: true;
  /** Whether it counts only where every name has it, since such digits may as well be something else. */
  readonly everyName?: true;
  /** Another way to read the same digits: where every name has that as well, nothing tells which is meant. */
  readonly unless?: RegExp;
}

const date = String.raw`(?<year>(?:19|20)\d\d)(?<mark>[-_.]?)(?<month>0[1-9]|1[0-2])\k<mark>(?<day>0[1-9]|[12]\d|3[01])`;
const minute = String.raw`(?<hour>[01]\d|2[0-3])(?<colon>[-_.:h]?)(?<minute>[0-5]\d)`;
// A fraction stands behind a point or comma; three or six digits also directly behind the seconds
// (PXL_20240312_233002123, Python's %H%M%S%f) or behind the colon of the clock, and three behind a hyphen or an
// underscore where a Z shows that they belong to the time.
const second = String.raw`(?:(?:\k<colon>|m)(?<second>[0-5]\d|60)s?(?:[.,](?<fraction>\d{1,9})|(?<glued>\d{3}|\d{6})(?!\d)|:(?<parted>\d{3}|\d{6})(?!\d)|[-_](?<dashed>\d{3})(?=Z))?)?`;
// Without a T before the time, digits behind a hyphen are a counter and no offset.
const offset = String.raw`(?<offset>Z|[+-]\d\d:[0-5]\d|\+(?:0\d|1[0-4])(?:00|15|30|45))?`;

/** What stands between a date and a time: GPM IMERG writes -S before the start of its half hours. */
const between = String.raw`(?:__|--| - |-S|[T_ .-]|[ _]at[ _])`;
// A clock of twelve hours. macOS puts a narrow space before AM and PM.
const twelve = String.raw`(?<hour>0[1-9]|1[0-2]|[1-9](?=[-_.:h]))(?<colon>[-_.:h]?)(?<minute>[0-5]\d)(?:(?:\k<colon>|m)(?<second>[0-5]\d))?[ _.\u00a0\u202f-]?(?<half>[AaPp])\.?[Mm](?![A-Za-z])`;
const unnamed = (expression: string): string =>
  expression.replace(String.raw`\k<colon>`, '[-_.:h]?').replaceAll(/\(\?<[A-Za-z]+>/g, '(?:');

const clock = String.raw`(?:${between}${minute}${second}${offset})?(?!\d)`;
const dayFirst = new RegExp(
  String.raw`(?<!\d)(?<day>0[1-9]|[12]\d|3[01])(?<mark>[-_.]?)(?<month>0[1-9]|1[0-2])\k<mark>(?<year>(?:19|20)\d\d)${clock}`,
  'u',
);
const monthFirst = new RegExp(
  String.raw`(?<!\d)(?<month>0[1-9]|1[0-2])(?<mark>[-_]?)(?<day>0[1-9]|[12]\d|3[01])\k<mark>(?<year>(?:19|20)\d\d)${clock}`,
  'u',
);

/** English months, whole or by three letters. */
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const monthName = String.raw`(?<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)`;
const anyYear = String.raw`(?<year>(?:19|20)\d\d)`;
const anyDay = String.raw`(?<day>0?[1-9]|[12]\d|3[01])`;
const named = (expression: string): RegExp => new RegExp(expression, 'iu');

/** Those tried first are the more precise ones: of several in one name the first that fits all names counts. */
const notations: readonly Notation[] = [
  {
    // GOES-R: start of the scan as year, day of year, hour, minute, second, tenth of a second.
    what: 'start of the scan',
    utc: true,
    expression:
      /(?<![A-Za-z0-9])s(?<year>20\d\d)(?<dayOfYear>[0-3]\d\d)(?<hour>[01]\d|2[0-3])(?<minute>[0-5]\d)(?<second>[0-5]\d)(?<fraction>\d)(?!\d)/u,
  },
  {
    // MODIS and VIIRS: year, day of year, hour and minute.
    what: 'date and time',
    utc: true,
    expression:
      /(?<![A-Za-z0-9])A(?<year>(?:19|20)\d\d)(?<dayOfYear>[0-3]\d\d)\.(?<hour>[01]\d|2[0-3])(?<minute>[0-5]\d)(?!\d)/u,
  },
  {
    what: 'date and time',
    expression: new RegExp(
      String.raw`(?<!\d)${date}T${minute}${second}(?<offset>[+-](?:0\d|1[0-4])(?:00|15|30|45))(?!\d)`,
      'u',
    ),
  },
  { what: 'date and time', expression: new RegExp(String.raw`(?<!\d)${date}${between}${twelve}`, 'u') },
  {
    what: 'date and time',
    expression: new RegExp(
      String.raw`(?<!\d)${date}(?:${between}|)(?!${unnamed(twelve)})${minute}${second}${offset}(?!\d)`,
      'u',
    ),
  },
  // As epoch times these digits, down to the hour or to hundredths of a second, would lie after 2032.
  {
    what: 'date and time',
    everyName: true,
    expression:
      /(?<!\d)(?<year>(?:19|20)\d\d)(?<month>0[1-9]|1[0-2])(?<day>0[1-9]|[12]\d|3[01])(?<hour>[01]\d|2[0-3])(?<minute>[0-5]\d)(?<second>[0-5]\d)(?<fraction>\d\d)(?!\d)/u,
  },
  {
    what: 'date and hour',
    everyName: true,
    expression:
      /(?<!\d)(?<year>(?:19|20)\d\d)(?<month>0[1-9]|1[0-2])(?<day>0[1-9]|[12]\d|3[01])(?<hour>[01]\d|2[0-3])(?<offset>Z)?(?!\d)/u,
  },
  {
    what: 'date and hour',
    everyName: true,
    expression: new RegExp(String.raw`(?<!\d)${date}T(?<hour>[01]\d|2[0-3])(?<offset>Z)?(?!\d)`, 'u'),
  },
  // Seconds, milliseconds, microseconds or nanoseconds since 1970, between 2001 and 2065. ROS parts seconds and
  // nanoseconds.
  {
    what: 'epoch time',
    expression:
      /(?<!\d)(?<epoch>[12]\d{9}|[12]\d{12}|[12]\d{15}|[12]\d{18})(?:\.(?<fraction>\d{1,9})|[-_](?<dashed>\d{9}))?(?!\d)/u,
  },
  {
    what: 'date, month by name',
    expression: named(String.raw`(?<!\d)${anyYear}(?<mark>[-_. ]?)${monthName}\k<mark>${anyDay}${clock}`),
  },
  {
    what: 'date, month by name',
    expression: named(String.raw`(?<!\d)${anyDay}(?<mark>[-_. ]?)${monthName}\k<mark>${anyYear}${clock}`),
  },
  {
    what: 'date, month by name',
    expression: named(String.raw`(?<![a-z])${monthName}(?<mark>[-_. ]?)${anyDay}(?:\k<mark>|, ?)${anyYear}${clock}`),
  },
  { what: 'date', expression: new RegExp(String.raw`(?<!\d)${date}(?!\d)`, 'u') },
  { what: 'date', expression: /(?<![A-Za-z0-9])A(?<year>(?:19|20)\d\d)(?<dayOfYear>[0-3]\d\d)(?!\d)/u },
  { what: 'date, day first', expression: dayFirst, everyName: true, unless: monthFirst },
  { what: 'date, month first', expression: monthFirst, everyName: true, unless: dayFirst },
  {
    what: 'date and time, years of two digits',
    everyName: true,
    expression:
      /(?<!\d)(?<shortYear>\d\d)(?<month>0[1-9]|1[0-2])(?<day>0[1-9]|[12]\d|3[01])[-_T](?<hour>[01]\d|2[0-3])(?<minute>[0-5]\d)(?<second>[0-5]\d)(?!\d)/u,
  },
  {
    what: 'date',
    everyName: true,
    expression: new RegExp(String.raw`(?<!\d)${anyYear}-(?<month>0?[1-9]|1[0-2])-${anyDay}${clock}`, 'u'),
  },
  {
    what: 'month by name',
    everyName: true,
    expression: named(String.raw`(?<!\d)${anyYear}[-_. ]?${monthName}(?![a-z0-9])`),
  },
  {
    what: 'month by name',
    everyName: true,
    expression: named(String.raw`(?<![a-z0-9])${monthName}[-_. ]?${anyYear}(?!\d)`),
  },
  {
    what: 'month',
    everyName: true,
    expression: /(?<!\d)(?<year>(?:19|20)\d\d)(?<mark>[-_])(?<month>0[1-9]|1[0-2])(?!\d|\k<mark>\d\d(?!\d))/u,
  },
];

/** Groups of a regular expression over names that say when a picture was taken. */
export const timeGroups = ['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'epoch'] as const;

/**
 * Reads names with a regular expression whose named groups are some of `timeGroups`: `epoch`, or `year` with what else
 * there is.
 */
export const readerOf =
  (expression: NameExpression, utc = false): NameReader =>
  (stem, timeZone) => {
    const match = expression.exec(stem);
    const groups = match?.groups;
    if (!match || !groups) return undefined;
    const { epoch, fraction, dashed, offset } = groups;
    const instant = epoch ? instantOfEpoch(epoch, fraction ?? dashed) : calendarOf(groups, utc ? 'UTC' : timeZone);
    if (instant === undefined) return undefined;
    const rest = `${stem.slice(0, match.index)} ${stem.slice(match.index + match[0].length)}`;
    return { instant, rest, local: !epoch && !offset && !utc };
  };

function calendarOf(groups: Record<string, string | undefined>, timeZone: string): Instant | undefined {
  const { dayOfYear, offset, half, shortYear } = groups;
  const year = groups['year'] ?? (shortYear && `${Number(shortYear) < 70 ? 20 : 19}${shortYear}`);
  if (!year) return undefined;
  const number = (name: string, otherwise: number): number => (groups[name] ? Number(groups[name]) : otherwise);
  const [month, day] = dayOfYear
    ? monthAndDay(Number(year), Number(dayOfYear))
    : [monthOf(groups['month'] ?? '1'), number('day', 1)];
  return instantOf(
    {
      year: Number(year),
      month,
      day,
      hour: half ? (number('hour', 0) % 12) + (/p/i.test(half) ? 12 : 0) : number('hour', 0),
      minute: number('minute', 0),
      second: number('second', 0),
      nanosecond: nanosecondsOf(groups['fraction'] ?? groups['glued'] ?? groups['parted'] ?? groups['dashed']),
      ...(offset && { offsetMinutes: minutesOf(offset) }),
    },
    timeZone,
  );
}

/** From 1, of digits or of an English name; 0 for a name that is none. */
const monthOf = (month: string): number =>
  /^\d+$/.test(month) ? Number(month) : months.indexOf(month.slice(0, 3).toLowerCase()) + 1;

/** Month 0 for a day that the year does not have. */
function monthAndDay(year: number, dayOfYear: number): [number, number] {
  const found = new Date(Date.UTC(year, 0, dayOfYear));
  return dayOfYear >= 1 && found.getUTCFullYear() === year ? [found.getUTCMonth() + 1, found.getUTCDate()] : [0, 0];
}

/** "Z", "+02:00", "-0330" as minutes east of Greenwich. */
export function minutesOf(offset: string): number {
  if (offset === 'Z') return 0;
  const digits = offset.replace(/\D/g, '');
  return (offset.startsWith('-') ? -1 : 1) * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2)));
}

/** How the names of a folder say when their pictures were taken. */
export interface NameTimes {
  /** For people: "date and time", "epoch time", "date". */
  readonly what: string;
  /** By position of the name; absent where one carries none. */
  readonly times: readonly (NameTime | undefined)[];
  /** How many carry none. */
  readonly missing: number;
  /** Reads further names in the same notation. */
  readonly read: NameReader;
}

/**
 * Finds the notation that most of the names have, the more precise one where several have as many; `undefined` where
 * fewer than half of the names carry a time. `stems` are names without their endings.
 */
export function timesInNames(stems: readonly string[], timeZone: string): NameTimes | undefined {
  let best: NameTimes | undefined;
  for (const { what, expression, utc, everyName, unless } of notations) {
    const read = readerOf(expression, utc);
    const times = stems.map((stem) => read(stem, timeZone));
    const missing = times.filter((time) => time === undefined).length;
    if (everyName && missing > 0) continue;
    const other = unless && readerOf(unless);
    if (other && stems.every((stem) => other(stem, timeZone) !== undefined)) continue;
    if (missing * 2 < stems.length && (!best || missing < best.missing)) best = { what, times, missing, read };
    if (missing === 0) break;
  }
  return best;
}
