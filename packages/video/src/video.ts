// Reads videos as sequences of frames.

import { join } from 'node:path';
import {
  defineSource,
  frameId,
  InputError,
  lineage,
  partOfRaster,
  readableFrame,
  frameBytes,
  readingBytes,
  refuse,
  releaseRaster,
  spec,
  type Frame,
  type Locator,
  type LocatorReader,
  type StageContext,
} from '@deepearth/core';
import type { Range } from '@deepearth/core/stage';
import { pixelCache } from '@deepearth/vision/pixel-cache';
import { partOf, readThrough, type ReadThrough } from '@deepearth/vision/read-through';
import { cacheBytesFor } from '@deepearth/vision/cache-options';
import { digestOfFile } from './file-digest.ts';
import { changed, decoderOnce, openVideo, type Video } from './open-video.ts';
import { decoderPool, mostBytesAhead, videoReader, type DecoderPool } from './video-reader.ts';
import { videoSourceOptions, type VideoSourceOptions } from './video-options.ts';
import {
  decodersOf,
  outside,
  surveyVideos,
  videoNotes,
  videoWarnings,
  type Part,
  type SurveyedVideo,
  type VideoSurvey,
} from './video-survey.ts';

export { videoSourceOptions, type VideoSourceOptions, type VideoSurvey };

/** Another number where the same file comes to give other pixels. */
const version = 1;

/** The stage `source/video`. */
export const video = defineSource({
  type: 'video',
  summary: 'Reads videos (MP4, MOV, WebM, MKV, AVI and more; GIF, animated WebP and PNG), each file a sequence.',
  options: videoSourceOptions,
  reads: ['path'],
  placement: ['cacheBytes', 'spillBytes'],
  examples: [
    '- type: source/video\n  with: { path: flight.mp4 }',
    '- type: source/video\n  with: { path: cameras/*.mp4, framesPerSecond: 2, from: 60, to: 3660 }',
    '- id: clouds\n  type: source/video\n  with: { path: [monday.mkv, tuesday.gif], every: 5 }',
  ],

  survey: surveyVideos,

  describe(_, { options, survey }) {
    const { from = -Infinity, to = Infinity } = options;
    if (from >= to) return refuse(`\`from\` (${from} s) does not come before \`to\` (${to} s).`, { option: 'from' });
    if (options.framesPerSecond !== undefined && options.every > 1)
      return refuse('both `framesPerSecond` and `every` are given.', {
        option: 'every',
        remedy: 'Keep one of them.',
      });
    if (survey?.noDecoder) return refuse(survey.noDecoder.missing, { option: 'path', remedy: survey.noDecoder.remedy });
    const opened = survey?.videos.flatMap((each) => ('video' in each ? [each] : []));
    const parts = opened?.flatMap((each) => each.parts);
    const counts = parts?.map(({ frames }) => frames.length);
    const shared = (edge: 'width' | 'height'): number | null => {
      const [first, ...rest] = new Set(opened?.map(({ video: { [edge]: size } }) => size));
      return first !== undefined && rest.length === 0 ? first : null;
    };
    const stream = spec(
      'frame',
      { height: shared('height'), width: shared('width'), channels: 3 },
      'uint8',
      counts?.reduce((sum, count) => sum + count, 0) ?? null,
    );
    return {
      output: {
        ...stream,
        sequences: parts?.map(({ sequence }) => sequence) ?? null,
        ...(counts && { counts }),
      },
      memoryBytes: cacheBytesFor(options.cacheBytes, frameBytes(stream)) + readingBytes(stream) + mostBytesAhead,
      ...(survey && { warnings: videoWarnings(survey, options), notes: videoNotes(survey, options) }),
    };
  },

  async *process(_, context) {
    const { options, signal, log, keep, readLater, workFolder, frameRange } = context;
    const survey = context.survey ?? (await surveyVideos(options, signal));
    const cache = await keep(
      () =>
        pixelCache({
          memoryBytes: options.cacheBytes,
          diskBytes: options.spillBytes,
          readLater,
          path: async () => join(await workFolder(), 'video.pixels'),
        }),
      (open) => open.close(),
    );
    const pool = await keep(decoderPool, (open) => open.close());
    const read = readThrough(cache);
    context.recordFinding('decoders', decodersOf(survey));
    for (const warning of videoWarnings(survey, options)) log.warn(warning);
    const count = { done: 0, total: 0 };
    for (const each of survey.videos)
      if ('parts' in each) for (const part of each.parts) count.total += framesIn(part, context).length;
    for (const each of survey.videos) {
      // A video of which other processes work on every frame is not read.
      if ('parts' in each && each.parts.length > 0 && each.parts.every((part) => isEmpty(frameRange(part.sequence))))
        continue;
      const opened = await context.attempt({ id: each.name }, () => openedOf(each, context));
      if (!opened) continue;
      const { sha256 } = opened;
      const reading = videoReading(opened.video, sha256, pool, read, opened.parts);
      for (const part of opened.parts) yield* framesOf(part, opened.video, sha256, reading, count, context);
      yield* missingFrames(opened.video, each.name, opened.parts, context);
    }
  },

  async reopen({ uri, sha256, index, decode }, { window, overview, signal }, { share }) {
    const maxPixels =
      typeof decode?.maxPixels === 'number' ? decode.maxPixels : videoSourceOptions.shape.maxPixels.parse(undefined);
    const pool = await share('source/video decoders', decoderPool, (open) => open.close());
    const decoder = await share(
      'source/video decoder',
      () => decoderOnce(),
      () => undefined,
    );
    const opened = await share(
      `source/video ${maxPixels} ${uri}`,
      async () => {
        const found = await openVideo(uri, { maxPixels, decoder });
        return { found, reader: videoReader(found, pool), digest: (await digestOfFile(uri)).sha256 };
      },
      ({ reader }) => reader.rest(),
    );
    if (sha256 !== undefined && opened.digest !== sha256) throw changed(uri);
    if (index === undefined || index >= opened.found.seconds.length)
      throw new InputError(uri, `has no frame ${index ?? 'without a number'}; it has ${opened.found.seconds.length}.`, {
        code: 'E_LOCATOR',
        remedy: 'Look whether it is the file that the frame was read from.',
      });
    return partOfRaster(await opened.reader.read(index, signal), { window, overview });
  },
});

