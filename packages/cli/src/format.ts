// Numbers, tables and lengths of text as people read them.

import { codesIn, colorCode } from './terminal-text.ts';

const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `1.5 MB`; decimal units, three digits. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2)} ${units[unit]}`;
}

/** `0.42 s`, `12 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(seconds < 0.995 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** Time that goes on or is left, in whole seconds: `0 s`, `12 s`, `3 min 05 s`. */
export const formatWholeSeconds = (seconds: number): string =>
  seconds < 59.5 ? `${Math.round(seconds)} s` : formatSeconds(seconds);

/** `0.42`, `9.5`, `120`, `12,300`: a rate or a count of things. */
export const formatNumber = (value: number): string =>
  value >= 99.5
    ? groups(Math.round(value))
    : Number.isInteger(value)
      ? String(value)
      : value >= 9.95
        ? value.toFixed(0)
        : value.toFixed(value >= 0.995 ? 1 : 2);

const groups = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 frame`, `2 frames`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatNumber(count)} ${count === 1 ? one : many}`;

// Colours and other escape sequences of a terminal take no room.
const escapes = codesIn();

const isWide = (code: number): boolean =>
  code >= 0x1100 &&
  (code <= 0x115f ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff));

/** Columns that a text takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of text.replace(escapes, '')) width += isWide(char.codePointAt(0)!) ? 2 : 1;
  return width;
}

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - textWidth(text)));
export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - textWidth(text))) + text;

/** Cuts a text that is wider than `width`, with an ellipsis; escape sequences before the cut stay, and are ended. */
export function fit(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let [out, left] = ['', Math.max(0, width - 1)];
  const starts = new Map(Array.from(text.matchAll(escapes), ({ index, 0: code }) => [index, code]));
  for (let at = 0; at < text.length;) {
    const escape = starts.get(at);
    if (escape !== undefined) {
      out += escape;
      at += escape.length;
      continue;
    }
    const char = String.fromCodePoint(text.codePointAt(at)!);
    left -= textWidth(char);
    if (left < 0) break;
    out += char;
    at += char.length;
  }
  return `${out}…${out.includes('\u001b') ? colorCode(0) : ''}`;
}

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

/** A table with a line of titles, two blanks between columns, no blanks at the ends of lines. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => all.reduce((most, row) => Math.max(most, textWidth(row[index] ?? '')), 0));
  return all
    .map((row) =>
      columns
        .map(({ align }, index) => (align ? padStart : padEnd)(row[index] ?? '', widths[index]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Breaks a text between words so that no line is wider than `width`, where words allow it. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line];
}
