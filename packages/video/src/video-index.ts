// Finds the frames of a video file, when each is shown and what it looks like, without decoding it: with ffprobe.

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { InputError } from '@deepearth/core';
import { openRegularFile } from '@deepearth/core/regular-file';
import { promisedBytes } from './container-end.ts';
import type { Decoder } from './find-decoder.ts';
import { linesOf } from './lines.ts';

/** What is known of a video before it is decoded. Frames are in the order in which they are shown. */
export interface VideoIndex {
  readonly codec: string;
  /** As ffmpeg calls it: "yuv420p10le". */
  readonly pixelFormat: string;
  /** Upright. */
  readonly width: number;
  readonly height: number;
  /** What the file says of its colours; absent where it says nothing. */
  readonly matrix?: string;
  readonly range?: string;
  readonly transfer?: string;
  /** When each frame is shown, in seconds; edit lists applied, so that the first need not be 0. */
  readonly seconds: Float64Array;
  /** The same in units of `timeBase`, by which frames are told apart. */
  readonly ticks: Float64Array;
  /** 1 for each frame that needs no other to be decoded. */
  readonly keys: Uint8Array;
  /** Whether they were counted by decoding them: then one that cannot be decoded is not among them. */
  readonly countedByDecoding: boolean;
  readonly timeBase: readonly [numerator: number, denominator: number];
  /** What the times of the file begin at: seeking counts from there. */
  readonly startSeconds: number;
  /** When the last frame is over, in seconds. */
  readonly endSeconds: number;
  /** ISO 8601 in UTC: when the file says it was made, which is about when its recording began. */
  readonly createdAt?: string;
  /** Frames that the index promises and the file does not hold; `null` where it is cut and does not say of how many. */
  readonly missing: number | null;
  /** How a file that is cut falls short. */
  readonly cut?: { readonly bytes: number; readonly promised: number };
}

/** What input is read as: containers of video in a local file, and nothing that would open other files. */
export const inputOf = (path: string): readonly string[] => [
  '-protocol_whitelist',
  'file',
  '-format_whitelist',
  [
    ...[
      'mov',
      'mp4',
      'm4a',
      '3gp',
      '3g2',
      'mj2',
      'matroska',
      'webm',
      'avi',
      'asf',
      'flv',
      'live_flv',
      'mpeg',
      'mpegts',
    ],
    ...[
      'mxf',
      'ogg',
      'nut',
      'ivf',
      'dv',
      'rm',
      'wtv',
      'obu',
      'av1',
      'h264',
      'hevc',
      'vvc',
      'm4v',
      'mpegvideo',
      'mjpeg',
    ],
    ...['yuv4mpegpipe', 'roq', 'swf', 'vc1', 'gxf', 'y4m'],
  ].join(','),
  // What is cut off in the middle is no frame.
  ...['-fflags', '+discardcorrupt'],
  // A path that begins with a dash or looks like an address is still a path.
  ...['-i', `file:${resolve(path)}`],
];

/** Codecs that have packets without a picture: their frames are counted one by one. */
const hiddenPackets = new Set(['vp8', 'mpeg4', 'msmpeg4v3']);

/**
 * Reads the index of a file. Throws an `InputError` that names it where it is missing, empty, cut before its index, no
 * video, of a codec that this ffmpeg does not decode, or has more pixels than are allowed.
 */
