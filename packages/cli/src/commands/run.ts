// `deepearth run`: runs a pipeline, shows how far it is, and says what it left.

import { existsSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import type { LoadedConfig } from '@deepearth/runtime/config';
import { run, type RunOptions } from '@deepearth/runtime/run';
import type { ReadyPlacing } from '@deepearth/runtime/shard-fits';
import { isS3 } from '@deepearth/runtime/s3-address';
import { CancelledError } from '@deepearth/core/errors';
import type { RunEvent } from '@deepearth/core/events';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { explorable } from '../explore/explorable.ts';
import { plural } from '../format.ts';
import { keepsTokens } from '../keeps-tokens.ts';
import { outputFor } from '../output-for.ts';
import { loadPipeline } from '../load-pipeline.ts';
import { print, printJsonLine, remark } from '../print.ts';
import { errorLine, reportError } from '../report-error.ts';
import { runSummary } from '../run-summary.ts';
import { runTally } from '../run-tally.ts';
import { chosenShard, type ChosenShard } from '../shard-flag.ts';
import { exploreCommand, pipelineCommand, resumeCommand } from '../shell.ts';
import { showJson, showProgress, showRemarks, type RunView } from '../show-run.ts';
import { styleOf } from '../style.ts';
import { tellingErrors } from '../telling-errors.ts';
import { cliVersions } from '../versions.ts';

export interface RunFlags {
  readonly set?: readonly string[];
  readonly output?: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly json?: boolean;
  /** `2/8` or `/8`; false for `--no-shard`. */
  readonly shard?: string | false;
}

/** An address in S3 as it is; a folder as it was given, or from the working directory where it lies below it. */
export function shownFolder(folder: string): string {
  if (isS3(folder)) return folder;
  const near = relative(process.cwd(), folder);
  return near && !near.startsWith('..') && !isAbsolute(near) ? near : folder;
}

export const runCommand = (file: string, flags: RunFlags): Promise<number> =>
  tellingErrors(flags.json, () => runFile(file, flags));

async function runFile(file: string, flags: RunFlags): Promise<number> {
  const shard = chosenShard(flags.shard, process.env);
  if (shard) return runShard(file, shard, flags);
  const loaded = await loadPipeline(file, flags.set);
  const output = outputFor(file, flags.output, loaded.output);
  if (flags.resume && !isS3(output) && !existsSync(output))
    remark(`There is no ${shownFolder(output)} to go on from: everything is made.`);
  return runLoaded(loaded, {
    output,
    resume: flags.resume,
    overwrite: flags.overwrite,
    json: flags.json,
    again: resumeCommand(file, flags),
  });
}

/** Runs one part of the encoding; what needs everything is left to `merge`. */
async function runShard(file: string, shard: ChosenShard, flags: RunFlags): Promise<number> {
  const { prepareShard, shardText } = await import('@deepearth/runtime/shards');
  const text = shardText(shard);
  if (shard.from !== undefined)
    remark(`This is shard ${text}, by ${shard.from}; --shard names another, --no-shard runs the whole pipeline.`);
  const loaded = await loadPipeline(file, flags.set);
  const output = outputFor(file, flags.output, loaded.output);
  const merge = pipelineCommand('merge', file, flags);
  const again = pipelineCommand('run', file, flags, ['--shard', text]);
  const placed = await placeTokens(loaded, output, shard, { json: flags.json, again });
  if (placed !== undefined) {
    if (placed === exitCodes.done || placed === exitCodes.skipped)
      remark(`The tokens of shard ${text} are placed. When those of all ${shard.of} are:\n  ${merge}`);
    return placed;
  }
  const {
    pipeline,
    output: folder,
    clips,
    empty,
    fitting,
    notes,
  } = await prepareShard(loaded.pipeline, output, shard, flags.overwrite ? { overwrite: true } : {});
  for (const note of notes) remark(`${note}.`);
  if (empty) {
    remark(`Shard ${text} has nothing to do.`);
    return exitCodes.done;
  }
  const status = await runLoaded(
    { ...loaded, pipeline },
    {
      output: folder,
      ...(clips && { clips }),
      resume: true,
      json: flags.json,
      again,
    },
  );
  if (status === exitCodes.done || status === exitCodes.skipped)
    remark(
      `Shard ${text} is there. When all ${shard.of} are:\n  ${merge}${fitting ? `\nor first each shard once more, to place its tokens:\n  ${again}` : ''}`,
    );
  return status;
}

/**
 * What a shard does once all shards are there: it makes the fits that they share, or waits for them, and places its
 * tokens. Returns the exit status; `undefined` where there is something to encode first, or nothing to place.
 */
async function placeTokens(
  loaded: LoadedConfig,
  output: string,
  shard: ChosenShard,
  shown: Pick<LoadedRun, 'json' | 'again'>,
): Promise<number | undefined> {
  const { preparePlacing } = await import('@deepearth/runtime/shard-fits');
  let ready: ReadyPlacing | undefined;
  let fitted: string | undefined;
  const status = await cancellable(async ({ signal }) => {
    ready = await preparePlacing(loaded.pipeline, output, shard, {
      signal,
      onProgress(stage) {
        if (stage !== fitted) remark(`Fitting ${stage} to the tokens of all shards.`);
        fitted = stage;
      },
      onLeft: (stage, reason) => remark(`The fit of ${stage} is left to the merge: ${reason}`),
    });
    return exitCodes.done;
  });
  if (status !== exitCodes.done || !ready) return status === exitCodes.done ? undefined : status;
  if (ready.empty) return exitCodes.done;
  const { pipeline, clips, former } = ready;
  return runLoaded(
    { ...loaded, pipeline },
    { output: ready.output, ...(clips && { clips }), former: [former], resume: true, ...shown },
  );
}

/** How a pipeline that has been read is run. */
export interface LoadedRun extends Pick<RunOptions, 'clips' | 'former'> {
  /** An absolute path, or "s3://bucket/prefix". */
  readonly output: string;
  readonly resume?: boolean | undefined;
  readonly overwrite?: boolean | undefined;
  readonly json?: boolean | undefined;
  /** The command that goes on where a run was stopped. */
  readonly again: string;
  /** Called when the folder is the run's and work begins. */
  readonly started?: () => void;
  /** Called with every event. */
  readonly see?: (event: RunEvent) => void;
}

/** Runs a pipeline to its end, with what is to be seen of it; returns the exit status. */
export async function runLoaded(
  { pipeline, registry, maxMemoryBytes }: LoadedConfig,
  { output, resume = false, overwrite = false, json: asked = false, again, started, see: also, ...part }: LoadedRun,
): Promise<number> {
  const json = asked || !process.stdout.isTTY;
  // On one terminal, JSON lines and a block that is redrawn would write over each other.
  const live = process.stderr.isTTY && !(json && process.stdout.isTTY);
  const folder = shownFolder(output);

  let view: RunView | undefined;
  return cancellable(
    async ({ signal, status: stoppedBy }) => {
      const running = run(pipeline, {
        output,
        signal,
        registry,
        resume,
        overwrite,
        ...part,
        ...(maxMemoryBytes !== undefined && { maxMemoryBytes }),
        versions: cliVersions(),
      });
      if (json) showJson(running.events$);
      view = (live ? showProgress : showRemarks)(running.events$, process.stderr);
      const { see, tally } = runTally();
      running.events$.subscribe(see);
      if (also) running.events$.subscribe(also);
      let written = 0;
      let removed = 0;
      running.events$.subscribe(({ type }) => {
        if (type === 'run-started') started?.();
        written += Number(type === 'artifact');
        removed += Number(type === 'removed');
      });
      try {
        const { status } = await running.end;
        view.close();
        if (json) remark(runSummary(tally(), folder, styleOf(process.stderr)));
        else print(runSummary(tally(), folder, styleOf(process.stdout)));
        if (!isS3(output) && explorable(pipeline))
          (json ? remark : print)(`To look into it:\n  ${exploreCommand(folder)}`);
        if (removed) remark(`Removed ${plural(removed, 'file')} of an earlier run that this one does not write.`);
        return status === 'skipped' ? exitCodes.skipped : exitCodes.done;
      } catch (error) {
        view.close();
        const stopped = stoppedBy();
        if (stopped === undefined) {
          if (json) printJsonLine(errorLine(error));
          const status = await reportError(error);
          if (written)
            remark(
              `${plural(written, 'file')} in ${folder} ${written === 1 ? 'is' : 'are'} whole. When the cause is mended:\n  ${again}`,
            );
          return status;
        }
        // Ctrl-C reaches child processes too: what fails because of that is no news.
        if (process.env.DEEPEARTH_DEBUG === '1' && !(error instanceof CancelledError)) remark(String(error));
        const tokens = keepsTokens(pipeline) ? '' : ' Tokens are made again: only sink/features keeps them.';
        remark(`Stopped. Every file in ${folder} is whole.${tokens} To go on:\n  ${again}`);
        return stopped;
      }
    },
    { onCancel: () => view?.say('Stopping after the step at hand; Ctrl-C once more stops at once.') },
  );
}
