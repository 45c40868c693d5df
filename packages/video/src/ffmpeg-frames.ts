// Decodes frames of a video in order, with ffmpeg: pixels come from its standard output, and what it says of each frame
// tells which one it is.

import { spawn } from 'node:child_process';
import { InputError } from '@deepearth/core';
import type { Decoder } from './find-decoder.ts';
import { framePipe } from './frame-pipe.ts';
import { seekPoint, type SeekPoint } from './seek-point.ts';
import { ticksExpression } from './ticks-expression.ts';
import { toldFrames } from './told-frames.ts';
import { inputOf, type VideoIndex } from './video-index.ts';

/** A frame that was decoded. */
export interface DecodedFrame {
  /** Its position among all frames of the video. */
  readonly number: number;
  /** `[height, width, 3]`; `undefined` where nobody wants it or it could not be decoded whole. */
  readonly rgb: Uint8Array | undefined;
  /** What was wrong with it. */
  readonly damage?: string;
  /** Takes back the memory of its pixels for those of later frames. */
  reuse(rgb: Uint8Array): void;
}

/** A video, what decodes it, and which of its frames are wanted. */
export interface FfmpegVideo {
  readonly path: string;
  readonly index: VideoIndex;
  readonly decoder: Decoder;
  /** Numbers of frames, ascending; absent for all. */
  readonly chosen?: Uint32Array | undefined;
  /** What was found out of its container, for later decodings. */
  readonly found: { keysBack: number };
  /** Ends ffmpeg at once. */
  readonly signal: AbortSignal;
}

/** Keys to go back at most, until what the decoder makes of the next ones is taken, or the beginning of the file. */
const mostKeysBack = 16;

/**
 * Decodes from a frame on; frames that are not chosen may be left out. `wants` is asked of each that comes whether its
 * pixels are. Throws an `InputError` when ffmpeg cannot go on.
 *
 * ffmpeg says that something is wrong, but with several threads it cannot be told of which frame: the mark of a damaged
 * one may be lost (before ffmpeg 7) or be reported some frames early (since). So when it complains, what has not come
 * yet is decoded again by one thread, which reports each frame that leaves the decoder.
 */
export async function* ffmpegFrames(
  video: FfmpegVideo,
  from: number,
  wants: (number: number) => boolean,
): AsyncGenerator<DecodedFrame> {
  const { index, chosen, found } = video;
  let next = from;
  let oneByOne = false;
  let { keysBack } = found;
  while (next < index.ticks.length) {
    const part = oneByOne ? undefined : partFrom(video, next);
    const first = part?.first ?? next;
    // Where a frame may still show what came before its key, as while blocks are renewed one by one, another is needed.
    const point = seekPoint(index, first, oneByOne ? Math.max(keysBack, 1) : keysBack);
    const checked = keysBack <= mostKeysBack;
    let [came, failure]: [boolean, Failure | undefined] = [false, undefined];
    for await (const frame of decode(video, { from: first, point, checked, part, wants, oneByOne })) {
      if (typeof frame === 'string') {
        failure = frame;
        break;
      }
      if (!came && checked) found.keysBack = keysBack;
      came = true;
      yield frame;
      next = frame.number + 1;
      if (frame.number >= (part?.last ?? Infinity)) break;
    }
    if (failure === 'complained') oneByOne = true;
    else if (failure === 'missed') {
      keysBack = keysBack === 0 ? 1 : 2 * keysBack;
      // What comes then has to be told by one.
      if (keysBack > mostKeysBack) oneByOne = true;
    } else if (!came && point.seconds !== undefined) keysBack = Infinity;
    else if (!part || part.last === chosen!.at(-1)) return;
    else next = part.last + 1;
  }
}

/** The chosen frames from a number on that one expression has room for. */
function partFrom({ index, chosen }: FfmpegVideo, from: number) {
  if (!chosen) return undefined;
  const start = chosen.findIndex((number) => number >= from);
  if (start < 0) return { expression: '0', first: from, last: chosen.at(-1)! };
  const { expression, count } = ticksExpression(
    (function* () {
      for (let i = start; i < chosen.length; i++) yield index.ticks[chosen[i]!]!;
    })(),
  );
  return { expression, first: chosen[start]!, last: chosen[start + count - 1]! };
}

/**
 * Why a decoding is given up, in place of a frame: ffmpeg complained of what cannot be told, or began behind the key
 * that was sought.
 */
type Failure = 'complained' | 'missed';

const afterLoss = 'a frame before it is missing';

interface Decoding {
  readonly from: number;
  readonly point: SeekPoint;
  /** Whether the key of the point has to come out. */
  readonly checked: boolean;
  /** Selects frames; absent for all. */
  readonly part: { readonly expression: string } | undefined;
  readonly wants: (number: number) => boolean;
  /** With one thread, which tells what is wrong with which frame; else a complaint ends the decoding. */
  readonly oneByOne: boolean;
}

