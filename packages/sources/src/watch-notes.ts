// Keeps what a watch has sent, so that a run that resumes it sends the same again without opening a file.

import type { Notes } from '@deepearth/core/stage';
import { lineage } from '@deepearth/core/lineage';
import { z } from 'zod';
import type { KnownPicture } from './picture-frames.ts';
import type { WatchOptions, WatchOrder } from './watch-options.ts';
import { watchOrders } from './watch-options.ts';

const sent = z.strictObject({
  /** Path in the folder. */
  file: z.string(),
  sequence: z.string(),
  number: z.number().int().nonnegative(),
  at: z.string().optional(),
  bytes: z.number().int().nonnegative(),
  modified: z.number(),
  sha256: z.string(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  depth: z.custom<KnownPicture['depth']>((value) => typeof value === 'string'),
});

/** A frame that was sent, and what its file looked like. `at` are nanoseconds since 1970. */
export type SentFrame = z.output<typeof sent>;

const beginning = z.strictObject({ watch: z.string(), order: z.enum(watchOrders) });

/** What a former run sent. */
export interface FormerWatch {
  readonly order: WatchOrder;
  readonly frames: readonly SentFrame[];
}

/** The options that decide which files become which frames. */
const identity = ({ directory, recursive, pattern, order, time, timeZone, sequence }: WatchOptions): string =>
  lineage('watch', 1, { directory, recursive, pattern, order, time, timeZone, sequence });

/** Reads what the run that is resumed sent; `undefined` where it was another watch or none, `other` says which. */
export async function formerWatch(
  notes: Notes,
  options: WatchOptions,
): Promise<{ readonly former?: FormerWatch; readonly other: boolean }> {
  const [first, ...lines] = await notes.former();
  if (first === undefined) return { other: false };
  const begun = beginning.safeParse(JSON.parse(first));
  if (!begun.success || begun.data.watch !== identity(options)) return { other: true };
  const frames: SentFrame[] = [];
  for (const line of lines) {
    const frame = sent.safeParse(JSON.parse(line));
    // What a later version writes is not understood: from there on files are taken anew.
    if (!frame.success) break;
    frames.push(frame.data);
  }
  // Without a frame nothing was decided.
  return { ...(frames.length > 0 && { former: { order: begun.data.order, frames } }), other: false };
}

/** Notes that a watch begins, in place of all before it. */
export async function beginNotes(notes: Notes, options: WatchOptions, order: WatchOrder): Promise<void> {
  await notes.clear();
  await notes.add(JSON.stringify({ watch: identity(options), order }));
}

/** Notes a frame before it is sent. */
export const noteSent = (notes: Notes, frame: SentFrame): Promise<void> => notes.add(JSON.stringify(frame));
