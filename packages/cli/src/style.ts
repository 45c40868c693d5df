// Colours on a terminal that wants them.

import type { WriteStream } from 'node:tty';
import { colorCode } from './terminal-text.ts';

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Style = Readonly<Record<keyof typeof codes, (text: string) => string>>;

/** Text goes out as it comes in. */
export const plainStyle: Style = makeStyle(false);

export function makeStyle(colors: boolean): Style {
  const entries = Object.entries(codes).map(([name, [on, off]]) => [
    name,
    (text: string) => (colors && text ? `${colorCode(on)}${text}${colorCode(off)}` : text),
  ]);
  return Object.fromEntries(entries) as Style;
}

/** Whether a stream shows colours: a terminal, unless NO_COLOR or TERM=dumb say no; FORCE_COLOR says yes. */
export function wantsColor(stream: Pick<WriteStream, 'isTTY'>, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return Boolean(stream.isTTY) && env.TERM !== 'dumb';
}

export const styleOf = (stream: Pick<WriteStream, 'isTTY'>): Style => makeStyle(wantsColor(stream));