async function* decode(
  { path, index, decoder, signal }: FfmpegVideo,
  { from, point, checked, part, wants, oneByOne }: Decoding,
): AsyncGenerator<DecodedFrame | Failure> {
  const { width, height, ticks, timeBase } = index;
  const keyTick = ticks[point.key]!;
  let reached = point.seconds === undefined || !checked;
  const select = [
    ...(reached || point.key === from ? [] : [`eq(pts,${keyTick})`]),
    `gte(pts,${ticks[from]})${part ? `*(${part.expression})` : ''}`,
  ].join('+');
  // Frames are counted where they are decoded one by one, so that none may be left out.
  const all = oneByOne || (!part && from === 0);
  const pixels = await framePipe(width * height * 3);
  const child = spawn(
    'ffmpeg',
    [
      ...['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'level+info'],
      ...decoder.everyFrame.slice(0, 1),
      ...(oneByOne ? ['-threads', '1', '-debug_ts'] : []),
      // Our own filter leaves out what lies before, by its time.
      ...(point.seconds === undefined ? [] : ['-noaccurate_seek', '-ss', point.seconds.toFixed(6)]),
      ...inputOf(path),
      ...['-map', '0:V:0', ...decoder.everyFrame.slice(1)],
      ...['-vf', `${all ? '' : `select='${select}',`}showinfo=checksum=0`],
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
    ],
    { stdio: ['ignore', pixels.output, 'pipe'], signal, killSignal: 'SIGKILL' },
  );
  pixels.started(child.stdout);
  const reuse = (rgb: Uint8Array): void => pixels.reuse(rgb);
  const { countedByDecoding, keys } = index;
  const said = toldFrames(
    child.stderr!,
    oneByOne ? { countedByDecoding, intraOnly: keys.every((key) => key === 1) } : undefined,
  );
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `it ended with ${signal ?? code}`));
  });
  const failed = (how: string): InputError =>
    new InputError(path, `cannot be decoded: ${how}${said.problem() ? `; ffmpeg says: ${said.problem()}` : ''}.`, {
      code: 'E_VIDEO_DECODER',
      remedy: 'Look whether ffmpeg alone can read the file; copy or convert it again.',
    });
  let at = oneByOne ? point.key : from;
  let came = false;
  // What comes behind a key that did not is not whole before the next one.
  let damaged = checked || point.seconds === undefined ? undefined : afterLoss;
  try {
    for (;;) {
      const frame = await said.next();
      if (!frame) break;
      if (frame.suspect) {
        yield 'complained';
        return;
      }
      if (frame.width !== width || frame.height !== height)
        throw new InputError(
          path,
          `changes its size from ${width} x ${height} to ${frame.width} x ${frame.height} after frame ${at - 1}.`,
          {
            code: 'E_FRAME_SIZE',
            remedy: 'Frames of one video have one size: read the part before it with `to`, or convert the file first.',
          },
        );
      // A frame that lost its time follows the one before; after a seek there is none.
      if (frame.tick === undefined && !came && from > 0 && reached) throw failed('its frames come without times');
      const tick =
        frame.tick === undefined
          ? (ticks[at] ?? Infinity)
          : Math.round((frame.tick * frame.timeBase[0] * timeBase[1]) / (frame.timeBase[1] * timeBase[0]));
      reached ||= tick === keyTick;
      if (!reached && tick >= ticks[from]!) {
        yield 'missed';
        return;
      }
      // A frame that is damaged or missing shows in those that are made of it, up to the next that needs no other.
      for (; at < ticks.length && ticks[at]! < tick; at++) if (oneByOne) damaged = afterLoss;
      const isNext = ticks[at] === tick;
      const known = isNext && at >= from;
      came ||= known;
      if (frame.key) damaged = undefined;
      if (frame.damage) damaged = frame.damage === 'damaged' ? 'parts of it are damaged' : afterLoss;
      const rgb = await pixels.next();
      if (!rgb) break;
      if (!known || damaged !== undefined || !wants(at)) {
        pixels.reuse(rgb);
        if (known) yield { number: at, rgb: undefined, ...(damaged !== undefined && { damage: damaged }), reuse };
      } else yield { number: at, rgb, reuse };
      if (isNext) at++;
    }
    const how = await ended;
    signal.throwIfAborted();
    if (how !== undefined && !came) throw failed(how);
    if (!reached) yield 'missed';
  } finally {
    child.kill('SIGKILL');
    pixels.close();
    child.stderr!.destroy();
    await ended;
  }
}
