// What lies in the queue: a part of a pipeline (a shard), a fit to all parts and their placing by it, or what is made
// of all (the merge).

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
  /**
   * What lay in the output when the pipeline was queued (`resultMark` of @deepearth/runtime), so that a worker knows a
   * result that was made since: by the merge of a queue that lost what it knew, say.
   */
  readonly before?: string;
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
  /** The part is run once more, now that all are there: it places its tokens by a fit, which the first one makes. */
  readonly again?: boolean;
  /** Of a merge whose parts fit together: how many there are, and how many of its `waves` have begun. */
  readonly fitting?: { readonly shards: number; readonly begun: number };
  readonly failures?: readonly Failure[];
  /** How often a worker has left the job to another one since its last attempt. */
  readonly passes?: number;
}

/** The kinds of jobs, as BullMQ shows them. */
export const jobNames = ['shard', 'fit', 'place', 'merge'] as const;
/** Part of a pipeline, a fit to all parts, a part placed by it, or what is made of all parts. */
export type JobName = (typeof jobNames)[number];

/** The parts of a pipeline, as data of jobs. */
export const partsOf = (pipeline: QueuedPipeline, shards: number): JobData[] =>
  Array.from({ length: shards }, (_, index) => ({ ...pipeline, shard: { index: index + 1, of: shards } }));

/**
 * What is done once all parts are there, before the merge: one of them makes the fits, so that none waits for another,
 * and then the others place their tokens.
 */
export function waves(pipeline: QueuedPipeline, shards: number): readonly (readonly JobData[])[] {
  const [fit, ...places] = partsOf(pipeline, shards).map((part) => ({ ...part, again: true }));
  return [[fit!], places];
}

/** What kind of job it is. */
export const jobName = ({ shard, again }: Pick<JobData, 'shard' | 'again'>): JobName =>
  !shard ? 'merge' : !again ? 'shard' : shard.index === 1 ? 'fit' : 'place';

/** How a job is called where people read it: `pipeline.yaml 3/8`, `pipeline.yaml fit`, `pipeline.yaml merge`. */
export function jobTitle(data: Pick<JobData, 'pipeline' | 'shard' | 'again'>): string {
  const { pipeline, shard } = data;
  const file = pipeline.slice(Math.max(pipeline.lastIndexOf('/'), pipeline.lastIndexOf('\\')) + 1);
  const part = shard && `${shard.index}/${shard.of}`;
  const titles = { shard: part, fit: 'fit', place: `place ${part}`, merge: 'merge' };
  return `${file} ${titles[jobName(data)]}`;
}

/**
 * The name of a job: the digest of what it does. The same pipeline with the same options into the same folder has the
 * same names, so adding it twice adds nothing.
 */
export function jobId({ pipeline, sha256, output, set, work, shard, again }: JobData): string {
  const part = [shard?.index ?? null, shard?.of ?? null, ...(again ? ['again'] : [])];
  const meaning = JSON.stringify([pipeline, sha256, output, set, work, ...part]);
  return createHash('sha256').update(meaning).digest('hex').slice(0, 32);
}
