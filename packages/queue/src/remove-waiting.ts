// Empties a queue of what nobody works on yet.

import type { QueueBackend } from './queue-backend.ts';

/**
 * Removes the jobs that wait, and merges first: one whose parts went away would begin. Jobs at hand, done or set aside
 * stay. Returns how many were removed.
 */
export async function removeWaiting(backend: QueueBackend): Promise<number> {
  const queue = backend.queue();
  try {
    let count = 0;
    for (const state of ['waiting-children', 'prioritized', 'waiting', 'delayed'] as const) {
      let kept = 0;
      for (;;) {
        const jobs = await queue.getJobs([state], kept, kept + 999);
        if (jobs.length === 0) break;
        for (const job of jobs) {
          // A worker may take it in this moment.
          const removed = await job.remove({ removeChildren: false }).then(
            () => true,
            () => false,
          );
          if (removed) count++;
          else kept++;
        }
      }
    }
    return count;
  } finally {
    await queue.close();
  }
}
