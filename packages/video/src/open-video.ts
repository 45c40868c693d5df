// Opens a video: what is known of its frames, and a way to decode them in order.

import { stat, type FileHandle } from 'node:fs/promises';
import { InputError, lendRaster, tensor, type Raster } from '@deepearth/core';
import { fileError } from '@deepearth/core/file-trouble';
import { openRegularFile, readRegularFile } from '@deepearth/core/regular-file';
import { animationFormat, openAnimatedPicture } from '@deepearth/vision/animated-picture';
import { ffmpegFrames } from './ffmpeg-frames.ts';
import { findDecoder, type Decoder, type FoundDecoder } from './find-decoder.ts';
import { keyBefore } from './seek-point.ts';
import { startProbing, videoIndex, type Probing } from './video-index.ts';

/** A frame that comes out of a decoder. */
export interface Decoded {
  readonly number: number;
  /** Absent where nobody wants it or it could not be decoded whole. */
  readonly raster?: Raster | undefined;
  readonly damage?: string | undefined;
}

/** A video that can be decoded. Frames are counted from 0 in the order in which they are shown. */
export interface Video {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  /** When each frame is shown, in seconds. */
  readonly seconds: Float64Array;
  readonly endSeconds: number;
  readonly createdAt?: string | undefined;
  /** Frames that the file promises and does not hold; `null` where it is cut and does not say of how many. */
  readonly missing: number | null;
  /** Of an animation that this package decodes itself. */
  readonly format?: 'gif' | 'webp' | 'apng' | undefined;
  /** For people: "h264, yuv420p". */
  readonly about: string;
  /** What decodes it, for people, the manifest and keys: "ffmpeg 5.1.9". */
  readonly decoder: string;
  /** What a user may not expect of its colours. */
  readonly remarks: readonly string[];
  /** The last frame up to this number that needs no other to be decoded: reading can begin there. */
  keyBefore(number: number): number;
  /**
   * Decodes from a frame on, in order; those that are not `chosen` may be left out, and so may what cannot be decoded.
   * `wants` is asked whether the pixels of a frame are wanted.
   */
  decode(from: number, wants: (number: number) => boolean, more: DecodeMore): AsyncGenerator<Decoded>;
}

/** What else decoding goes by. */
export interface DecodeMore {
  /** Numbers of frames, ascending; absent for all. */
  readonly chosen?: Uint32Array | undefined;
  readonly signal: AbortSignal;
}

/** How videos are opened. */
export interface VideoOpening {
  readonly maxPixels: number;
  readonly signal?: AbortSignal | undefined;
  /** Looks for ffmpeg; called when it is needed. */
  decoder(): Promise<FoundDecoder>;
}

/** Finds ffmpeg once, for those who need it. */
export function decoderOnce(signal?: AbortSignal): VideoOpening['decoder'] {
  let found: Promise<FoundDecoder> | undefined;
  return () => (found ??= findDecoder(signal));
}

/** An animation is read into memory whole. */
const mostAnimationBytes = 2 ** 30;

/**
 * Opens a file: animations with what this package brings along, anything else with ffmpeg. Throws an `InputError` that
 * names the file where it is missing, empty, broken, without pictures, or where nothing here can decode it.
 */
export async function openVideo(path: string, { maxPixels, signal, decoder }: VideoOpening): Promise<Video> {
  const start = await startOf(path);
  if (animationFormat(start)) {
    const bytes = await readRegularFile(path, { maxBytes: mostAnimationBytes, signal });
    return ofAnimation(path, bytes, maxPixels);
  }
  const before = await stat(path);
  // Programs that are linked to many libraries take long to start: both at once.
  const probing = startProbing(path, signal);
  let video: Video;
  try {
    const found = await decoder();
    if ('missing' in found)
      throw new InputError(path, `cannot be decoded: ${found.missing}`, {
        code: 'E_VIDEO_DECODER',
        remedy: found.remedy,
      });
    video = await ofFfmpeg(path, found, probing, maxPixels, signal);
  } finally {
    probing.stop();
  }
  return {
    ...video,
    async *decode(...args) {
      const now = await stat(path);
      if (now.size !== before.size || now.mtimeMs !== before.mtimeMs) throw changed(path);
      yield* video.decode(...args);
    },
  };
}

/** The error for a file that is another one by now. */
export const changed = (path: string): InputError =>
  new InputError(path, 'has changed since it was first read.', {
    code: 'E_INPUT_CHANGED',
    remedy: 'Run again when nothing writes to it any more.',
  });

async function startOf(path: string): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await openRegularFile(path);
    const bytes = new Uint8Array(16);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } catch (cause) {
    throw fileError(cause, path);
  } finally {
    await file?.close();
  }
}

async function ofFfmpeg(
  path: string,
  decoder: Decoder,
  probing: Probing,
  maxPixels: number,
  signal?: AbortSignal,
): Promise<Video> {
  const index = await videoIndex(path, { probing, decoder, maxPixels, ...(signal && { signal }) });
  const { width, height, keys, matrix, range, transfer, pixelFormat } = index;
  const isYuv = /^(?:yuv|nv|p0|p2|y2|ayuv|xv)/.test(pixelFormat);
  const unsaid = [
    ...(matrix === undefined ? ['matrix (BT.601 is taken)'] : []),
    ...(range === undefined && !pixelFormat.startsWith('yuvj') ? ['range (limited is taken)'] : []),
  ];
  const found = { keysBack: 0 };
  return {
    path,
    width,
    height,
    seconds: index.seconds,
    endSeconds: index.endSeconds,
    createdAt: index.createdAt,
    missing: index.missing,
    about: `${index.codec}, ${pixelFormat}`,
    decoder: decoder.about,
    remarks: [
      ...(isYuv && unsaid.length > 0 ? [`the file does not say its colour ${unsaid.join(' and ')}`] : []),
      ...(transfer === 'smpte2084' || transfer === 'arib-std-b67'
        ? ['its colours are HDR, and brightness is passed on as stored, without tone mapping']
        : []),
    ],
    keyBefore: (number) => keyBefore(keys, number),
    async *decode(from, wants, { chosen, signal: stop }) {
      for await (const { number, rgb, damage, reuse } of ffmpegFrames(
        { path, index, decoder, chosen, found, signal: stop },
        from,
        wants,
      ))
        yield {
          number,
          damage,
          raster:
            rgb &&
            lendRaster({ values: tensor('uint8', [height, width, 3], rgb), channels: ['red', 'green', 'blue'] }, () =>
              reuse(rgb),
            ),
        };
    },
  };
}

function ofAnimation(path: string, bytes: Uint8Array, maxPixels: number): Video {
  const picture = openAnimatedPicture(bytes, { name: path, maxPixels });
  const { width, height, durations, missing, format } = picture;
  const seconds = new Float64Array(durations.length);
  let over = 0;
  for (const [i, duration] of durations.entries()) {
    seconds[i] = round(over);
    over += duration;
  }
  return {
    path,
    width,
    height,
    seconds,
    endSeconds: round(over),
    missing,
    format: format === 'png' ? 'apng' : format,
    about: `${format.toUpperCase()} animation`,
    decoder: 'sharp',
    remarks: [],
    keyBefore: () => 0,
    async *decode(from, wants, { signal }) {
      let number = from;
      for await (const raster of picture.frames(from, signal)) {
        yield { number, raster: wants(number) ? raster : undefined };
        number++;
      }
    },
  };
}

/** 0.3 and not 0.30000000000000004. */
const round = (seconds: number): number => Math.round(seconds * 1e9) / 1e9;
