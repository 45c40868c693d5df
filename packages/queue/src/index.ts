// A queue of pipelines: BullMQ on Redis, Valkey or PostgreSQL.

export { addPipeline, attempts, type Added, type AddOptions } from './add-pipeline.ts';
export {
  jobId,
  jobName,
  jobNames,
  jobTitle,
  partsOf,
  waves,
  type Failure,
  type JobData,
  type JobName,
  type QueuedPipeline,
} from './jobs.ts';
export {
  queueBackend,
  type PipelineQueue,
  type PipelineWorker,
  type QueueBackend,
  type QueuePlace,
} from './queue-backend.ts';
export { openJobs, type QueueCounts } from './queue-counts.ts';
export { prometheusText, queueStatus, type JobStatus, type QueueStatus } from './queue-status.ts';
export { reachQueue } from './reach-queue.ts';
export { removeWaiting } from './remove-waiting.ts';
export { retryFailed } from './retry-failed.ts';
export { CommandFailed, runCommand, type CommandOptions, type JobProgress } from './run-command.ts';
export { work, type WorkEvent, type Working, type WorkOptions } from './work.ts';
export { waitForPipeline, type SetAside, type WaitOptions } from './wait-for-pipeline.ts';
