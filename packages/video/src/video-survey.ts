// What source/video finds out before any frame is decoded.

import { roomFor } from '@deepearth/vision/cache-room';
import { basename } from 'node:path';
import { chooseFrames } from './choose-frames.ts';
import { findVideos, type VideoFile } from './find-videos.ts';
import { decoderOnce, openVideo, type Video } from './open-video.ts';
import type { VideoSourceOptions } from './video-options.ts';

/** A file that was opened, or why it could not be. */
export type SurveyedVideo = VideoFile &
  ({ readonly video: Video; readonly parts: readonly Part[] } | { readonly error: unknown });

/** The frames of one sequence. */
export interface Part {
  readonly sequence: string;
  /** Numbers of the frames, ascending. */
  readonly frames: Uint32Array;
}

/** What the source finds: files in order. */
export interface VideoSurvey {
  readonly videos: readonly SurveyedVideo[];
  /** Why nothing decodes some of them, where that is so. */
  readonly noDecoder?: { readonly missing: string; readonly remedy: string };
}

/** Files that are looked at at once. */
const together = 2;

/** Finds and opens the files. Throws an `InputError` where a path is not there or holds no video. */
export async function surveyVideos(options: VideoSourceOptions, signal: AbortSignal): Promise<VideoSurvey> {
  const files = await findVideos(options.path);
  let noDecoder: VideoSurvey['noDecoder'];
  const once = decoderOnce(signal);
  const decoder: typeof once = async () => {
    const found = await once();
    if ('missing' in found) noDecoder = found;
    return found;
  };
  const videos: SurveyedVideo[] = [];
  for (let start = 0; start < files.length; start += together) {
    signal.throwIfAborted();
    videos.push(
      ...(await Promise.all(
        files.slice(start, start + together).map(async (file): Promise<SurveyedVideo> => {
          const { maxPixels } = options;
          try {
            const video = await openVideo(file.path, { maxPixels, signal, decoder });
            return { ...file, video, parts: partsOf(video, nameOf(file, files, options), options) };
          } catch (error) {
            signal.throwIfAborted();
            return { ...file, error };
          }
        }),
      )),
    );
  }
  return { videos, ...(noDecoder && { noDecoder }) };
}

/** What the sequence of a file is called, before it is split at pauses. */
export const nameOf = (
  { name }: VideoFile,
  files: readonly unknown[],
  { sequence }: Pick<VideoSourceOptions, 'sequence'>,
): string => (sequence === undefined ? name : files.length === 1 ? sequence : `${sequence}/${name}`);

function partsOf(video: Video, name: string, options: VideoSourceOptions): Part[] {
  const parts = chooseFrames(video.seconds, { ...options, endSeconds: video.endSeconds });
  return parts.map((frames) => ({
    sequence: parts.length === 1 ? name : `${name}/${String(frames[0]).padStart(6, '0')}`,
    frames,
  }));
}

/** The decoders that are used, for people and the manifest. */
export const decodersOf = ({ videos }: VideoSurvey): string[] => [
  ...new Set(videos.flatMap((each) => ('video' in each ? [each.video.decoder] : []))),
];

const seconds = (value: number): string => `${Number(value.toFixed(3))} s`;

/** How many files are described one by one. */
const mostFiles = 8;

/** What a plan says of the files. */
export function videoNotes(survey: VideoSurvey, options: VideoSourceOptions): string[] {
  const lines = survey.videos.slice(0, mostFiles).flatMap((each) => {
    if (!('video' in each)) return [];
    const { video, parts } = each;
    const taken = parts.reduce((sum, { frames }) => sum + frames.length, 0);
    const all = video.seconds.length;
    return [
      `${basename(each.path)}: ${all} ${all === 1 ? 'frame' : 'frames'} of ${video.width} x ${video.height} in ${seconds(video.endSeconds - video.seconds[0]!)} (${video.about}, decoded by ${video.decoder})${taken === all ? '' : `, of which ${taken} are taken`}`,
    ];
  });
  const more = survey.videos.length - mostFiles;
  return [
    ...lines,
    ...(more > 0 ? [`and ${more} more ${more === 1 ? 'file' : 'files'}`] : []),
    ...spillNotes(survey, options),
  ];
}

/** What a plan says of pixels that are not kept. */
function spillNotes({ videos }: VideoSurvey, options: VideoSourceOptions): string[] {
  let pixels = 0;
  let largest = 0;
  for (const each of videos) {
    if (!('video' in each)) continue;
    const bytes = each.video.width * each.video.height * 3;
    largest = Math.max(largest, bytes);
    for (const { frames } of each.parts) pixels += frames.length * bytes;
  }
  const { cacheBytes = roomFor(largest), spillBytes } = options;
  const kept = Math.min(pixels, cacheBytes + spillBytes);
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  return pixels <= kept
    ? []
    : [
        `the frames hold ${mebibytes(pixels)} of pixels, of which the last ${mebibytes(kept)} are kept: what is read again later, as by pictures after a fit, is decoded again`,
      ];
}

/** What is odd about the files: in the plan, and as warnings of a run. */
export function videoWarnings({ videos }: VideoSurvey, options: VideoSourceOptions): string[] {
  return videos.flatMap((each) => {
    if (!('video' in each)) return [each.error instanceof Error ? each.error.message : String(each.error)];
    const { path, video, parts } = each;
    const warnings = video.remarks.map((remark) => `${path}: ${remark}`);
    if (video.missing === null) warnings.push(`${path} is cut short: the frames at its end are missing`);
    else if (video.missing > 0)
      warnings.push(
        `${path} is cut short: ${video.missing} of ${video.seconds.length + video.missing} frames are missing`,
      );
    if (parts.length === 0) warnings.push(`${path}: ${outside(video)}`);
    const own = ownRate(video);
    if (options.framesPerSecond !== undefined && own !== undefined && options.framesPerSecond > own * 1.001)
      warnings.push(
        `${path} has ${Number(own.toFixed(3))} frames per second, fewer than the ${options.framesPerSecond} that are asked for: each is taken once`,
      );
    return warnings;
  });
}

/** Why nothing of a video is read. */
export const outside = ({ seconds: times, endSeconds }: Video): string =>
  `no frame lies between \`from\` and \`to\`; it has frames from ${seconds(times[0]!)} to ${seconds(endSeconds)}`;

function ownRate({ seconds: times }: Video): number | undefined {
  const span = times.at(-1)! - times[0]!;
  return span > 0 ? (times.length - 1) / span : undefined;
}
