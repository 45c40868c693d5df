// Options that several sources have: expressions over names, and time zones.

import { shortened } from '@deepearth/core/printable';
import { z } from 'zod';
import { isTimeZone } from './instant.ts';
import { nameExpression } from './name-expression.ts';
import { timeGroups } from './time-in-name.ts';

/** A regular expression as `nameExpression` takes it. */
export const expression = z.string().superRefine((text, { addIssue }) => {
  try {
    nameExpression(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    addIssue({ code: 'custom', message: shortened(message, 300) });
  }
});

/** An expression that finds a moment: with named groups, some of `timeGroups`. `what` is what it looks at. */
export const timeExpression = (what: string, otherwise: string) =>
  expression
    .refine((text) => /\(\?<(?:year|epoch)>/.test(text), 'it needs a group `year` or `epoch`')
    .optional()
    .describe(
      `Regular expression for ${what} whose named groups say when a picture was taken: ${timeGroups.join(', ')}. Default: ${otherwise}.`,
    );

/** The zone of times without an offset. */
export const timeZone = z
  .string()
  .refine(isTimeZone, 'it is no time zone: name one like "Europe/Berlin", or an offset like "+02:00"')
  .default('UTC')
  .describe('Of times that are written down without an offset: an IANA name or an offset.');