type Context = StageContext<VideoSourceOptions, undefined, VideoSurvey>;

interface Opened {
  readonly video: Video;
  readonly parts: readonly Part[];
  readonly sha256: string;
}

/** Digests a file that the survey has opened, for the manifest and for keys; throws what kept it from being opened. */
async function openedOf(each: SurveyedVideo, { signal, progress, recordInput }: Context): Promise<Opened> {
  if ('error' in each) throw each.error;
  const { path, video: found, parts } = each;
  if (parts.length === 0)
    throw new InputError(path, `${outside(found)}.`, { code: 'E_NO_FRAMES', remedy: 'Change `from` and `to`.' });
  const { bytes, sha256 } = await digestOfFile(path, {
    signal,
    progress: (done, total) => progress('digest', done, total),
  });
  recordInput({ path, bytes, sha256 });
  return { video: found, parts, sha256 };
}

/** Reads frames of one file, through the pixels that were decoded last. */
interface VideoReading {
  readonly readFrame: LocatorReader;
  readonly keyOf: (number: number) => string;
}

function videoReading(
  found: Video,
  sha256: string,
  pool: DecoderPool,
  read: ReadThrough,
  parts: readonly Part[],
): VideoReading {
  const chosen = chosenOf(parts, found.seconds.length);
  const reader = videoReader(found, pool, chosen);
  const keyOf = (number: number): string => lineage('video frame', version, sha256, number, found.decoder);
  return {
    keyOf,
    // A decoder yields whole frames, whatever is wanted of them: they are kept as such.
    readFrame: async ({ index }, { signal, ...part }) =>
      partOf(
        await read(keyOf(index!), (options) => reader.read(index!, options.signal), signal ? { signal } : {}),
        part,
      ),
  };
}

