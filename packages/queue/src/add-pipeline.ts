// Puts a pipeline into the queue: its parts, and the merge that waits for all of them, and for a fit to them where
// there is one.

import type { FlowJob, JobsOptions } from 'bullmq';
import { DeepEarthError } from '@deepearth/core/errors';
import { jobId, jobName, partsOf, waves, type JobData, type QueuedPipeline } from './jobs.ts';
import { pause } from './pause.ts';
import { countsOf } from './queue-counts.ts';
import type { PipelineQueue, QueueBackend } from './queue-backend.ts';

/** How a pipeline is added. */
export interface AddOptions {
  readonly shards: number;
  /** Whether they fit together: once all are there they are run again, before the merge. Default: false. */
  readonly fits?: boolean;
  /** 1 (first) to 2,000,000; jobs without one go before all that have one. */
  readonly priority?: number | undefined;
  /** Adds nothing while this many jobs wait. */
  readonly maxWaiting?: number | undefined;
  /** The results of this pipeline are not there (any more): jobs that are done are done again. */
  readonly resultsGone?: boolean;
  readonly signal?: AbortSignal;
  /** Called once when there is no room. */
  readonly onFull?: (waiting: number) => void;
}

/** What adding a pipeline has done. */
export interface Added {
  /** The id of the merge. */
  readonly id: string;
  /**
   * How many jobs are new; those that lie there already, waiting or done, are left as they are. The jobs of a fit come
   * into the queue when the parts are there, and are not counted.
   */
  readonly added: number;
  readonly jobs: number;
  /** Whether the merge is done, and how many of the jobs were set aside. */
  readonly done: boolean;
  readonly setAside: number;
}

/** Parts of two cuts of one pipeline do not fit together: the first that begins refuses all of the other. */
async function refuseCutOtherwise(queue: PipelineQueue, pipeline: QueuedPipeline, merge: string): Promise<void> {
  const same = ({ sha256, output, set }: QueuedPipeline): string => JSON.stringify([sha256, output, set]);
  // Those that wait for their parts: one for each pipeline.
  const waiting = await queue.getJobs(['waiting-children']);
  if (!waiting.some((job) => job && job.id !== merge && same(job.data) === same(pipeline))) return;
  throw new DeepEarthError(`${pipeline.output}: this pipeline is in the queue already, cut into other parts.`, {
    code: 'E_SHARDS_DIFFER',
    remedy: 'Wait for it, remove it with `deepearth queue drain`, or choose another --output.',
  });
}

/** How often a job that fails is tried. */
export const attempts = 3;
/** After the first failure; twice as long after each further one. */
const backoffMilliseconds = 1000;
const defaultMaxWaiting = 100_000;
/** A finished job is kept so that adding it again adds nothing, and so that it can be looked at. */
const kept = { age: 14 * 24 * 3600, count: 200_000 };

/** How a job is put into the queue. */
export const jobOptions = (data: JobData, priority: number | undefined): JobsOptions => ({
  jobId: jobId(data),
  attempts,
  backoff: { type: 'exponential', delay: backoffMilliseconds, jitter: 0.5 },
  removeOnComplete: kept,
  ...(priority !== undefined && { priority }),
});

/**
 * Adds the jobs of a pipeline as one flow: all at once, or none. Waits while more than `maxWaiting` jobs wait
 * (backpressure). Throws what the database throws, the signal's reason, and a `DeepEarthError` (`E_SHARDS_DIFFER`)
 * where the same pipeline waits there in other parts.
 */
export async function addPipeline(
  backend: QueueBackend,
  pipeline: QueuedPipeline,
  { shards, fits = false, priority, maxWaiting = defaultMaxWaiting, resultsGone = false, signal, onFull }: AddOptions,
): Promise<Added> {
  const queue = backend.queue();
  const flows = backend.flows();
  try {
    for (let said = false; ;) {
      signal?.throwIfAborted();
      const { waiting, prioritized, delayed } = await countsOf(queue);
      const ahead = waiting + prioritized + delayed;
      if (ahead < maxWaiting) break;
      if (!said) onFull?.(ahead);
      said = true;
      await pause(500, signal);
    }
    const node = (data: JobData): FlowJob & { data: JobData } => ({
      name: jobName(data),
      queueName: queue.name,
      data,
      opts: jobOptions(data, priority),
    });
    const parts = partsOf(pipeline, shards).map(node);
    const merge = node({ ...pipeline, ...(fits && { fitting: { shards, begun: 0 } }) });
    const ids = [merge, ...parts].map(({ data }) => jobId(data));
    const statesOf = (some: readonly string[]) => Promise.all(some.map((id) => queue.getJobState(id)));
    let states = await statesOf(ids);
    if (resultsGone && states[0] === 'completed') {
      const later = fits ? waves(pipeline, shards).flat().map(jobId) : [];
      const all = [...states, ...(await statesOf(later))];
      for (const [i, id] of [...ids, ...later].entries())
        if (all[i] === 'completed') await queue.remove(id, { removeChildren: false });
      states = await statesOf(ids);
    }
    const added = states.filter((state) => state === 'unknown').length;
    if (states[0] === 'unknown') await refuseCutOtherwise(queue, pipeline, ids[0]!);
    // A part that was lost (a database without persistence that was started again) comes back with the whole flow.
    if (added > 0) await flows.add({ ...merge, children: parts });
    const setAside = states.filter((state) => state === 'failed').length;
    return { id: ids[0]!, added, jobs: ids.length, done: states[0] === 'completed', setAside };
  } finally {
    await Promise.allSettled([flows.close(), queue.close()]);
  }
}
