// The order of frames: by instant, then number, then name, within one sequence.

import type { Frame } from './items.ts';

/** What the order of frames looks at. */
export type Ordered = Pick<Frame, 'at' | 'number' | 'id'>;

/**
 * Compares two frames of one sequence for sorting: by instant where both know theirs, then by number, then by id. `at`
 * is compared as text once its fraction is set apart: years have four digits, and all times are in UTC.
 */
export function compareFrames(a: Ordered, b: Ordered): number {
  const instants = a.at !== undefined && b.at !== undefined ? compareText(sortable(a.at), sortable(b.at)) : 0;
  return instants || a.number - b.number || compareText(a.id, b.id);
}

/** "2024-02-22T10:15:00.5Z" without the Z: "10:15:00" then comes before "10:15:00.5". */
const sortable = (at: string): string => at.replace(/Z$/, '');

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
