// `deepearth queue work`: does jobs of a queue, each in a process of its own.

import { setTimeout as pause } from 'node:timers/promises';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { openJobs, queueStatus, runCommand, work, type JobData, type WorkEvent } from '@deepearth/queue';
import { isBusy } from '@deepearth/runtime/is-busy';
import { clearMerged } from '@deepearth/runtime/merge-shards';
import { isMadeSince } from '@deepearth/runtime/result-mark';
import { sha256OfFile } from '@deepearth/runtime/sha256-of-file';
import { shardText } from '@deepearth/runtime/shards';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../format.ts';
import { parseWhole } from '../parse-number.ts';
import { print, printJsonLine, remark } from '../print.ts';
import { openQueue, type QueueFlags } from './queue-flags.ts';

export interface QueueWorkFlags extends QueueFlags {
  readonly concurrency?: string;
  readonly gpus?: string;
  readonly lockSeconds: string;
  readonly untilIdle?: string;
  readonly json?: boolean;
}

const lookMilliseconds = 500;

export async function queueWorkCommand(flags: QueueWorkFlags): Promise<number> {
  const gpus = flags.gpus?.split(',').map((gpu) => parseGpu(gpu.trim()));
  const concurrency =
    flags.concurrency === undefined ? (gpus?.length ?? 1) : parseWhole('--concurrency', flags.concurrency);
  const idleSeconds = flags.untilIdle === undefined ? Infinity : parseWhole('--until-idle', flags.untilIdle, 0);
  const lockMilliseconds = 1000 * parseWhole('--lock-seconds', flags.lockSeconds);
  const json = flags.json ?? !process.stdout.isTTY;
  const backend = await openQueue(flags);
  return cancellable(
    async ({ signal }) => {
      let lastEvent = performance.now();
      const worker = await work(backend, {
        concurrency,
        lockMilliseconds,
        async perform(data, { slot, ...at }) {
          await refuseChanged(data);
          if (await isMade(data)) return;
          const gpu = gpus?.[slot % gpus.length];
          const env = gpu === undefined ? process.env : { ...process.env, CUDA_VISIBLE_DEVICES: gpu };
          await runCommand(commandOf(data), { ...at, env });
        },
        onEvent(event) {
          lastEvent = performance.now();
          if (json) printJsonLine(event);
          else tell(event);
        },
      });
      remark(
        `Working on ${backend.shown}, ${plural(concurrency, 'job')} at a time; Ctrl-C ends after the jobs at hand.`,
      );
      try {
        while (!signal.aborted) {
          await pause(lookMilliseconds, undefined, { signal }).catch(() => undefined);
          if (performance.now() - lastEvent < idleSeconds * 1000) continue;
          if (openJobs((await queueStatus(backend, { most: 1 })).counts) === 0) break;
        }
      } finally {
        await worker.drain();
      }
      return exitCodes.done;
    },
    { onCancel: () => remark('Stopping after the jobs at hand; once more to stop at once.') },
  );
}

/** What CUDA_VISIBLE_DEVICES takes for one device: a number, or a name that begins with its kind. */
function parseGpu(gpu: string): string {
  if (/^(\d+|(GPU|MIG)-[\w/-]+)$/.test(gpu)) return gpu;
  throw new DeepEarthError(
    `--gpus: expected numbers of devices, or names like GPU-… and MIG-…, got ${JSON.stringify(gpu)}.`,
    {
      code: 'E_USAGE',
      remedy: 'For example --gpus 0,1.',
    },
  );
}

/** The command of a job: this program with these flags of Node. */
function commandOf({ pipeline, output, set, shard }: JobData): [string, ...string[]] {
  const node = [process.execPath, ...process.execArgv, process.argv[1]!] as [string, ...string[]];
  const options = ['--output', output, ...set.flatMap((value) => ['--set', value]), '--json'];
  return shard
    ? [...node, 'run', pipeline, ...options, '--shard', shardText(shard)]
    : [...node, 'merge', pipeline, ...options];
}

/**
 * Whether the result was made since the job was queued. A database that loses what it knew while a merge is at it is
 * given all jobs again, but the merge goes on to its end, and removes the shards: a part that began before that would
 * be encoded once more. Throws an `InputError` (`E_OUTPUT_BUSY`) where a part has to wait for such a merge.
 */
async function isMade({ before, output, shard }: JobData): Promise<boolean> {
  if (before === undefined) return false;
  if (shard && (await isBusy(output)))
    throw new InputError(output, 'is being merged.', { code: 'E_OUTPUT_BUSY', remedy: 'Wait for it.' });
  if (!(await isMadeSince(before, output))) return false;
  if (!shard) await clearMerged(output);
  return true;
}

/** A pipeline that was edited since it was queued would give parts that do not fit together. */
async function refuseChanged({ pipeline, sha256 }: JobData): Promise<void> {
  if ((await sha256OfFile(pipeline)) !== sha256)
    throw new DeepEarthError(`${pipeline} was changed after it was queued.`, {
      code: 'E_QUEUE_CHANGED',
      remedy: 'Add it again with `deepearth queue add`.',
    });
}

function tell(event: WorkEvent): void {
  switch (event.type) {
    case 'started':
    case 'done':
      return print(`${event.title} ${event.type}`);
    case 'passed-on':
      return print(`${event.title} left to another worker`);
    case 'failed':
      return print(`${event.title} failed, try ${event.attempt}: ${event.reason}`);
    case 'set-aside':
      return print(`${event.title} set aside after ${plural(event.attempt, 'try', 'tries')}: ${event.reason}`);
    case 'trouble':
      return remark(event.message);
    case 'progress':
  }
}
