// What lies in the queue: a part of a pipeline (a shard), or what is made of all parts (the merge).

import { createHash } from 'node:crypto';

/** A pipeline whose parts are worked on. Every worker sees the same files under the same paths. */
export interface QueuedPipeline {
  /** Absolute path of the YAML file. */
  readonly pipeline: string;
  /** SHA-256 of the file when it was queued: a worker that finds another one refuses it. */
  readonly sha256: string;
  /** Absolute path of the output folder. */
  readonly output: string;
  /** `PATH=VALUE`, as `--set` takes them. */
  readonly set: readonly string[];
  /** The name of its work: a digest of inputs, options and weights. */
  readonly work: string;
}

/** An attempt that failed. */
export interface Failure {
  readonly worker: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly reason: string;
}

/** The data of a job. */
export interface JobData extends QueuedPipeline {
  /** Which part, counted from 1, of how many; left out of the merge, which needs all parts. */
  readonly shard?: { readonly index: number; readonly of: number };
  readonly failures?: readonly Failure[];
  /** How often a worker has left the job to another one since its last attempt. */
  readonly passes?: number;
}

/** The kinds of jobs, as BullMQ shows them. */
export const jobNames = ['shard', 'merge'] as const;
/** Part of a pipeline, or what is made of all parts. */
export type JobName = (typeof jobNames)[number];

/** The parts of a pipeline, as data of jobs. */
export const partsOf = (pipeline: QueuedPipeline, shards: number): JobData[] =>
  Array.from({ length: shards }, (_, index) => ({ ...pipeline, shard: { index: index + 1, of: shards } }));

/** How a job is called where people read it: `pipeline.yaml 3/8`, `pipeline.yaml merge`. */
export function jobTitle({ pipeline, shard }: Pick<JobData, 'pipeline' | 'shard'>): string {
  const file = pipeline.slice(Math.max(pipeline.lastIndexOf('/'), pipeline.lastIndexOf('\\')) + 1);
  return `${file} ${shard ? `${shard.index}/${shard.of}` : 'merge'}`;
}

/**
 * The name of a job: the digest of what it does. The same pipeline with the same options into the same folder has the
 * same names, so adding it twice adds nothing.
 */
export function jobId({ pipeline, sha256, output, set, work, shard }: JobData): string {
  const meaning = JSON.stringify([pipeline, sha256, output, set, work, shard?.index ?? null, shard?.of ?? null]);
  return createHash('sha256').update(meaning).digest('hex').slice(0, 32);
}
