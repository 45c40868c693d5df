// Reads frame numbers out of file names.

import { basename, extname } from 'node:path';
import { InputError } from '@deepearth/core';
import type { NameExpression } from './name-expression.ts';

/** The name of a file without its folders and its ending. */
export const stemOf = (path: string): string => basename(path, extname(path));

/** The last digits of a text. */
export const lastDigits = (text: string): string | undefined => /\d+(?=\D*$)/.exec(text)?.[0];

/**
 * The digits that are the frame number: the group `number` of an expression, or else its first group that has no other
 * name; without an expression the last digits of the stem. `undefined` where there are none.
 */
export function numberDigits(path: string, expression: NameExpression | undefined): string | undefined {
  if (!expression) return lastDigits(stemOf(path));
  const match = expression.exec(basename(path));
  if (!match) return undefined;
  if (match.groups && 'number' in match.groups) return match.groups['number'];
  const named = new Set(Object.values(match.groups ?? {}));
  return match.slice(1).find((group) => group !== undefined && !named.has(group));
}

/** A frame number. Throws an `InputError` for digits that are none, or too many. */
export function frameNumber(digits: string, path: string): number {
  const number = /^\d+$/.test(digits) ? Number(digits) : NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new InputError(
    path,
    `its frame number would be ${JSON.stringify(digits)}, which is ${Number.isNaN(number) ? 'no number' : 'too large'}.`,
    {
      code: 'E_PATTERN',
      remedy:
        'Say with `pattern` where the number stands, for example "frame_(\\\\d+)", or take the order of names with `order: name`.',
    },
  );
}
