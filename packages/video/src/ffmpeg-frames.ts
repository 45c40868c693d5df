// Decodes frames of a video in order, with ffmpeg: pixels come from its standard output, and what it says of each frame
// tells which one it is.

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { InputError } from '@deepearth/core';
import type { Decoder } from './find-decoder.ts';
import { framePipe } from './frame-pipe.ts';
import { ticksExpression } from './ticks-expression.ts';
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
  /** Ends ffmpeg at once. */
  readonly signal: AbortSignal;
}

/**
 * Decodes from a frame on; frames that are not chosen may be left out. `wants` is asked of each that comes whether its
 * pixels are. Throws an `InputError` when ffmpeg cannot go on.
 */
export async function* ffmpegFrames(
  video: FfmpegVideo,
  from: number,
  wants: (number: number) => boolean,
): AsyncGenerator<DecodedFrame> {
  const { index, chosen } = video;
  for (let next = from; next < index.ticks.length;) {
    const part = partFrom(video, next);
    let came = false;
    for await (const frame of decode(video, next, part?.expression, wants, true)) {
      came = true;
      yield frame;
      if (frame.number >= (part?.last ?? Infinity)) break;
    }
    // Where an index leads behind the frame, it is looked for from the beginning.
    if (!came && next > 0)
      for await (const frame of decode(video, next, part?.expression, wants, false)) {
        yield frame;
        if (frame.number >= (part?.last ?? Infinity)) break;
      }
    if (!part || part.last === chosen!.at(-1)) return;
    next = part.last + 1;
  }
}

/** The chosen frames from a number on that one expression has room for. */
function partFrom({ index, chosen }: FfmpegVideo, from: number) {
  if (!chosen) return undefined;
  const start = chosen.findIndex((number) => number >= from);
  if (start < 0) return { expression: '0', last: chosen.at(-1)! };
  const { expression, count } = ticksExpression(
    (function* () {
      for (let i = start; i < chosen.length; i++) yield index.ticks[chosen[i]!]!;
    })(),
  );
  return { expression, last: chosen[start + count - 1]! };
}

async function* decode(
  { path, index, decoder, signal }: FfmpegVideo,
  from: number,
  expression: string | undefined,
  wants: (number: number) => boolean,
  seek: boolean,
): AsyncGenerator<DecodedFrame> {
  const { width, height, ticks, timeBase } = index;
  const first = `gte(pts,${ticks[from]})`;
  const select = expression === undefined ? (from > 0 ? first : undefined) : `${first}*(${expression})`;
  const seekTo = index.seconds[from]! - index.startSeconds - 0.0005;
  const pixels = await framePipe(width * height * 3);
  const child = spawn(
    'ffmpeg',
    [
      ...['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'level+info'],
      ...decoder.everyFrame.slice(0, 1),
      // Our own filter leaves out what lies before, by its time.
      ...(seek && seekTo > 0 ? ['-noaccurate_seek', '-ss', seekTo.toFixed(6)] : []),
      ...inputOf(path),
      ...['-map', '0:V:0', ...decoder.everyFrame.slice(1)],
      ...['-vf', `${select === undefined ? '' : `select='${select}',`}showinfo=checksum=0`],
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
    ],
    { stdio: ['ignore', pixels.output, 'pipe'], signal, killSignal: 'SIGKILL' },
  );
  pixels.started(child.stdout);
  const reuse = (rgb: Uint8Array): void => pixels.reuse(rgb);
  const said = told(child.stderr!);
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `it ended with ${signal ?? code}`));
  });
  const failed = (how: string): InputError =>
    new InputError(path, `cannot be decoded: ${how}${said.complaint() ? `; ffmpeg says: ${said.complaint()}` : ''}.`, {
      code: 'E_VIDEO_DECODER',
      remedy: 'Look whether ffmpeg alone can read the file; copy or convert it again.',
    });
  let at = from;
  let damaged: string | undefined;
  try {
    for (;;) {
      const frame = await said.next();
      if (!frame) break;
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
      if (frame.tick === undefined && at === from && from > 0) throw failed('its frames come without times');
      const tick =
        frame.tick === undefined
          ? (ticks[at] ?? Infinity)
          : Math.round((frame.tick * frame.timeBase[0] * timeBase[1]) / (frame.timeBase[1] * timeBase[0]));
      while (at < ticks.length && ticks[at]! < tick) at++;
      const known = ticks[at] === tick;
      // A damaged frame shows in those that are made of it, up to the next that needs no other.
      if (frame.key) damaged = undefined;
      if (frame.damage) damaged = frame.damage;
      const rgb = await pixels.next();
      if (!rgb) break;
      if (!known || damaged !== undefined || !wants(at)) {
        pixels.reuse(rgb);
        if (known) yield { number: at, rgb: undefined, ...(damaged !== undefined && { damage: damaged }), reuse };
      } else yield { number: at, rgb, reuse };
      if (known) at++;
    }
    const how = await ended;
    signal.throwIfAborted();
    if (how !== undefined && at === from) throw failed(how);
  } finally {
    child.kill('SIGKILL');
    pixels.close();
    child.stderr!.destroy();
    await ended;
  }
}

/** What ffmpeg says of a frame. */
interface Told {
  readonly tick: number | undefined;
  readonly timeBase: readonly [number, number];
  readonly width: number;
  readonly height: number;
  readonly key: boolean;
  readonly damage: string | undefined;
}

/** Reads on even while nobody asks, or ffmpeg would wait. */
function told(stream: Readable) {
  const frames: Told[] = [];
  let waiting: (() => void) | undefined;
  let [over, complaint]: [boolean, string] = [false, ''];
  let timeBase: readonly [number, number] = [1, 1];
  let damage: string | undefined;
  const wake = (): void => {
    waiting?.();
    waiting = undefined;
  };
  const read = (line: string): void => {
    const frame = line.includes(' pts:')
      ? / n: *\d+ pts: *(NOPTS|-?\d+) .* s:(\d+)x(\d+) .*iskey:([01])/.exec(line)
      : undefined;
    if (frame) {
      const [, tick, width, height, key] = frame;
      frames.push({
        tick: tick === 'NOPTS' ? undefined : Number(tick),
        timeBase,
        width: Number(width),
        height: Number(height),
        key: key === '1',
        damage,
      });
      damage = undefined;
      return wake();
    }
    const base = /config in time_base: (\d+)\/(\d+)/.exec(line);
    if (base) timeBase = [Number(base[1]), Number(base[2])];
    if (line.includes('corrupt decoded frame')) damage = 'parts of it are damaged';
    const problem = /\[(?:error|fatal|panic)\] (.*)/.exec(line);
    if (problem) complaint = problem[1]!;
  };
  // ffmpeg writes a line in a dozen pieces, and a listener takes them with less ado than an iterator.
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    rest += text;
    if (!text.includes('\n')) return;
    const lines = rest.split('\n');
    rest = lines.pop()!;
    lines.forEach(read);
  });
  stream.once('close', () => {
    if (rest) read(rest);
    over = true;
    wake();
  });
  return {
    /** What it says of the next frame; `undefined` when there is none. */
    async next(): Promise<Told | undefined> {
      while (frames.length === 0 && !over) await new Promise<void>((resolve) => (waiting = resolve));
      return frames.shift();
    },
    complaint: (): string => complaint,
  };
}
