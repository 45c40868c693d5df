// Jobs that were set aside, once more.

import type { QueueBackend } from './queue-backend.ts';

/** Puts all jobs that were set aside (or the one with this id) back, with all their attempts. Returns how many. */
export async function retryFailed(backend: QueueBackend, id?: string): Promise<number> {
  const queue = backend.queue();
  try {
    let count = 0;
    for (;;) {
      // Those that go back leave the list.
      const jobs = (await queue.getJobs(['failed'], 0, 99)).filter((job) => id === undefined || job.id === id);
      if (jobs.length === 0) return count;
      for (const job of jobs) {
        await job.updateData({ ...job.data, failures: [], passes: 0 });
        await job.retry('failed', { resetAttemptsMade: true });
        count++;
      }
      if (id !== undefined) return count;
    }
  } finally {
    await queue.close();
  }
}
