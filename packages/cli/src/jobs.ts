// The work of a pipeline, cut into shards: for people, and as JSON for programs that hand it out.

import { DeepEarthError } from '@deepearth/core/errors';
import type { Plan } from '@deepearth/core/plan';
import { openEnd, type ClipRange, type Range } from '@deepearth/core/range';
import { workList, workListUpTo, type Job, type WorkList } from '@deepearth/core/work-list';
import { shardText } from '@deepearth/runtime/shards';
import { formatSeconds, formatTable, plural } from './format.ts';
import { parsePositive, parseWhole } from './parse-number.ts';
import { mostShards } from './shard-flag.ts';

export interface JobFlags {
  readonly jobs?: string;
  readonly jobSeconds?: string;
  readonly clipSeconds?: string;
}

/** A work list, and how long a clip takes where that was said. */
export interface TimedWork {
  readonly work: WorkList;
  /** How many jobs were asked for, where there is not enough work for as many. */
  readonly asked?: number;
  readonly clipSeconds?: number;
}

const usage = (message: string, remedy?: string): DeepEarthError =>
  new DeepEarthError(message, { code: 'E_USAGE', remedy });

/**
 * The work in as many jobs as the flags say; `undefined` where they ask for none. With `jobSeconds` a job of one long
 * sequence takes at most so long; where sequences that are shorter stay whole, at most twice as long; a clip and a
 * sequence that cannot be cut take what they take. Throws a `DeepEarthError` (`E_USAGE`) for flags that do not go
 * together.
 */
export function jobsOfFlags(planned: Plan, { jobs, jobSeconds, clipSeconds }: JobFlags): TimedWork | undefined {
  if (jobs !== undefined && jobSeconds !== undefined)
    throw usage('--jobs and --job-seconds are both given.', 'Keep one of them.');
  const seconds = clipSeconds === undefined ? undefined : parsePositive('--clip-seconds', clipSeconds);
  const timed = seconds === undefined ? {} : { clipSeconds: seconds };
  if (jobs !== undefined) {
    const asked = within('--jobs', parseWhole('--jobs', jobs));
    const work = workListUpTo(planned, asked);
    return { work, ...(work.jobs.length < asked && { asked }), ...timed };
  }
  if (jobSeconds === undefined) {
    if (seconds !== undefined) throw usage('--clip-seconds is given without --jobs or --job-seconds.');
    return undefined;
  }
  if (seconds === undefined) throw usage('--job-seconds needs to know how long a clip takes.', 'Give --clip-seconds.');
  const each = parsePositive('--job-seconds', jobSeconds);
  const { count } = workList(planned, 1);
  if (count === null)
    throw usage('--job-seconds: how many clips there are is known only when the frames have come.', 'Give --jobs.');
  // Whole clips; a quotient that rounding has left just below a whole number is that number.
  const clipsOfJob = Math.max(1, Math.floor((each / seconds) * (1 + Number.EPSILON * 4)));
  const wanted = Math.max(1, Math.ceil(count / clipsOfJob));
  return { work: workListUpTo(planned, within('--job-seconds', wanted)), ...timed };
}

function within(flag: string, count: number): number {
  if (count > mostShards) throw usage(`${flag}: ${count} shards are more than ${mostShards}.`);
  return count;
}

/** Clips that there are all of a sequence. */
const isAll = ({ first, end }: Range): boolean => first === 0 && end === openEnd;

const shownRanges = 3;

const placesText = (range: Range): string =>
  isAll(range) ? '' : range.end - range.first === 1 ? ` ${range.first}` : ` ${range.first} to ${range.end - 1}`;

/** `north 0 to 9`; with the windower, where there are several. */
const rangeText = ({ stage, sequence, ...range }: ClipRange, several: boolean): string =>
  `${several ? `${stage}: ` : ''}${sequence}${placesText(range)}`;

function clipsText({ clips }: Job, several: boolean): string {
  if (clips === null) return 'everything';
  const ranges = clips.slice(0, shownRanges).map((range) => rangeText(range, several));
  const more = clips.length - ranges.length;
  return [...ranges, ...(more > 0 ? [`and ${plural(more, 'further sequence')}`] : [])].join(', ') || 'nothing';
}

/** What is to be said of a work list. */
const notesOf = ({ work, asked }: TimedWork): readonly string[] => [
  ...work.notes,
  ...(asked === undefined ? [] : [`there is work for ${plural(work.jobs.length, 'job')}, not for ${asked}`]),
];

/** A table of the shards. */
export function jobsText(timed: TimedWork): string {
  const { work, clipSeconds } = timed;
  const { jobs } = work;
  const several = new Set(jobs.flatMap(({ clips }) => clips?.map(({ stage }) => stage) ?? [])).size > 1;
  const rows = jobs.map((job, index) => [
    shardText({ index: index + 1, of: jobs.length }),
    job.count === null ? '?' : String(job.count),
    ...(clipSeconds === undefined ? [] : [job.count === null ? '?' : formatSeconds(job.count * clipSeconds)]),
    job.name,
    clipsText(job, several),
  ]);
  return [
    formatTable(
      [
        { title: 'shard', align: 'right' },
        { title: 'clips', align: 'right' },
        ...(clipSeconds === undefined ? [] : [{ title: 'time', align: 'right' } as const]),
        { title: 'name' },
        { title: 'what' },
      ],
      rows,
    ),
    ...notesOf(timed).map((note) => `  ${note}`),
  ].join('\n');
}

/** As JSON; a range without an end goes to the end of its sequence. */
export const jobsJson = ({ work, clipSeconds, asked }: TimedWork): object => ({
  workList: work.name,
  jobs: work.jobs.map(({ name, clips, count }, index) => ({
    shard: shardText({ index: index + 1, of: work.jobs.length }),
    name,
    clips: count,
    ...(clipSeconds !== undefined && { seconds: count === null ? null : count * clipSeconds }),
    ranges: clips?.map((range) => (isAll(range) ? { ...range, end: null } : range)) ?? null,
  })),
  jobNotes: notesOf({ work, ...(asked !== undefined && { asked }) }),
});
