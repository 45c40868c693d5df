// How many jobs of a queue are in which state.

import type { PipelineQueue } from './queue-backend.ts';

/** How many jobs are in which state. */
export interface QueueCounts {
  /** Ready to be worked on. */
  readonly waiting: number;
  /** Ready, with a priority. */
  readonly prioritized: number;
  /** Tried again later. */
  readonly delayed: number;
  readonly active: number;
  /** Merges whose parts are not all done. */
  readonly waitingForParts: number;
  readonly completed: number;
  /** Set aside after their last attempt. */
  readonly failed: number;
}

export async function countsOf(queue: PipelineQueue): Promise<QueueCounts> {
  const counts = await queue.getJobCounts(
    'waiting',
    'prioritized',
    'delayed',
    'active',
    'waiting-children',
    'completed',
    'failed',
  );
  const of = (state: string): number => counts[state] ?? 0;
  return {
    waiting: of('waiting'),
    prioritized: of('prioritized'),
    delayed: of('delayed'),
    active: of('active'),
    waitingForParts: of('waiting-children'),
    completed: of('completed'),
    failed: of('failed'),
  };
}

/** Jobs that are still to be done, as far as they can be: not those that wait for a failed one. */
export const openJobs = ({ waiting, prioritized, delayed, active }: QueueCounts): number =>
  waiting + prioritized + delayed + active;
