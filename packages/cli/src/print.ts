// Writes lines of results to stdout and remarks to stderr, without commands to a terminal that came in from outside; a
// reader that went away is no error.

import { styleOf } from './style.ts';
import { terminalText } from './terminal-text.ts';

const write = (stream: NodeJS.WriteStream, text: string): void => {
  if (stream.writable && !stream.destroyed) stream.write(terminalText(text));
};

/** A line (or several) of the result. */
export const print = (text = ''): void => write(process.stdout, `${text}\n`);

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

/** One line of JSON. */
export const printJsonLine = (value: unknown): void => print(JSON.stringify(value));

/** A remark for whoever watches; never part of the result. */
export const remark = (text: string): void => write(process.stderr, `${text}\n`);

export const warn = (text: string): void => remark(`${styleOf(process.stderr).yellow('warning:')} ${text}`);