export async function videoIndex(
  path: string,
  {
    probing,
    decoder,
    maxPixels,
    signal,
  }: {
    /** Of the same file. */
    readonly probing: Probing;
    readonly decoder: Decoder;
    readonly maxPixels: number;
    readonly signal?: AbortSignal;
  },
): Promise<VideoIndex> {
  const promised = await lengthOf(path);
  let found = await probing.packets;
  const { stream } = found;
  if (!stream) throw unreadable(path, found.said, promised, signal);
  const codec = stream.get('codec_name') ?? 'unknown';
  if (!decoder.codecs.has(codec))
    throw new InputError(
      path,
      `holds video of the codec ${JSON.stringify(codec)}, which ${decoder.about} does not decode.`,
      {
        code: 'E_VIDEO_DECODER',
        remedy: 'Install an ffmpeg that does, or convert the file first.',
      },
    );
  const rotation = Math.round(Number(stream.get('rotation') ?? 0));
  const turned = Math.abs(rotation % 180) === 90;
  const [columns, rows] = [Number(stream.get('width')), Number(stream.get('height'))];
  if (!(columns > 0 && rows > 0)) throw unreadable(path, found.said, promised, signal);
  if (columns * rows > maxPixels)
    throw new InputError(
      path,
      `has frames of ${columns} x ${rows} = ${columns * rows} pixels, the limit is ${maxPixels}.`,
      {
        code: 'E_PICTURE_TOO_LARGE',
        remedy: `If you trust the file, raise the limit with \`maxPixels: ${columns * rows}\`.`,
      },
    );
  const countedByDecoding = hiddenPackets.has(codec) || !found.timed;
  if (countedByDecoding) found = await probe(path, 'frame', signal);
  if (!found.timed)
    throw new InputError(
      path,
      'has frames without a time, or several of the same time, so that they cannot be told apart.',
      {
        code: 'E_VIDEO_UNREADABLE',
        remedy: 'Write it anew with other times: ffmpeg -i FILE -vf setpts=N/FRAME_RATE/TB OUT.mp4.',
      },
    );
  const { ticks, keys, format } = found;
  if (ticks.length === 0) throw unreadable(path, found.said, promised, signal);
  const timeBase = (stream.get('time_base') ?? '1/1').split('/').map(Number) as [number, number];
  const secondsOf = (tick: number): number => (tick * timeBase[0]) / timeBase[1];
  const cut = promised.promised !== undefined && promised.promised > promised.bytes;
  const counted = Number(stream.get('nb_frames'));
  const createdAt = instantOf(stream.get('tag:creation_time') ?? format.get('tag:creation_time'));
  const known = (name: string): string | undefined => {
    const value = stream.get(name);
    return value === undefined || value === 'unknown' || value === 'N/A' ? undefined : value;
  };
  const [matrix, range, transfer] = [known('color_space'), known('color_range'), known('color_transfer')];
  return {
    codec,
    pixelFormat: known('pix_fmt') ?? 'unknown',
    width: turned ? rows : columns,
    height: turned ? columns : rows,
    ...(matrix && { matrix }),
    ...(range && { range }),
    ...(transfer && { transfer }),
    ticks,
    seconds: ticks.map(secondsOf),
    keys,
    countedByDecoding,
    timeBase,
    startSeconds: Number(format.get('start_time')) || 0,
    endSeconds: secondsOf(ticks.at(-1)! + (found.lastDuration || usualGap(ticks))),
    ...(createdAt && { createdAt }),
    // An index counts frames that an edit list leaves out, too: it is the measure of a file that is cut alone.
    missing: cut ? (Number.isInteger(counted) && counted > ticks.length ? counted - ticks.length : null) : 0,
    ...(cut && { cut: { bytes: promised.bytes, promised: promised.promised! } }),
  };
}

/** What the last frame is shown for, where the file does not say: as long as the one before. */
const usualGap = (ticks: Float64Array): number => (ticks.length > 1 ? ticks.at(-1)! - ticks.at(-2)! : 0);

interface Length {
  readonly bytes: number;
  readonly promised: number | undefined;
}

/** Bytes of a file and what its container promises. Throws an `InputError` for one that is missing or empty. */
async function lengthOf(path: string): Promise<Length> {
  const file = await openRegularFile(path);
  try {
    const { size: bytes } = await file.stat();
    if (bytes === 0)
      throw new InputError(path, 'is empty (0 bytes).', {
        code: 'E_VIDEO_UNREADABLE',
        remedy: 'Copy it again, or leave it out.',
      });
    return { bytes, promised: await promisedBytes(file, bytes) };
  } finally {
    await file.close();
  }
}

/** The error for a file in which no frame is found. */
function unreadable(path: string, said: string, { bytes, promised }: Length, signal: AbortSignal | undefined): Error {
  signal?.throwIfAborted();
  const cut = promised !== undefined && promised > bytes;
  const noIndex = /moov atom not found/.test(said);
  if (noIndex || cut)
    return new InputError(
      path,
      `cannot be read as a video: ${noIndex ? 'its index (moov) is not there' : 'it has no whole frame'}${cut ? `; the file is cut short, it has ${bytes} bytes of ${promised}` : ', the file is cut short or was never finished'}.`,
      { code: 'E_VIDEO_UNREADABLE', remedy: 'Copy it again, or leave it out.' },
    );
  if (said === '')
    return new InputError(path, 'has no video stream.', {
      code: 'E_NO_VIDEO',
      remedy: 'Leave it out: it holds sound or data alone.',
    });
  return new InputError(path, `cannot be read as a video (${said}).`, {
    code: 'E_VIDEO_UNREADABLE',
    remedy: 'Look whether it is the file that was meant; copy it again, or leave it out.',
  });
}

