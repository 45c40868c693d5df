// `deepearth merge`: makes one result of the shards of a pipeline, the same as a run that was not cut.

import { DeepEarthError } from '@deepearth/core/errors';
import type { RunEvent } from '@deepearth/core/events';
import { isMerged, MissingShardsError, prepareMerge, type ReadyMerge } from '@deepearth/runtime/merge-shards';
import { shardText } from '@deepearth/runtime/shards';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../format.ts';
import { loadPipeline } from '../load-pipeline.ts';
import { outputFor } from '../output-for.ts';
import { remark, warn } from '../print.ts';
import { reportError } from '../report-error.ts';
import { pipelineCommand } from '../shell.ts';
import { tellError, tellingErrors } from '../telling-errors.ts';
import { runLoaded, shownFolder } from './run.ts';

export interface MergeFlags {
  readonly set?: readonly string[];
  readonly output?: string;
  readonly overwrite?: boolean;
  readonly keepShards?: boolean;
  readonly json?: boolean;
}

/** How many missing shards are named with their commands. */
const shownShards = 20;

export const mergeCommand = (file: string, flags: MergeFlags): Promise<number> =>
  tellingErrors(flags.json, () => mergeFile(file, flags));

async function mergeFile(file: string, flags: MergeFlags): Promise<number> {
  const loaded = await loadPipeline(file, flags.set);
  const output = outputFor(file, flags.output, loaded.output);
  let ready: ReadyMerge;
  try {
    ready = await prepareMerge(loaded.pipeline, output);
  } catch (error) {
    if (!(error instanceof MissingShardsError)) {
      const noShards = error instanceof DeepEarthError && error.code === 'E_NO_SHARDS';
      if (!noShards || !(await isMerged(loaded.pipeline, output))) throw error;
      remark(`There are no shards in ${shownFolder(output)} any more, and the result of this pipeline is whole.`);
      return exitCodes.done;
    }
    tellError(error, flags.json);
    const status = await reportError(error);
    const { missing } = error;
    for (const shard of missing.slice(0, shownShards)) {
      const command = pipelineCommand('run', file, flags, ['--shard', shardText(shard)]);
      remark(`  ${command}  # ${shard.reason}`);
    }
    if (missing.length > shownShards) remark(`  … and ${missing.length - shownShards} more`);
    return status;
  }
  const encoded = encodedHere();
  const status = await runLoaded(loaded, {
    output,
    resume: true,
    overwrite: flags.overwrite,
    json: flags.json,
    former: [ready.tokens],
    again: pipelineCommand('merge', file, flags),
    see: encoded.see,
  });
  const count = encoded.count();
  if (count > 0 && status === exitCodes.done)
    warn(
      `${plural(count, 'clip')} of this result ${count === 1 ? 'was' : 'were'} in no shard and had to be encoded here.`,
    );
  if (status === exitCodes.done && !flags.keepShards) await remove(ready);
  return status;
}

/** Counts the clips that the encoders of a run encode instead of finding them; the first is told. */
function encodedHere(): { see(event: RunEvent): void; count(): number } {
  const done = new Map<string, number>();
  return {
    see(event) {
      if (event.type !== 'progress' || event.step !== 'encode') return;
      if (done.size === 0)
        warn(
          `${event.stage}: a clip is in no shard, and is encoded here; has an input or the model changed since the shards ran?`,
        );
      done.set(event.stage, event.done);
    },
    count: () => [...done.values()].reduce((sum, each) => sum + each, 0),
  };
}

/** The result is whole: a shard that is being run again is no failure of the merge. */
async function remove(ready: ReadyMerge): Promise<void> {
  try {
    await ready.remove();
  } catch (error) {
    if (!(error instanceof DeepEarthError)) throw error;
    warn(`the shards stay: ${error.message}`);
  }
}
