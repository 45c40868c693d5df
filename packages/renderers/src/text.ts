// Measures text, and shortens what is too long.

import { glyphWidth } from './glyphs.ts';

/** Columns from one letter to the next. */
export const advance = glyphWidth + 1;

/** How many characters stand in so many columns. */
export const charactersIn = (columns: number): number => Math.max(0, Math.floor((columns + 1) / advance));

/** At most `most` characters: what is too long loses its middle to "…", and the ending of a file's name stays. */
export function shortened(text: string, most: number): string {
  const characters = Array.from(text);
  if (characters.length <= most) return text;
  if (most < 1) return '';
  const ending = /\.\w{1,5}$/.exec(text)?.[0].length ?? 0;
  const tail = Math.min(most - 1, Math.max(Math.ceil((most - 1) / 2), ending));
  const head = most - 1 - tail;
  return [...characters.slice(0, head), '…', ...characters.slice(characters.length - tail)].join('');
}

/**
 * Texts in one line of at most `most` characters, two spaces apart. What does not fit is taken from the text that is
 * furthest beyond its `room`, the last of them, so that none is shortened to less as long as the rooms fit.
 */
export function line(texts: readonly { readonly text: string; readonly room: number }[], most: number): string {
  const lengths = texts.map(({ text }) => Array.from(text).length);
  const over = lengths.reduce((sum, length) => sum + length, 2 * (texts.length - 1)) - most;
  for (let i = 0; i < over; i++) {
    const beyond = texts.map(({ room }, at) => lengths[at]! - room);
    lengths[beyond.lastIndexOf(Math.max(...beyond))]!--;
  }
  return shortened(texts.map(({ text }, at) => shortened(text, lengths[at]!)).join('  '), most);
}
