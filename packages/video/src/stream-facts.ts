// What ffprobe says of a video stream, under the names of FFmpeg's libraries.

import type { Json } from '@deepearth/core';
import type { Decoder } from './find-decoder.ts';
import { programOutput } from './program-output.ts';
import { inputOf } from './video-index.ts';

/** Code points of ITU-T H.273 that are not those of an unspecified colour, by ffprobe's names. */
const primaries: Readonly<Record<string, number>> = {
  ...{ bt709: 1, bt470m: 4, bt470bg: 5, smpte170m: 6, smpte240m: 7, film: 8, bt2020: 9 },
  ...{ smpte428: 10, smpte431: 11, smpte432: 12, ebu3213: 22 },
};
const transfers: Readonly<Record<string, number>> = {
  ...{ bt709: 1, bt470m: 4, bt470bg: 5, smpte170m: 6, smpte240m: 7, linear: 8, log100: 9, log316: 10 },
  ...{ 'iec61966-2-4': 11, bt1361e: 12, 'iec61966-2-1': 13, 'bt2020-10': 14, 'bt2020-12': 15 },
  ...{ smpte2084: 16, smpte428: 17, 'arib-std-b67': 18 },
};
const unspecified = 2;
const ranges: Readonly<Record<string, string>> = { tv: 'limited', pc: 'full' };

interface ProbedStream {
  readonly [name: string]: unknown;
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}

/**
 * The fields `container`, `codec`, `profile`, `codec_tag`, `pix_fmt`, `time_base`, `average_rate` (frames per second, a
 * fraction), `stream_duration_seconds`, `audio_streams`, `coded` (width and height before rotation),
 * `rotation_clockwise_degrees` and `color`: `range` and `matrix` as the file says them ("unspecified" where it does
 * not), `primaries` and `transfer` as code points of ITU-T H.273, and what is taken for the conversion to RGB where
 * there is one (`range_used`, `matrix_used`). Empty where ffprobe fails.
 */
export async function streamFacts(path: string, signal: AbortSignal): Promise<{ readonly [field: string]: Json }> {
  const printed = await programOutput(
    'ffprobe',
    ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', ...inputOf(path)],
    signal,
  );
  signal.throwIfAborted();
  if (!printed) return {};
  const { streams = [], format = {} } = JSON.parse(printed.text) as {
    streams?: ProbedStream[];
    format?: { format_name?: string };
  };
  const isCover = ({ disposition }: ProbedStream): boolean =>
    (disposition as { attached_pic?: number } | undefined)?.attached_pic === 1;
  const stream = streams.find((each) => each['codec_type'] === 'video' && !isCover(each));
  if (!stream) return {};
  const said = (name: string): string | null => {
    const value = stream[name];
    return typeof value === 'string' && value !== 'unknown' && value !== 'N/A' ? value : null;
  };
  const rotation = stream.side_data_list?.find((each) => each.rotation !== undefined)?.rotation ?? 0;
  const tag = said('codec_tag_string');
  const [numerator, denominator] = (said('time_base') ?? '').split('/').map(Number) as [number, number?];
  const ticks = stream['duration_ts'];
  return {
    container: format.format_name ?? null,
    codec: said('codec_name'),
    profile: said('profile'),
    codec_tag: tag === null || tag.startsWith('[') ? null : tag,
    pix_fmt: said('pix_fmt'),
    time_base: said('time_base'),
    average_rate: said('avg_frame_rate')?.replace(/\/1$/, '') ?? null,
    stream_duration_seconds: typeof ticks === 'number' && denominator ? (ticks * numerator) / denominator : null,
    audio_streams: streams.filter((each) => each['codec_type'] === 'audio').length,
    coded: [Number(stream['width']), Number(stream['height'])],
    // FFmpeg counts the other way round.
    rotation_clockwise_degrees: ((-Math.round(rotation) % 360) + 360) % 360,
    color: colorOf(said),
  };
}

function colorOf(said: (name: string) => string | null): Json {
  const [range, matrix, format] = [said('color_range'), said('color_space'), said('pix_fmt') ?? ''];
  const isYuv = /^(?:yuv|nv|p0|p2|y2|ayuv|xv)/.test(format);
  const used = { smpte170m: 'bt601', bt470bg: 'bt601', bt2020nc: 'bt2020', bt2020c: 'bt2020' };
  return {
    range: range === null ? 'unspecified' : (ranges[range] ?? range),
    matrix: matrix ?? 'unspecified',
    primaries: primaries[said('color_primaries') ?? ''] ?? unspecified,
    transfer: transfers[said('color_transfer') ?? ''] ?? unspecified,
    ...(isYuv && {
      range_used: range === 'pc' || format.startsWith('yuvj') ? 'full' : 'limited',
      matrix_used: matrix === null ? 'bt601' : (used[matrix as keyof typeof used] ?? matrix),
    }),
  };
}

/** Formats whose fourth byte nothing defines: no digest of them means anything. */
const withPadding = /^(?:[rgb]{3}0|0[rgb]{3})/;

/**
 * SHA-256 of the decoded planes of all frames, in the layout of the pixel format, before rotation; `undefined` where
 * the format has bytes without a meaning, or ffmpeg fails.
 */
export async function planesDigest(
  path: string,
  pixelFormat: string,
  { everyFrame }: Decoder,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (withPadding.test(pixelFormat)) return undefined;
  const printed = await programOutput(
    'ffmpeg',
    [
      ...['-v', 'error', '-nostdin', '-noautorotate', ...inputOf(path), '-map', '0:V:0', ...everyFrame],
      ...['-c:v', 'rawvideo', '-pix_fmt', pixelFormat, '-f', 'hash', '-hash', 'sha256', 'pipe:1'],
    ],
    signal,
  );
  signal.throwIfAborted();
  return /SHA256=([0-9a-f]{64})/i.exec(printed?.text ?? '')?.[1]?.toLowerCase();
}
