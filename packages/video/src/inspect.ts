// Says what a video file holds: its frames and their times, its colours, and on demand what its pixels are like.

import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { createSha256 } from '@deepearth/core/sha256';
import { partOfRaster, tensor, type Json, type Raster, type Tensor } from '@deepearth/core';
import { animationFormat } from '@deepearth/vision/animated-picture';
import { digestOfFile } from './file-digest.ts';
import { findDecoder } from './find-decoder.ts';
import { videoEndings } from './find-videos.ts';
import { decoderOnce, openVideo, type Video } from './open-video.ts';
import { planesDigest, streamFacts } from './stream-facts.ts';
import { videoSourceOptions } from './video-options.ts';
import { decoderPool, videoReader } from './video-reader.ts';

/** How much is looked at. */
export interface InspectVideoOptions {
  /** Decodes all frames, for their mean colours and for digests. */
  readonly digest?: boolean | undefined;
  /** Draws the first, the middle and the last frame side by side. */
  readonly quicklook?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A description as JSON and for people, and the picture where one was asked for. */
export interface InspectedVideo {
  readonly json: { readonly [field: string]: Json };
  readonly text: string;
  readonly quicklook?: {
    /** `[height, width, 3]`. */
    readonly pixels: Tensor<'uint8'>;
    /**
     * `frames`: their numbers; `pts_seconds`: when they are shown; `factor`: pixels of the video along one of the
     * picture.
     */
    readonly json: { readonly [field: string]: Json };
    readonly text: string;
  };
}

/** The longest edge of a picture, and how far frames are apart, in pixels. */
const longestEdge = 720;
const gap = 4;

/** Bytes that tell whether a file is a video. */
export const videoHeadBytes = 192;

const starts: readonly RegExp[] = [
  // MP4 and MOV; Matroska and WebM; AVI; FLV; Ogg; MPEG-PS and MPEG video; ASF; MPEG-TS; IVF.
  /^[^]{4}(?:ftyp|moov|mdat|free|skip|wide|styp|moof)/,
  /^\x1aE\xdf\xa3/,
  /^RIFF[^]{4}AVI /,
  /^FLV\x01/,
  /^OggS/,
  /^\0\0\x01[\xba\xb3]/,
  /^0&\xb2u\x8ef\xcf\x11/,
  /^G[^]{187}G/,
  /^DKIF/,
];

/** Endings that other files have, too. */
const shared = new Set(['.ts', '.mts']);

/**
 * Whether a file is a video or a picture that may move: by its first bytes (`videoHeadBytes`), else by the ending of
 * its name.
 */
export function isVideo(path: string, head: Uint8Array): boolean {
  const text = String.fromCharCode(...head.subarray(0, videoHeadBytes));
  if (animationFormat(head) || starts.some((start) => start.test(text))) return true;
  const ending = extname(path).toLowerCase();
  return !shared.has(ending) && (videoEndings as readonly string[]).includes(ending);
}

/**
 * Describes a video with the fields `frame_count`, `pts_seconds`, `duration_seconds` (how long each frame is shown),
 * `size` (upright), `bytes`, `decoder` and, of what ffmpeg reads, those of `streamFacts`. A file that is cut short has
 * `promised_frames` (`null` where it does not say) and says so under `refused`. With `digest` it has `file_sha256`,
 * `mean_rgb` of each upright frame (`null` for one that cannot be decoded), `sha256_rgb24` of all of them as
 * `source/video` reads them, where all that are there can be decoded, and `sha256_planes` (`planesDigest`) of a whole
 * file. Throws an `InputError` as `openVideo` does.
 */
export async function inspectVideo(
  path: string,
  { digest = false, quicklook = false, signal = new AbortController().signal }: InspectVideoOptions = {},
): Promise<InspectedVideo> {
  const maxPixels = videoSourceOptions.shape.maxPixels.parse(undefined);
  const video = await openVideo(path, { maxPixels, signal, decoder: decoderOnce(signal) });
  const { width, height, seconds, endSeconds, missing, format } = video;
  const count = seconds.length;
  const facts = format
    ? { container: format, codec: format, audio_streams: 0, coded: [width, height], rotation_clockwise_degrees: 0 }
    : await streamFacts(path, signal);
  const pixels = digest ? await pixelsOf(video, signal) : undefined;
  const planes =
    pixels?.damaged.length === 0 && missing === 0 && !format
      ? await planesOf(path, facts['pix_fmt'], signal)
      : undefined;
  const refused = [
    ...(missing === 0
      ? []
      : [
          missing === null
            ? 'it is cut short: frames at its end are missing'
            : `it is cut short: ${missing} of ${count + missing} frames are missing`,
        ]),
    ...(pixels?.damaged ?? []),
  ];
  const json: InspectedVideo['json'] = {
    kind: 'video',
    bytes: (await stat(path)).size,
    ...facts,
    size: [width, height],
    frame_count: count,
    ...(missing !== 0 && { promised_frames: missing === null ? null : count + missing }),
    pts_seconds: [...seconds].map(round),
    duration_seconds: Array.from(seconds, (time, i) => round((seconds[i + 1] ?? endSeconds) - time)),
    decoder: video.decoder,
    ...(video.createdAt !== undefined && { created_at: video.createdAt }),
    ...(pixels && {
      file_sha256: (await digestOfFile(path, { signal })).sha256,
      mean_rgb: pixels.means,
      ...(pixels.damaged.length === 0 && { sha256_rgb24: pixels.sha256 }),
      ...(planes !== undefined && { sha256_planes: planes }),
    }),
    ...(refused.length > 0 && { refused }),
  };
  const text = textOf(video, json, refused);
  return { json, text, ...(quicklook && { quicklook: await quicklookOf(video, signal) }) };
}

/** What decoding shows: the mean colours of frames, and the digest of all of them. */
async function pixelsOf(video: Video, signal: AbortSignal) {
  const hash = createSha256();
  const means: (number[] | null)[] = Array.from(video.seconds, () => null);
  const reasons = new Map<number, string>();
  for await (const { number, raster, damage } of video.decode(0, () => true, { signal })) {
    if (raster) {
      const data = raster.values.data as Uint8Array;
      hash.update(data);
      means[number] = meanOf(data);
    } else reasons.set(number, damage ?? 'it was not decoded');
  }
  const damaged = means.flatMap((mean, number) =>
    mean ? [] : [`frame ${number} cannot be decoded: ${reasons.get(number) ?? 'the decoder did not return it'}`],
  );
  return { means, damaged, sha256: hash.digest('hex') };
}

function meanOf(data: Uint8Array): number[] {
  const sums = [0, 0, 0];
  for (let i = 0; i < data.length; i += 3) {
    sums[0]! += data[i]!;
    sums[1]! += data[i + 1]!;
    sums[2]! += data[i + 2]!;
  }
  return sums.map((sum) => Math.round((3000 * sum) / data.length) / 1000);
}

async function planesOf(path: string, pixelFormat: Json | undefined, signal: AbortSignal): Promise<string | undefined> {
  const decoder = await findDecoder(signal);
  if ('missing' in decoder || typeof pixelFormat !== 'string') return undefined;
  return planesDigest(path, pixelFormat, decoder, signal);
}

/** The first, the middle and the last frame, side by side on white. */
async function quicklookOf(video: Video, signal: AbortSignal): Promise<NonNullable<InspectedVideo['quicklook']>> {
  const last = video.seconds.length - 1;
  const frames = [...new Set([0, last >> 1, last])];
  const across = frames.length * video.width + (frames.length - 1) * gap;
  const factor = Math.ceil(Math.max(across, video.height) / longestEdge);
  const pool = decoderPool();
  const tiles: Raster[] = [];
  try {
    const reader = videoReader(video, pool, Uint32Array.from(frames));
    for (const number of frames) tiles.push(partOfRaster(await reader.read(number, signal), { overview: factor }));
  } finally {
    await pool.close();
  }
  const [height, width] = tiles[0]!.values.shape as [number, number];
  const row = tiles.length * (width + gap) - gap;
  const out = new Uint8Array(height * row * 3).fill(255);
  for (const [i, { values }] of tiles.entries())
    for (let y = 0; y < height; y++)
      out.set(
        (values.data as Uint8Array).subarray(y * width * 3, (y + 1) * width * 3),
        (y * row + i * (width + gap)) * 3,
      );
  const times = frames.map((number) => round(video.seconds[number]!));
  return {
    pixels: tensor('uint8', [height, row, 3], out),
    json: { frames, pts_seconds: times, factor },
    text: frames.map((number, i) => `frame ${number} at ${times[i]} s`).join(', '),
  };
}

/** One field a line; long lists by their ends. */
function textOf({ remarks }: Video, json: InspectedVideo['json'], refused: readonly string[]): string {
  const lines = Object.entries(json).flatMap(([name, value]) =>
    name === 'refused' ? [] : [`${name.padEnd(28)} ${shown(value)}`],
  );
  return [...lines, ...remarks, ...refused].join('\n');
}

function shown(value: Json): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length <= 6) return JSON.stringify(value);
  const [some, end] = [value.slice(0, 3), value.at(-1)] as [Json[], Json];
  return `[${some.map((each) => JSON.stringify(each)).join(', ')}, …, ${JSON.stringify(end)}]`;
}

/** To a nanosecond, as times are compared. */
const round = (seconds: number): number => Math.round(seconds * 1e9) / 1e9;
