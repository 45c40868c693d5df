// Reads the pictures that a list names, as sequences of frames with their times, places and further columns.

import { availableParallelism } from 'node:os';
import {
  defineSource,
  frameId,
  InputError,
  frameBytes,
  readingBytes,
  refuse,
  spec,
  type StageContext,
} from '@deepearth/core';
import { fitAtOnce } from '@deepearth/core/fit-at-once';
import { inOrder } from '@deepearth/core/in-order';
import { cacheBytesFor } from '@deepearth/vision/cache-options';
import { sameSize, type Size } from './frame-size.ts';
import { oddFrames, oddOfOne } from './frames-remarks.ts';
import { isoOf, secondsBetween, type Instant } from './instant.ts';
import type { BadRow, ListEntry } from './list-entries.ts';
import { listOptions, type ListOptions } from './list-options.ts';
import { orderedEntries, type OrderedEntries } from './list-order.ts';
import { distinctLines, surveyList, type ListSurvey } from './list-survey.ts';
import { pauseName } from './pauses.ts';
import { pictureFrames, reopenPicture, type FramePlace } from './picture-frames.ts';
import { findStretch, spread, stretchNote } from './series-stretch.ts';

export { listOptions, type ListOptions, type ListSurvey };

/** A sequence as far as the list has been read. */
interface ListedSequence {
  readonly sequence: string;
  readonly start: ListEntry;
  last: ListEntry;
  position: number;
  size?: Size;
}

/** The stage `source/list`. */
export const list = defineSource({
  type: 'list',
  summary: 'Reads pictures that a list names (CSV, JSON lines), with their times, sequences and places.',
  options: listOptions,
  reads: ['path'],
  placement: ['cacheBytes', 'spillBytes'],
  examples: [
    '- type: source/list\n  with: { path: frames.csv }',
    '- type: source/list\n  with: { path: media.csv, columns: { path: filePath, time: timestamp, sequence: deploymentID }, timeZone: Europe/Berlin, maxGapSeconds: 120 }',
  ],

  survey: surveyList,

  describe(_, { options, survey }) {
    const { sizes, maxGapSeconds } = options;
    if (survey && maxGapSeconds !== undefined && survey.reading.columns.time === undefined)
      return refuse('`maxGapSeconds` needs times, and the list has no column of them.', {
        option: 'maxGapSeconds',
        remedy: 'Name the column with `columns: { time: … }`.',
      });
    const size = sizes === 'same' ? survey?.size : undefined;
    const stream = spec(
      'frame',
      { height: size?.height ?? null, width: size?.width ?? null, channels: 3 },
      options.values === 'uint8' ? 'uint8' : null,
      survey?.total ?? null,
    );
    // Pauses are known only when all times are in order.
    const known = maxGapSeconds === undefined ? survey?.sequences : undefined;
    return {
      output: {
        ...stream,
        sequences: known ? [...known.keys()] : null,
        ...(known && { counts: [...known.values()] }),
        ...(sizes === 'any' && survey && hasMixedSizes(survey) && { mixedSizes: true }),
      },
      memoryBytes: cacheBytesFor(options.cacheBytes, frameBytes(stream)) + readingBytes(stream),
      // Rows that wait to be put in order.
      ...(survey && { diskBytes: survey.total * 400 + options.spillBytes }),
      warnings: survey ? warningsOf(survey) : [],
      notes: survey ? notesOf(survey, options) : [],
    };
  },

  async *process(_, context) {
    const { options, signal, log, attempt, severalSequences, frameRange } = context;
    const survey = context.survey ?? (await surveyList(options, signal));
    const { total, sample } = survey;
    for (const note of notesOf(survey, options)) log.info(`${options.path}: ${note}`);
    for (const [mediaType, count] of survey.otherMedia)
      log.warn(`${options.path}: ${otherMediaRemark(mediaType, count)}`);
    const entries = await gather(survey, context);
    const parts =
      options.maxGapSeconds === undefined ? undefined : await splitSequences(entries, options.maxGapSeconds);
    const pictures = await pictureFrames(context);
    const series = {
      total,
      sample: (most: number, wide: boolean) =>
        spread(wide ? sample.filter(({ header }) => header?.wide) : sample, most),
    };
    pictures.stretched(await findStretch(series, pictures.read, context));
    const odd = oddFrames();
    let done = 0;
    async function* wanted() {
      let at: ListedSequence | undefined;
      for await (const entry of entries.inOrder()) {
        const pause = at !== undefined && options.maxGapSeconds !== undefined && pauseOf(at.last, entry);
        if (!at || at.start.sequence !== entry.sequence || (pause && pause > options.maxGapSeconds!)) {
          const sequence = parts?.has(entry.sequence) ? pauseName(entry.sequence, entry.instant!) : entry.sequence;
          at = { sequence, start: entry, last: entry, position: 0 };
        }
        at.last = entry;
        const position = at.position++;
        const { first, end } = frameRange(at.sequence);
        if (position >= first && position < end) yield { entry, here: at, number: entry.number ?? position };
      }
    }
    // Where no header told the size, the first picture that can be read does.
    const atOnce = survey.size ? fitAtOnce(3 * survey.size.width * survey.size.height, availableParallelism()) : 1;
    const opened = inOrder(wanted(), atOnce, async ({ entry, here, number }) => {
      signal.throwIfAborted();
      const id = frameId(here.sequence, number, severalSequences);
      const frame = await attempt({ id }, () =>
        naming(options.path, entry, async () => {
          const picture = await pictures.open(entry.path);
          if (options.sizes === 'same')
            sameSize((here.size ??= survey.size ?? picture), picture, 'others of the list are');
          await pictures.verify(picture);
          const place = { id, sequence: here.sequence, number, ...whenAndWhere(entry, here.start) };
          return { made: pictures.frame(place, picture), picture };
        }),
      );
      return { entry, frame };
    });
    for await (const { entry, frame } of opened) {
      context.progress('frames', ++done, total);
      if (!frame) {
        odd.skip();
        continue;
      }
      const { made, picture } = frame;
      odd.see(entry.path, oddOfOne(picture));
      context.recordInput({ path: picture.name, bytes: picture.bytes.length, sha256: picture.sha256 });
      yield made;
    }
    for (const remark of odd.remarks(total)) log.warn(`${options.path}: ${remark}`);
  },

  reopen: reopenPicture,
});

