// Takes jobs of a queue and works on them, until it is stopped.

import { hostname } from 'node:os';
import { DelayedError, WaitingChildrenError, type Job } from 'bullmq';
import { jobOptions } from './add-pipeline.ts';
import { jobName, jobTitle, waves, type Failure, type JobData, type JobName } from './jobs.ts';
import type { JobProgress } from './run-command.ts';
import type { PipelineQueue, QueueBackend } from './queue-backend.ts';

/** What a worker tells of its work; one JSON line each. */
export type WorkEvent =
  | { readonly type: 'started' | 'done' | 'passed-on'; readonly job: string; readonly title: string }
  | ({ readonly type: 'progress'; readonly job: string; readonly title: string } & JobProgress)
  | {
      readonly type: 'failed' | 'set-aside';
      readonly job: string;
      readonly title: string;
      readonly reason: string;
      /** Which attempt it was, from 1. */
      readonly attempt: number;
    }
  | { readonly type: 'trouble'; readonly message: string };

/** How jobs are worked on. */
export interface WorkOptions {
  /** Does one job. Throws what made it fail; is to stop soon when the signal is aborted, and throw. */
  readonly perform: (
    data: JobData,
    at: { readonly slot: number; readonly signal: AbortSignal; readonly onProgress: (progress: JobProgress) => void },
  ) => Promise<void>;
  /** How many jobs at a time. */
  readonly concurrency?: number;
  /** A worker that shows no life for this long has lost its jobs to others. */
  readonly lockMilliseconds?: number;
  /** Unique for each worker; the host's name and the process's number by default. */
  readonly name?: string;
  readonly onEvent?: (event: WorkEvent) => void;
}

/** A worker that has begun. */
export interface Working {
  /** Takes no further job, and resolves when those at hand are done. */
  drain(): Promise<void>;
  /** Stops the jobs at hand, too; they go back into the queue, and the attempt does not count. */
  stop(): Promise<void>;
}

/** A run is started again as often as its machine dies, within reason. */
const mostStalls = 5;
/** A job that is left to another worker can be taken after this long, and this worker takes none for as long again. */
const passMilliseconds = 500;
const mostPasses = 5;
/** How long a job waits whose part another worker is still at, one that was taken for dead. */
const busyMilliseconds = 5000;
/** Progress is told at most this often for a job. */
const progressMilliseconds = 1000;

/**
 * Works on the jobs of a queue. A job that fails is tried again, on another worker where there is one, and set aside
 * with its reasons after the last attempt (`failed` in BullMQ). The jobs of a worker that dies go to others when its
 * lock has run out.
 */
export async function work(
  backend: QueueBackend,
  {
    perform,
    concurrency = 1,
    lockMilliseconds = 30_000,
    name = `${hostname()}:${process.pid}`,
    onEvent = () => undefined,
  }: WorkOptions,
): Promise<Working> {
  const queue = backend.queue();
  const stopping = new AbortController();
  const free = Array.from({ length: concurrency }, (_, slot) => slot);
  let away: NodeJS.Timeout | undefined;
  const stayAway = (): void => {
    clearTimeout(away);
    void worker.pause(true);
    away = setTimeout(() => void worker.resume(), 2 * passMilliseconds);
  };

  const worker = backend.worker(
    async (job, token) => {
      const about = { job: job.id!, title: jobTitle(job.data) };
      const later = async (milliseconds: number): Promise<never> => {
        await job.moveToDelayed(Date.now() + milliseconds, token);
        throw new DelayedError();
      };
      if (await isForAnother(job, name, queue)) {
        await job.updateData({ ...job.data, passes: (job.data.passes ?? 0) + 1 });
        onEvent({ type: 'passed-on', ...about });
        stayAway();
        return later(passMilliseconds);
      }
      if (await hasMoreToCome(job, token!, queue)) throw new WaitingChildrenError();
      const slot = free.shift() ?? 0;
      let shown = -Infinity;
      onEvent({ type: 'started', ...about });
      try {
        await perform(job.data, {
          slot,
          signal: stopping.signal,
          onProgress(progress) {
            if (performance.now() - shown < progressMilliseconds) return;
            shown = performance.now();
            onEvent({ type: 'progress', ...about, ...progress });
            job.updateProgress({ ...progress }).catch(() => undefined);
          },
        });
      } catch (error) {
        if (stopping.signal.aborted) return later(0);
        if ((error as { code?: string }).code === 'E_OUTPUT_BUSY') return later(busyMilliseconds);
        const reason = error instanceof Error ? error.message : String(error);
        const attempt = job.attemptsMade + 1;
        const failure: Failure = { worker: name, at: new Date().toISOString(), reason };
        await job.updateData({ ...job.data, passes: 0, failures: [...(job.data.failures ?? []), failure] });
        const last = attempt >= (job.opts.attempts ?? 1);
        onEvent({ type: last ? 'set-aside' : 'failed', ...about, reason, attempt });
        throw error;
      } finally {
        free.push(slot);
      }
      onEvent({ type: 'done', ...about });
      return undefined;
    },
    {
      name,
      concurrency,
      lockDuration: lockMilliseconds,
      stalledInterval: lockMilliseconds,
      maxStalledCount: mostStalls,
    },
  );
  worker.on('error', ({ message }) => onEvent({ type: 'trouble', message }));
  queue.on('error', () => undefined);
  await worker.waitUntilReady();
  const close = async (): Promise<void> => {
    clearTimeout(away);
    await worker.close();
    await queue.close();
  };
  return {
    drain: close,
    async stop() {
      stopping.abort(new Error('the worker was stopped'));
      await close();
    },
  };
}

/**
 * Begins what is to be done before a merge now that its parts are there. Returns whether it has to wait for that; a
 * merge that died in the middle begins it again, which adds nothing twice.
 */
async function hasMoreToCome(
  job: Job<JobData, unknown, JobName>,
  token: string,
  queue: PipelineQueue,
): Promise<boolean> {
  for (;;) {
    const { fitting, failures: _, passes: __, ...pipeline } = job.data;
    const wave = fitting && waves(pipeline, fitting.shards)[fitting.begun];
    if (!wave) return false;
    const parent = { id: job.id!, queue: job.queueQualifiedName };
    await queue.addBulk(
      wave.map((data) => ({ name: jobName(data), data, opts: { ...jobOptions(data, job.opts.priority), parent } })),
    );
    await job.updateData({ ...job.data, fitting: { ...fitting, begun: fitting.begun + 1 } });
    if (await job.moveToWaitingChildren(token)) return true;
  }
}

/**
 * Whether a job that failed here last is better tried by another worker: one attempt on a broken machine says little.
 */
async function isForAnother(
  { data }: Job<JobData, unknown, JobName>,
  name: string,
  queue: PipelineQueue,
): Promise<boolean> {
  const { failures = [], passes = 0 } = data;
  if (failures.at(-1)?.worker !== name || passes >= mostPasses) return false;
  if (new Set(failures.map(({ worker }) => worker)).size > 1) return false;
  return (await queue.getWorkersCount()) > 1;
}
