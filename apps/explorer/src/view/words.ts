// Numbers and times for people.

import type { BundleSequence } from '@deepearth/sinks/explorer/bundle-index';

export const formatScore = (score: number): string => (Number.isNaN(score) ? 'no data' : score.toFixed(3));

export const plural = (count: number, word: string): string =>
  `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;

/** `2024-02-22 10:15:00 UTC`, `12.40 s`, or nothing. */
export function frameTime({ at, seconds }: BundleSequence, frame: number): string {
  const instant = at?.[frame];
  if (instant) return `${instant.replace('T', ' ').replace(/(?:\.0+)?Z$/, '')} UTC`;
  const elapsed = seconds?.[frame];
  return elapsed === null || elapsed === undefined ? '' : `${elapsed.toFixed(2)} s`;
}