/** Whether the pictures of one sequence are known to differ in size. */
const hasMixedSizes = ({ sequences, size, sample }: ListSurvey): boolean =>
  sequences.size === 1 && !size && sample.filter(({ header }) => header).length > 1;

const plural = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`;

const otherMediaRemark = (mediaType: string, count: number): string =>
  `${plural(count, 'row is', 'rows are')} of ${mediaType} and left out`;

/** What is wrong with rows, for the plan; a run stops at the first of them, or skips them. */
const warningsOf = ({ bad, otherMedia }: ListSurvey): string[] => [
  ...(bad.count
    ? [
        `${plural(bad.count, 'row is', 'rows are')} no frame: ${bad.first.map(({ line, problem }) => `line ${line} ${problem}`).join('; ')}${bad.count > bad.first.length ? '; …' : ''}`,
      ]
    : []),
  ...[...otherMedia].map(([mediaType, count]) => otherMediaRemark(mediaType, count)),
];

/** What of the pictures that were looked at is not read. */
function pagesNote(sample: ListSurvey['sample']): string[] {
  const several = sample.filter(({ header }) => (header?.pages ?? 1) > 1);
  const [first] = several;
  if (!first) return [];
  const others = several.length > 1 ? `, and so do ${several.length - 1} more of the ${sample.length} looked at` : '';
  return [`${first.path} holds ${first.header!.pages} pictures, of which the first is read${others}`];
}

function notesOf(
  { reading: { columns, order, sequence }, total, sequences, local, sample }: ListSurvey,
  options: ListOptions,
): string[] {
  const by = {
    time: `time (column ${columns.time}${columns.date ? ` with ${columns.date}` : ''}${local ? `, taken to be in ${options.timeZone}` : ''})`,
    number: `number (column ${columns.number})`,
    list: 'the order of the list',
  }[order];
  const place =
    columns.latitude && columns.longitude ? `, places from ${columns.latitude} and ${columns.longitude}` : '';
  const of = columns.sequence
    ? `of ${plural(sequences.size, 'sequence')} (column ${columns.sequence})`
    : `of the sequence ${sequence}`;
  return [
    `${plural(total, 'frame')} ${of} from column ${columns.path}, ordered by ${by}${place}`,
    ...stretchNote(
      options,
      sample.some(({ header }) => header?.wide),
    ),
    ...pagesNote(sample),
  ];
}

type Context = StageContext<ListOptions, undefined, ListSurvey>;

/** Reads the list and puts its entries in order; rows that are wrong fail or are skipped here. */
async function gather(
  survey: ListSurvey,
  { options, signal, log, attempt, scratch, recordInput, progress }: Context,
): Promise<OrderedEntries> {
  const { reading, sequences, total } = survey;
  const entries = orderedEntries(reading.order, sequences.keys(), () => scratch('rows'));
  let [read, repeated] = [0, 0];
  for await (const line of distinctLines(reading, { signal, whole: recordInput })) {
    if ('path' in line) {
      if (!sequences.has(line.sequence)) throw changed(options.path);
      const { local: _, ...entry } = line;
      await entries.add(entry);
      if (++read % 1000 === 0 || read === total) progress('rows', read, total);
    } else if ('problem' in line) {
      if (line.again && options.duplicates === 'first') repeated++;
      else await attempt({ id: `line ${line.line}` }, () => Promise.reject(rowError(options.path, line)));
    }
  }
  if (read !== total) throw changed(options.path);
  if (repeated)
    log.warn(
      `${options.path}: ${plural(repeated, 'row repeats', 'rows repeat')} a picture or a number and ${repeated === 1 ? 'is' : 'are'} left out`,
    );
  return entries;
}

const changed = (path: string): InputError =>
  new InputError(path, 'has changed since it was first read.', {
    code: 'E_INPUT_CHANGED',
    remedy: 'Run again when nothing writes to it any more.',
  });

const rowError = (path: string, { line, problem, again }: BadRow & { readonly again?: true }): InputError =>
  new InputError(`${path}:${line}`, `${problem}.`, {
    code: again ? 'E_DUPLICATE_FRAME' : 'E_LIST_ROW',
    remedy: again
      ? 'Remove the row, or take the first of each with `duplicates: first`.'
      : 'Correct the row; with `onError: skip` beside its `with`, the source goes on without it.',
  });

/** Names the row of the list where its picture cannot be read. */
async function naming<T>(path: string, { line }: ListEntry, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${path}:${line}`, error.message, { code: error.code, cause: error });
  }
}

/** Seconds from one entry to the next. */
const pauseOf = (before: ListEntry, after: ListEntry): number | undefined =>
  before.instant !== undefined && after.instant !== undefined
    ? secondsBetween(before.instant, after.instant)
    : undefined;

/** Sequences that have pauses: their parts are called after their beginnings. */
async function splitSequences(entries: OrderedEntries, maxGapSeconds: number): Promise<ReadonlySet<string>> {
  const split = new Set<string>();
  let last: ListEntry | undefined;
  for await (const entry of entries.inOrder()) {
    if (last?.sequence === entry.sequence && (pauseOf(last, entry) ?? 0) > maxGapSeconds) split.add(entry.sequence);
    last = entry;
  }
  return split;
}

function whenAndWhere(
  { instant, position, metadata }: ListEntry,
  start: { readonly instant?: Instant },
): Pick<FramePlace, 'at' | 'seconds' | 'position' | 'metadata'> {
  return {
    ...(instant !== undefined && { at: isoOf(instant) }),
    ...(instant !== undefined && start.instant !== undefined && { seconds: secondsBetween(start.instant, instant) }),
    ...(position && { position }),
    ...(metadata && { metadata }),
  };
}
