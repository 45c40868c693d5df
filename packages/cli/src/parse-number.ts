// Numbers of the command line.

import { DeepEarthError } from '@deepearth/core/errors';

const usage = (flag: string, message: string): DeepEarthError =>
  new DeepEarthError(`${flag}: ${message}`, { code: 'E_USAGE' });

/** A whole number of at least `least`, and at most `most`. */
export function parseWhole(flag: string, text: string, least = 1, most = Infinity): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    const bounds = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
    throw usage(flag, `expected a whole number ${bounds}, got ${JSON.stringify(text)}.`);
  }
  return value;
}

/** A number above zero. */
export function parsePositive(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw usage(flag, `expected a number above 0, got ${JSON.stringify(text)}.`);
  return value;
}

/** `384` or `256x384` (height, then width). */
export function parseSize(flag: string, text: string): { height: number; width: number } {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text);
  if (!match) throw usage(flag, `expected pixels (384) or HEIGHTxWIDTH (256x384), got ${JSON.stringify(text)}.`);
  const height = parseWhole(flag, match[1]!);
  return { height, width: match[2] === undefined ? height : parseWhole(flag, match[2]) };
}

/** One of a list of words. */
export function parseChoice<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined)
    throw usage(flag, `expected ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}, got ${JSON.stringify(text)}.`);
  return found;
}
