// The parts that the encoding of one pipeline is cut into, and where each keeps what it makes.

import { join, resolve } from 'node:path';
import { onErrorSchema } from '@deepearth/core/on-error';
import type { Pipeline, PipelineStage } from '@deepearth/core/pipeline';
import { plan } from '@deepearth/core/plan';
import { stateFolder } from '@deepearth/core/safe-path';
import { encodingPart, workList, type Job, type WorkList } from '@deepearth/core/work-list';
import { refuseOtherResults } from './other-results.ts';
import { fittingStages, type FittingStage } from './fitting-stages.ts';
import { isS3 } from './s3-address.ts';
import { shardSink } from './shard-sink.ts';
import { agreeOnWork } from './shared-work-list.ts';
import { makeStateFolder } from './state-folder.ts';

/** One part of so many. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly of: number;
}

/** For people and commands: `2/8`. */
export const shardText = ({ index, of }: Shard): string => `${index}/${of}`;

/** Where the shards of an output lie: a folder, or a place in S3. */
export const shardsFolder = (output: string): string =>
  isS3(output) ? `${output.replace(/\/+$/, '')}/${stateFolder}/shards` : join(resolve(output), stateFolder, 'shards');

/** Where one shard lies: a store of its own, with lock, journal and manifest. */
export const shardFolder = (output: string, { index, of }: Shard): string => {
  const shards = shardsFolder(output);
  const name = `${index}-of-${of}`;
  return isS3(output) ? `${shards}/${name}` : join(shards, name);
};

/** Where a shard keeps what becomes of its tokens once all are fitted to: a store of its own, too. */
export const placesFolder = (output: string, shard: Shard): string => `${shardFolder(output, shard)}-placed`;

/**
 * The encoding of a pipeline in so many jobs. Throws what `plan` throws, also for stages that follow the encoders: what
 * the merge would refuse is not encoded.
 */
export const jobsOf = async (pipeline: Pipeline, count: number, signal?: AbortSignal): Promise<WorkList> =>
  workList(await plan(pipeline, signal ? { signal } : {}), count);

/** A shard that is ready to run: `run(pipeline, { output, clips, resume: true })`. */
export interface ReadyShard {
  readonly job: Job;
  /** What the shard runs: the stages up to the encoders, a sink that keeps their tokens, and parts of fits. */
  readonly pipeline: Pipeline;
  /** The shard's own place: an absolute folder, or an address in S3. */
  readonly output: string;
  /** The part of the clips; absent where it is all of them. */
  readonly clips?: NonNullable<Job['clips']>;
  /** Whether there is nothing to do. */
  readonly empty: boolean;
  /** Whether it makes parts of fits, so that `preparePlacing` has something to do once all shards are there. */
  readonly fitting: boolean;
  readonly notes: readonly string[];
}

/** How a shard is made ready. */
export interface ShardOptions {
  /**
   * Whether the merge may replace and remove the results of another pipeline that lie in the output folder; a shard
   * does not.
   */
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Makes a shard of a pipeline ready. The shards of an output agree on their work: the first takes it down, and
 * one whose number of parts, options or input differ is refused (`E_SHARDS_DIFFER`). Throws what `plan` throws, and
 * `E_OTHER_PIPELINE` as `run` does.
 */
export async function prepareShard(
  pipeline: Pipeline,
  output: string,
  shard: Shard,
  { overwrite = false, signal }: ShardOptions = {},
): Promise<ReadyShard> {
  if (!overwrite) await refuseOtherResults(pipeline, output);
  const planned = await plan(pipeline, signal ? { signal } : {});
  const work = workList(planned, shard.of);
  if (!isS3(output)) await makeStateFolder(join(resolve(output), stateFolder));
  await agreeOnWork(shardsFolder(output), work);
  const job = work.jobs[shard.index - 1]!;
  const fitting = fittingStages(planned, work);
  return {
    job,
    pipeline: withParts(keepingTokens(encodingPart(pipeline)), fitting, shard),
    output: shardFolder(output, shard),
    ...(job.clips && { clips: job.clips }),
    empty: job.clips?.length === 0,
    fitting: fitting.length > 0,
    notes: work.notes,
  };
}

/** A pipeline with stages that make a shard's parts of fits. */
function withParts(pipeline: Pipeline, fitting: readonly FittingStage[], { index }: Shard): Pipeline {
  const parts = fitting.map(({ stage, shared, first }) => ({
    ...stage,
    definition: shared.collect(first[index - 1]!),
  }));
  return { ...pipeline, stages: [...pipeline.stages, ...parts] };
}

/** A pipeline whose encoders send to a sink that keeps their tokens for the merge. */
function keepingTokens({ stages, ...pipeline }: Pipeline): Pipeline {
  const encoders = stages.filter(({ definition }) => definition.kind === 'encoder');
  if (encoders.length === 0) return { ...pipeline, stages };
  const ids = new Set(stages.map(({ id }) => id));
  let id = 'shard';
  while (ids.has(id)) id += '-tokens';
  const sink: PipelineStage = {
    id,
    definition: shardSink,
    options: {},
    from: encoders.map((encoder) => encoder.id),
    onError: onErrorSchema.parse('fail'),
    locate: () => ({ file: `<${pipeline.name}>` }),
  };
  return { ...pipeline, stages: [...stages, sink] };
}
