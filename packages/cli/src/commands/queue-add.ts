// `deepearth queue add`: the parts of a pipeline become jobs, and what is made of them a job that waits for all.

import { resolve } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { plan } from '@deepearth/core/plan';
import { manifestName } from '@deepearth/core/safe-path';
import { addPipeline, waitForPipeline, type Added, type QueuedPipeline } from '@deepearth/queue';
import { isMadeSince, resultMark } from '@deepearth/runtime/result-mark';
import { sha256OfFile } from '@deepearth/runtime/sha256-of-file';
import { openStore } from '@deepearth/runtime/open-store';
import { fittingStages } from '@deepearth/runtime/fitting-stages';
import { refuseOtherShards } from '@deepearth/runtime/shards-begun';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../format.ts';
import { jobsOfFlags, type JobFlags } from '../jobs.ts';
import { loadPipeline } from '../load-pipeline.ts';
import { outputFor } from '../output-for.ts';
import { parseWhole } from '../parse-number.ts';
import { print, remark } from '../print.ts';
import { openQueue, type QueueFlags } from './queue-flags.ts';

export interface QueueAddFlags extends QueueFlags, JobFlags {
  readonly set?: readonly string[];
  readonly output?: string;
  readonly priority?: string;
  readonly maxWaiting?: string;
  readonly wait?: boolean;
}

export async function queueAddCommand(file: string, flags: QueueAddFlags): Promise<number> {
  const priority = flags.priority === undefined ? undefined : parseWhole('--priority', flags.priority);
  const maxWaiting = flags.maxWaiting === undefined ? undefined : parseWhole('--max-waiting', flags.maxWaiting);
  const loaded = await loadPipeline(file, flags.set);
  const output = outputFor(file, flags.output, loaded.output);
  const planned = await plan(loaded.pipeline);
  const cut = jobsOfFlags(planned, flags);
  if (!cut)
    throw new DeepEarthError('Say into how many jobs the pipeline is cut.', {
      code: 'E_USAGE',
      remedy:
        'Give --jobs 8, or --job-seconds 60 and --clip-seconds; `deepearth plan` shows the jobs with the same flags.',
    });
  const { work, asked } = cut;
  await refuseOtherShards(output, work);
  if (asked !== undefined) remark(`There is work for ${plural(work.jobs.length, 'job')}, not for ${asked}.`);
  const pipeline = {
    pipeline: resolve(file),
    sha256: await sha256OfFile(file),
    output,
    set: flags.set ?? [],
    work: work.name,
    before: await resultMark(loaded.pipeline, output),
  } satisfies QueuedPipeline;
  const backend = await openQueue(flags);
  return cancellable(
    async ({ signal }) => {
      const options = {
        shards: work.jobs.length,
        fits: work.jobs.length > 1 && fittingStages(planned, work).length > 0,
        priority,
        maxWaiting,
        signal,
        onFull: (waiting: number) => remark(`${plural(waiting, 'job')} wait there; waiting for room.`),
      };
      const resultsGone = !(await openStore(pipeline.output).has(manifestName));
      const added = await addPipeline(backend, pipeline, { ...options, resultsGone });
      print(
        added.added === 0
          ? nothingNew(added, pipeline.output)
          : `Added ${plural(added.added, 'job')} for ${pipeline.output}: ${plural(work.jobs.length, 'part')}, and what is made of them.`,
      );
      if (!flags.wait) return exitCodes.done;
      const aside = await waitForPipeline(backend, pipeline, {
        ...options,
        isMade: () => isMadeSince(pipeline.before, output),
        onLost: (lost) => remark(`The queue has lost ${plural(lost, 'job')}; added again.`),
      });
      for (const { title, failures } of aside)
        remark(
          `${title} was set aside after ${plural(failures.length, 'try', 'tries')}: ${failures.at(-1)?.reason ?? ''}`,
        );
      if (aside.length === 0) return exitCodes.done;
      remark('When the cause is mended: deepearth queue retry');
      return exitCodes.failed;
    },
    { stopped: 'Stopped; jobs that were added stay in the queue.' },
  );
}

function nothingNew({ jobs, done, setAside }: Added, output: string): string {
  if (done) return `Nothing new: this pipeline is done, and its results are in ${output}.`;
  const there = `Nothing new: all ${jobs} jobs of this pipeline are in the queue`;
  return setAside === 0
    ? `${there}.`
    : `${there}, and ${setAside} of them set aside: \`deepearth queue status\` says why, \`deepearth queue retry\` tries again.`;
}
