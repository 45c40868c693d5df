// Writes a video with ffmpeg: pixels go into its standard input, and the file it made is handed on when it is whole.

import { spawn } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { DeepEarthError } from '@deepearth/core/errors';
import type { AnimationPicture, AnimationWriter } from '@deepearth/vision/animation';
import type { FrameRate } from './frame-rate.ts';
import { evenPixels } from './even-pixels.ts';

/** What ffmpeg is to make. */
export interface FfmpegVideo {
  readonly rate: FrameRate;
  /** Encoder and container, as ffmpeg's arguments. */
  readonly args: readonly string[];
  /** A file in the work folder. */
  readonly path: string;
}

const pieceBytes = 1 << 20;

/** Colours are BT.709 in limited range, rounded well, and said in the stream and in the container. */
const colours = [
  '-vf',
  'scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p,setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv',
  ...['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv'],
];

/**
 * Arguments after which the same pictures are the same bytes: no dates, no numbers made up, and a number of threads
 * that does not depend on the machine, since x264 divides its work by it.
 */
const reproducible = ['-threads', '4', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact'];

/** Starts a video; all pictures have the size of the first. */
export function ffmpegWriter(first: AnimationPicture, { rate, args, path }: FfmpegVideo): AnimationWriter {
  const [width, height] = [first.width + (first.width % 2), first.height + (first.height % 2)];
  const child = spawn(
    'ffmpeg',
    [
      ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgb24'],
      ...['-video_size', `${width}x${height}`, '-framerate', `${rate.numerator}/${rate.denominator}`, '-i', 'pipe:0'],
      ...colours,
      ...args,
      ...reproducible,
      ...['-y', path],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `it ended with ${signal ?? code}`));
  });
  // A pipe that breaks is told by the end of ffmpeg, which says why.
  child.stdin.on('error', () => undefined);

  const failed = (how: string | undefined): DeepEarthError =>
    new DeepEarthError(`ffmpeg could not write the video: ${how}${said ? `; it says: ${said.trim()}` : ''}.`, {
      code: 'E_VIDEO_ENCODER',
      remedy: 'Take encoder: embedded, or another build of ffmpeg.',
    });

  return {
    async add(picture) {
      if (child.exitCode !== null || child.signalCode !== null) throw failed(await ended);
      const pixels = evenPixels(picture);
      const written = (): void => picture.release?.();
      if (pixels !== picture.data) written();
      if (!child.stdin.write(pixels, pixels === picture.data ? written : undefined)) {
        const stopped = await Promise.race([
          new Promise<false>((resolve) => child.stdin.once('drain', () => resolve(false))),
          ended.then((how) => ({ how })),
        ]);
        if (stopped) throw failed(stopped.how ?? 'it ended before its input did');
      }
      return [];
    },
    async end() {
      child.stdin.end();
      const how = await ended;
      if (how !== undefined) throw failed(how);
      return fileParts(path);
    },
    async close() {
      child.kill('SIGKILL');
      await ended;
      await rm(path, { force: true });
    },
  };
}

async function* fileParts(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    for (;;) {
      const piece = new Uint8Array(pieceBytes);
      const { bytesRead } = await file.read(piece, 0, pieceBytes);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
