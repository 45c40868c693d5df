// Reads the moment that a field of a list holds.

import { nameExpression } from './name-expression.ts';
import { instantOf, instantOfEpoch, nanosecondsOf, type Instant } from './instant.ts';
import { minutesOf, readerOf } from './time-in-name.ts';

/** A moment, and whether its field had no offset from UTC. */
export interface FieldTime {
  readonly instant: Instant;
  readonly local: boolean;
}

/** Reads fields; `undefined` for one that holds no moment. */
export type TimeReader = (text: string) => FieldTime | undefined;

/** Years first, which nobody writes in two orders; EXIF has colons in its dates. */
const written =
  /^(?<year>\d{4})(?<mark>[-/.:]?)(?<month>\d\d)\k<mark>(?<day>\d\d)(?:(?:T|\s+|,\s*)?(?<hour>\d\d)(?::?(?<minute>\d\d)(?::?(?<second>\d\d)(?:[.,](?<fraction>\d{1,9}))?)?)?)?\s*(?<offset>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i;

/** Ten digits that are a date and an hour would as seconds since 1970 lie after 2029. */
const epoch =
  /^(?!(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])$)(?<whole>\d{9,10}|\d{13}|\d{16}|\d{19})(?:\.(?<fraction>\d+))?$/;

/** A reader of ISO 8601 and what is close to it, and of seconds since 1970; or of what an expression finds. */
export function timeReader(expression: string | undefined, timeZone: string): TimeReader {
  if (expression !== undefined) {
    const read = readerOf(nameExpression(expression));
    return (text) => read(text, timeZone);
  }
  return (text) => {
    const seconds = epoch.exec(text)?.groups;
    if (seconds) {
      const instant = instantOfEpoch(seconds['whole']!, seconds['fraction']);
      return instant === undefined ? undefined : { instant, local: false };
    }
    const found = written.exec(text)?.groups;
    if (!found) return undefined;
    const number = (name: string): number => Number(found[name] ?? 0);
    const [hour, minute, second] = [number('hour'), number('minute'), number('second')];
    if (hour > 23 || minute > 59 || second > 60) return undefined;
    const { offset } = found;
    const instant = instantOf(
      {
        year: number('year'),
        month: number('month'),
        day: number('day'),
        hour,
        minute,
        second,
        nanosecond: nanosecondsOf(found['fraction']),
        ...(offset && { offsetMinutes: /^[a-z]/i.test(offset) ? 0 : minutesOf(offset) }),
      },
      timeZone,
    );
    return instant === undefined ? undefined : { instant, local: !offset };
  };
}
