// What is in a queue: how many jobs in which state, what was set aside and why, who works.

import { jobTitle, type Failure } from './jobs.ts';
import { countsOf, type QueueCounts } from './queue-counts.ts';
import type { QueueBackend } from './queue-backend.ts';

/** A job, as far as people ask for it. */
export interface JobStatus {
  readonly id: string;
  readonly title: string;
  readonly pipeline: string;
  readonly output: string;
}

/** The state of a queue. */
export interface QueueStatus {
  readonly queue: string;
  readonly name: string;
  readonly counts: QueueCounts;
  readonly workers: number;
  /** Jobs that were set aside, the latest first, at most `most`; with the reason of each attempt. */
  readonly failed: readonly (JobStatus & { readonly failures: readonly Failure[] })[];
  /** Jobs at hand, and how far they are. */
  readonly active: readonly (JobStatus & { readonly progress: unknown; readonly attempt: number })[];
}

/** Reads the state of a queue; `most` bounds the lists of jobs. */
export async function queueStatus(backend: QueueBackend, { most = 50 } = {}): Promise<QueueStatus> {
  const queue = backend.queue();
  try {
    const [counts, workers, failed, active] = await Promise.all([
      countsOf(queue),
      queue.getWorkersCount(),
      queue.getJobs(['failed'], 0, most - 1),
      queue.getJobs(['active'], 0, most - 1),
    ]);
    const about = ({ id, data }: (typeof failed)[number]): JobStatus => ({
      id: id!,
      title: jobTitle(data),
      pipeline: data.pipeline,
      output: data.output,
    });
    return {
      queue: backend.shown,
      name: queue.name,
      counts,
      workers,
      failed: failed.map((job) => ({
        ...about(job),
        failures: job.data.failures ?? [
          // A job whose worker died each time has no reason of its own.
          { worker: '', at: new Date(job.finishedOn ?? 0).toISOString(), reason: job.failedReason },
        ],
      })),
      active: active.map((job) => ({ ...about(job), progress: job.progress, attempt: job.attemptsMade + 1 })),
    };
  } finally {
    await queue.close();
  }
}

/** The counts in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export function prometheusText({ name, counts, workers }: QueueStatus): string {
  const label = `queue="${name.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`;
  const states = {
    waiting: counts.waiting,
    prioritized: counts.prioritized,
    delayed: counts.delayed,
    active: counts.active,
    waiting_for_parts: counts.waitingForParts,
    completed: counts.completed,
    failed: counts.failed,
  };
  return [
    '# HELP deepearth_queue_jobs Jobs by state.',
    '# TYPE deepearth_queue_jobs gauge',
    ...Object.entries(states).map(([state, count]) => `deepearth_queue_jobs{${label},state="${state}"} ${count}`),
    '# HELP deepearth_queue_workers Workers that are connected.',
    '# TYPE deepearth_queue_workers gauge',
    `deepearth_queue_workers{${label}} ${workers}`,
    '',
  ].join('\n');
}
