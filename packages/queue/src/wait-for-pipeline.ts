// Waits until a queued pipeline is done, and puts back what a database lost.

import { addPipeline, type AddOptions } from './add-pipeline.ts';
import { jobId, partsOf, waves, type Failure, type QueuedPipeline } from './jobs.ts';
import { pause } from './pause.ts';
import type { QueueBackend } from './queue-backend.ts';
import { openJobs } from './queue-counts.ts';
import { queueStatus } from './queue-status.ts';

/** How a pipeline is waited for. */
export interface WaitOptions extends AddOptions {
  /** Called when jobs were lost and have been added again. */
  readonly onLost?: (added: number) => void;
  readonly everyMilliseconds?: number;
  /** Whether the result was made since the pipeline was queued: jobs that a database lost are not added again then. */
  readonly isMade?: () => Promise<boolean>;
}

/** A job of the pipeline that was set aside: without it nothing goes on. */
export interface SetAside {
  readonly title: string;
  readonly failures: readonly Failure[];
}

/**
 * Resolves when the merge is done (or its job lost and its result there), or with the jobs that were set aside when
 * nothing else of the pipeline can go on. A database that is away is waited for. Throws the signal's reason.
 */
export async function waitForPipeline(
  backend: QueueBackend,
  pipeline: QueuedPipeline,
  { everyMilliseconds = 1000, onLost, isMade, ...options }: WaitOptions,
): Promise<readonly SetAside[]> {
  const { shards, signal } = options;
  const merge = jobId(pipeline);
  const ours = new Set([merge, ...[partsOf(pipeline, shards), ...waves(pipeline, shards)].flat().map(jobId)]);
  const queue = backend.queue();
  // What the polls below meet is what counts.
  queue.on('error', () => undefined);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const state = await queue.getJobState(merge).catch(() => undefined);
      if (state === 'completed') return [];
      if (state === 'unknown') {
        if (await isMade?.()) return [];
        const added = await addPipeline(backend, pipeline, options).catch(() => undefined);
        if (added) onLost?.(added.added);
      } else if (state !== undefined) {
        const { failed, counts } = await queueStatus(backend, { most: 1000 });
        const aside = failed.filter(({ id }) => ours.has(id));
        if (aside.length > 0 && openJobs(counts) === 0) return aside;
      }
      await pause(everyMilliseconds, signal);
    }
  } finally {
    await queue.close();
  }
}
