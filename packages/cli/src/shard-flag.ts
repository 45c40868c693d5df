// Which shard a run is: by the flag, else by what Slurm or Kubernetes say of a task of an array.

import { DeepEarthError } from '@deepearth/core/errors';
import { shardText, type Shard } from '@deepearth/runtime/shards';

/** A shard, and what said so where it was not the flag alone. */
export interface ChosenShard extends Shard {
  readonly from?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The place of a task among its array, from 0, and how many tasks the array has, where that is said. */
interface Task {
  readonly position: number;
  /** The number that the task goes by. */
  readonly number: number;
  readonly count?: number;
  readonly from: string;
}

const usage = (message: string, remedy: string): DeepEarthError =>
  new DeepEarthError(message, { code: 'E_USAGE', remedy });

/** At most so many; each has a folder, and a name in the list of jobs. */
export const mostShards = 100_000;

/**
 * The shard that `--shard` names: `2/8`, or `/8` with the number of the task from the environment. Without the flag,
 * that of a task of an array; `undefined` for `--no-shard` (false), and where nothing says that there are several.
 * Throws a usage error for what is no shard, and for a task of an array of which it is not said how many there are.
 */
export function chosenShard(flag: string | false | undefined, env: Environment): ChosenShard | undefined {
  if (flag === false) return undefined;
  if (flag === undefined) return shardOfTask(taskOf(env));
  const [, index, count] = /^(\d*)\/(\d+)$/.exec(flag) ?? [];
  if (count === undefined)
    throw usage(`--shard: expected a part of so many, got ${JSON.stringify(flag)}.`, 'For example --shard 2/8.');
  if (index !== '') return checked({ index: Number(index), of: Number(count) });
  const task = taskOf(env);
  if (!task)
    throw usage(
      `--shard ${flag}: there is neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID.`,
      `Give the number of the shard too: --shard 1${flag}.`,
    );
  const of = Number(count);
  // Tasks of an array that are started again come as an array of their own, and go by the numbers that they had.
  const byNumber = task.count !== undefined && task.count !== of;
  return checked({ index: byNumber ? task.number : task.position + 1, of, from: task.from });
}

function shardOfTask(task: Task | undefined): ChosenShard | undefined {
  if (!task) return undefined;
  if (task.count === undefined)
    throw usage(
      `${task.from}: this is a task of several, and it is not said of how many.`,
      'Give --shard /COUNT or set JOB_COMPLETION_COUNT; --no-shard runs the whole pipeline.',
    );
  return checked({ index: task.position + 1, of: task.count, from: task.from });
}

function checked(shard: ChosenShard): ChosenShard {
  const { index, of, from } = shard;
  if (of < 1 || of > mostShards || index < 1 || index > of)
    throw usage(
      `there is no shard ${shardText(shard)}${from === undefined ? '' : ` (${from})`}: shards count from 1, to at most ${mostShards}.`,
      'Give --shard INDEX/COUNT, for example --shard 2/8; --no-shard runs the whole pipeline.',
    );
  return shard;
}

/** What the environment says: a Kubernetes Indexed Job counts from 0, a Slurm array as `--array` says. */
function taskOf(env: Environment): Task | undefined {
  const number = (name: string): number | undefined => {
    const text = env[name];
    if (text === undefined || text === '') return undefined;
    if (!/^\d+$/.test(text))
      throw usage(
        `${name}: expected a whole number, got ${JSON.stringify(text)}.`,
        '--no-shard runs the whole pipeline.',
      );
    return Number(text);
  };
  const completion = number('JOB_COMPLETION_INDEX');
  if (completion !== undefined) {
    const count = number('JOB_COMPLETION_COUNT');
    return {
      position: completion,
      number: completion + 1,
      ...(count !== undefined && { count }),
      from: `JOB_COMPLETION_INDEX=${completion}`,
    };
  }
  const task = number('SLURM_ARRAY_TASK_ID');
  if (task === undefined) return undefined;
  const count = number('SLURM_ARRAY_TASK_COUNT');
  const first = number('SLURM_ARRAY_TASK_MIN') ?? 1;
  const step = number('SLURM_ARRAY_TASK_STEP') || 1;
  return {
    position: Math.floor((task - first) / step),
    number: task,
    ...(count !== undefined && { count }),
    from: `SLURM_ARRAY_TASK_ID=${task}`,
  };
}
