// Counts what a watch leaves out, and says so.

import type { StageContext } from '@deepearth/core';

/** What can become of a file other than a frame like all others. */
const kinds = {
  late: 'came when a later frame had been sent, and is left out',
  vanished: 'was gone before it was read',
  unplaced: 'has nothing that says where it belongs in the order, and is left out',
  rewritten: 'was written again after it was sent; what it holds now is not sent',
  gone: 'was sent by the run that is resumed and is no longer there',
  odd: 'is odd and read all the same',
} as const;
/** One of them. */
export type Oddity = keyof typeof kinds;

/** Counts a file; `detail` says more of it. */
export type CountOddity = (kind: Oddity, file: string, detail?: string) => void;

/** How many of a kind are named. */
const mostNamed = 5;

/** Names the first of each kind in warnings, and counts all of them in the finding `watched`. */
export function watchTally({
  log,
  recordFinding,
  options,
}: Pick<StageContext<{ readonly directory: string }>, 'log' | 'recordFinding' | 'options'>): CountOddity {
  const counts: Partial<Record<Oddity, number>> = {};
  return (kind, file, detail) => {
    const count = (counts[kind] = (counts[kind] ?? 0) + 1);
    if (count <= mostNamed) log.warn(`${options.directory}: ${file} ${kinds[kind]}${detail ? ` (${detail})` : ''}`);
    if (count === mostNamed)
      log.warn(`${options.directory}: further files of this kind (${kind}) are counted, not named`);
    recordFinding('watched', { ...counts });
  };
}
