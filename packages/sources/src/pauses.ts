// Names the parts of a sequence that is cut at pauses.

import { isoOf, type Instant } from './instant.ts';

/** "camera/20240222T101500Z", or by the number of its first frame where no time is known: "camera/000616". */
export const pauseName = (sequence: string, start: Instant | number): string =>
  `${sequence}/${typeof start === 'number' ? String(start).padStart(6, '0') : isoOf(start).replaceAll(/[-:]/g, '')}`;