interface Probed {
  readonly stream: ReadonlyMap<string, string> | undefined;
  readonly format: ReadonlyMap<string, string>;
  /** Shown frames in order of time. */
  readonly ticks: Float64Array;
  readonly keys: Uint8Array;
  readonly lastDuration: number;
  /** Whether all of them have a time of their own. */
  readonly timed: boolean;
  /** The last thing that ffprobe complained about. */
  readonly said: string;
}

/** An index that is being read. */
export interface Probing {
  readonly packets: Promise<Probed>;
  /** Gives up. */
  stop(): void;
}

/** Begins to read the index of a file, while others find out what could decode it. */
export function startProbing(path: string, signal: AbortSignal | undefined): Probing {
  const ending = new AbortController();
  const packets = probe(path, 'packet', signal ? AbortSignal.any([signal, ending.signal]) : ending.signal);
  packets.catch(() => undefined); // it rejects for who reads the index
  return { packets, stop: () => ending.abort() };
}

/** Asks ffprobe for the stream and for all its packets or, which decodes them, frames. */
async function probe(path: string, unit: 'packet' | 'frame', signal: AbortSignal | undefined): Promise<Probed> {
  const entries = unit === 'packet' ? 'packet=pts,duration,flags' : 'frame=best_effort_timestamp,key_frame';
  const child = spawn(
    'ffprobe',
    [
      ...['-v', 'error', '-select_streams', 'V:0', '-show_entries'],
      `${entries}:stream=codec_name,width,height,pix_fmt,nb_frames,time_base,color_range,color_space,color_transfer:stream_side_data=rotation:stream_tags=creation_time:format=start_time:format_tags=creation_time`,
      ...['-of', 'compact=escape=none', ...inputOf(path)],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], signal },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const ended = new Promise<void>((done, fail) => {
    child.once('error', fail);
    child.once('close', () => done());
  });
  ended.catch(() => undefined); // it may reject while lines are still awaited
  const ticks: number[] = [];
  const keys: number[] = [];
  let [stream, format]: (ReadonlyMap<string, string> | undefined)[] = [];
  let [timed, lastDuration, last] = [true, 0, -Infinity];
  try {
    for await (const line of linesOf(child.stdout)) {
      const { kind, fields } = parseLine(line);
      if (kind === 'stream') stream = fields;
      else if (kind === 'format') format = fields;
      else if (kind === unit) {
        const flags = fields.get('flags');
        // Decoded for others and not shown itself, as an edit list says.
        if (flags?.includes('D')) continue;
        let tick = Number(fields.get('pts') ?? fields.get('best_effort_timestamp'));
        // What comes out of a decoder at the end may have lost its time: it follows at the same pace.
        if (unit === 'frame' && Number.isNaN(tick) && ticks.length > 1) tick = 2 * ticks.at(-1)! - ticks.at(-2)!;
        timed &&= Number.isFinite(tick);
        ticks.push(tick);
        keys.push(flags?.startsWith('K') || fields.get('key_frame') === '1' ? 1 : 0);
        if (tick > last) [last, lastDuration] = [tick, Number(fields.get('duration')) || 0];
      }
    }
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  const order = Uint32Array.from(ticks.keys()).sort((a, b) => ticks[a]! - ticks[b]!);
  const sorted = Float64Array.from(order, (at) => ticks[at]!);
  const line = said
    .trim()
    .split('\n')
    .at(-1)!
    .replace(/^\[[^\]]*\]\s*/, '')
    .replace(`file:${resolve(path)}: `, '');
  return {
    stream,
    format: format ?? new Map(),
    ticks: sorted,
    keys: Uint8Array.from(order, (at) => keys[at]!),
    lastDuration,
    timed: timed && sorted.every((tick, i) => i === 0 || tick > sorted[i - 1]!),
    said: /moov atom not found/.test(said) ? 'moov atom not found' : line,
  };
}

/** "packet|pts=0|duration=1024|flags=K_": kind and fields. */
function parseLine(line: string): { readonly kind: string; readonly fields: Map<string, string> } {
  const [kind, ...parts] = line.split('|');
  const fields = new Map<string, string>();
  for (const part of parts) {
    const at = part.indexOf('=');
    // Side data has its kind before its names in some versions: "side_datum/display_matrix:rotation=-90".
    if (at > 0) fields.set(part.slice(0, at).replace(/^side_dat[^:]*:/, ''), part.slice(at + 1));
  }
  return { kind: kind!, fields };
}

/** A time that a container carries, in UTC; `undefined` for none and for the zero of MP4. */
function instantOf(text: string | undefined): string | undefined {
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isFinite(time) && time > Date.UTC(1904, 0, 2) ? new Date(time).toISOString() : undefined;
}