/** The frames of all parts; `undefined` where they are all that there are. */
function chosenOf(parts: readonly Part[], all: number): Uint32Array | undefined {
  const count = parts.reduce((sum, { frames }) => sum + frames.length, 0);
  if (count === all) return undefined;
  const chosen = new Uint32Array(count);
  let at = 0;
  for (const { frames } of parts) {
    chosen.set(frames, at);
    at += frames.length;
  }
  return chosen;
}

const isEmpty = ({ first, end }: Range): boolean => first >= end;

/** The frames that the run works on. */
function framesIn({ sequence, frames }: Pick<Part, 'sequence' | 'frames'>, { frameRange }: Context): Part['frames'] {
  const { first, end } = frameRange(sequence);
  return frames.subarray(first, end);
}

async function* framesOf(
  { sequence, frames }: Part,
  { path, width, height, seconds, createdAt }: Video,
  sha256: string,
  { readFrame, keyOf }: VideoReading,
  count: { done: number; readonly total: number },
  context: Context,
): AsyncGenerator<Frame> {
  const { options, signal, severalSequences } = context;
  const { maxPixels, verify } = options;
  for (const number of framesIn({ sequence, frames }, context)) {
    signal.throwIfAborted();
    const id = frameId(sequence, number, severalSequences);
    const time = seconds[number]!;
    const at = createdAt && new Date(Date.parse(createdAt) + Math.round(time * 1000)).toISOString();
    const frame = readableFrame(
      {
        kind: 'frame',
        id,
        key: keyOf(number),
        sequence,
        number,
        ...(at && { at }),
        seconds: time,
        width,
        height,
        locator: {
          source: 'source/video',
          uri: path,
          sha256,
          index: number,
          seconds: time,
          decode: { maxPixels },
        } satisfies Locator,
      },
      readFrame,
    );
    const whole = verify
      ? await context.attempt({ id }, async () => {
          releaseRaster(await frame.read({ signal }));
          return frame;
        })
      : frame;
    context.progress('frames', ++count.done, count.total);
    if (whole) yield whole;
  }
}

/** Frames that a file promises and does not hold: each is an error, or skipped and listed in the manifest. */
async function* missingFrames(
  { path, missing, seconds }: Video,
  name: string,
  parts: readonly Part[],
  context: Context,
): AsyncGenerator<never> {
  const { severalSequences, frameRange, options } = context;
  // Whether they would have been read is known only where reading goes on to the end of the file.
  if (missing === 0 || options.to !== undefined) return;
  // Of a run in parts, each missing frame belongs to the part that would have sent it.
  const sequence = parts.at(-1)?.sequence ?? name;
  const { first, end } = frameRange(sequence);
  const known = parts.at(-1)?.frames.length ?? 0;
  const ours = (number: number): boolean => {
    const position = known + number - seconds.length;
    return position >= first && position < end;
  };
  const remedy = 'Copy the file again; with `onError: skip` the run goes on without them, and `to` ends before them.';
  if (missing === null) {
    if (!ours(seconds.length)) return;
    await context.attempt({ id: frameId(sequence, seconds.length, severalSequences) }, () => {
      throw new InputError(
        path,
        `is cut short: how many frames are missing after frame ${seconds.length - 1} is not known.`,
        {
          code: 'E_FRAMES_MISSING',
          remedy,
        },
      );
    });
    return;
  }
  for (let number = seconds.length; number < seconds.length + missing; number++) {
    if (!ours(number)) continue;
    await context.attempt({ id: frameId(sequence, number, severalSequences) }, () => {
      throw new InputError(
        path,
        `is cut short: frame ${number} is missing, and with it ${missing} of ${seconds.length + missing}.`,
        { code: 'E_FRAMES_MISSING', remedy },
      );
    });
  }
}
