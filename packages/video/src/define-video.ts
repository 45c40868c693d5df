// What sink/mp4 and sink/webm have in common.

import { join } from 'node:path';
import { outputFolder, refuse, type Picture, type Artifact, type StageDefinition } from '@deepearth/core';
import { animationFile, defineAnimation, type PictureSum } from '@deepearth/vision/animation';
import { z } from 'zod';
import { embeddedWriter } from './embedded-writer.ts';
import { ffmpegWriter } from './ffmpeg-writer.ts';
import { encoderNames, findEncoder, type Codec, type EncoderName, type FoundEncoder } from './find-encoder.ts';
import { frameRate, keyFrameDistance } from './frame-rate.ts';
import { encoderBytes } from './h264-encoder.ts';
import { h264Thread, type H264Thread } from './h264-thread.ts';
import { longestEdge, macroblocks, mostMacroblocks } from './sequence-head.ts';
import { embeddedQuantizer } from './quality.ts';

const usualFolder = 'video';

/** Options of both sinks. */
export const videoOptions = {
  fps: z
    .number()
    .min(0.001)
    .max(240)
    .default(12)
    .describe('Pictures per second, honoured exactly: 23.976 is 2997 pictures in 125 seconds.'),
  quality: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(75)
    .describe('100 looks like the pictures, 75 nearly so, 50 is small. The size follows from it.'),
  directory: outputFolder()
    .default(usualFolder)
    .describe(
      'Folder inside the output folder, "." for that itself. Where another stage would write the same names, it is the id of the stage.',
    ),
  file: animationFile,
};

/** Names of encoders, as an option. */
export const encoderOption = z.enum(encoderNames).default('auto');

type VideoSchema = z.ZodType<{
  readonly fps: number;
  readonly quality: number;
  readonly encoder: EncoderName;
  readonly directory: string;
  readonly file?: string | undefined;
}>;

/** One kind of video. */
export interface VideoFormat<Schema extends VideoSchema> {
  readonly type: string;
  readonly summary: string;
  readonly options: Schema;
  readonly examples: readonly string[];
  readonly noun: string;
  readonly mediaType: string;
  readonly codec: Codec;
  readonly mostEdge: number;
  /** Encoder and container as arguments of ffmpeg. */
  ffmpegArgs(options: z.output<Schema>, keyFrames: number): readonly string[];
}

/** What an open sink holds. */
export interface OpenVideos {
  readonly encoder: Exclude<FoundEncoder, { missing: string }>;
  /** The thread of the embedded encoder, once there is a video. */
  thread?: H264Thread;
  /** Videos so far. */
  videos: number;
}

/** Bytes of a video at most: white noise at the best quality takes three bytes for a pixel. */
const videoBytes = ({ pixels, pictures }: PictureSum, quality: number): number =>
  Math.ceil(pixels * (quality > 90 ? 3 : 2) + pictures * 256 + 4096);

/** A sink that writes videos. */
export function defineVideo<Schema extends VideoSchema>(
  format: VideoFormat<Schema>,
): StageDefinition<Schema, Picture, Artifact, OpenVideos, FoundEncoder> {
  const { noun, codec } = format;
  return defineAnimation<Schema, OpenVideos, FoundEncoder>({
    ...format,
    ending: format.type,
    usualFolder,
    bytes: (sum, { quality }) => videoBytes(sum, quality),
    memoryBytes: ({ fps }, size) => (size ? encoderBytes(size.width, size.height, keyFrameDistance(fps)) : 0),

    survey: ({ encoder }, signal) => findEncoder(encoder, codec, signal),

    refuses({ survey }, size) {
      if (survey && 'missing' in survey) return refuse(survey.missing, { option: 'encoder', remedy: survey.remedy });
      if (codec === 'h264' && size && macroblocks(size.width, size.height) > mostMacroblocks)
        return refuse(
          `H.264 has at most ${mostMacroblocks} blocks of 16 x 16 pixels, and pictures of ${size.width} x ${size.height} have ${macroblocks(size.width, size.height)}.`,
          { remedy: 'Write them with sink/pictures, or make them smaller.' },
        );
      return undefined;
    },

    warnings: (_, sizes) =>
      sizes
        .filter(({ width, height }) => width % 2 || height % 2)
        .slice(0, 1)
        .map(
          ({ width, height }) =>
            `${noun} needs even edges: pictures of ${width} x ${height} become ${width + (width % 2)} x ${height + (height % 2)}, with the last ${width % 2 ? 'column' : 'row'}${width % 2 && height % 2 ? ' and row' : ''} twice.`,
        ),

    notes: ({ survey }) => (survey && 'about' in survey ? [`encoded by ${survey.about}`] : []),

    async open({ options, survey, signal, recordFinding, log }) {
      const encoder = survey ?? (await findEncoder(options.encoder, codec, signal));
      if ('missing' in encoder) throw new Error(`${encoder.missing} ${encoder.remedy}`);
      recordFinding('encoder', encoder.about);
      log.info(`encodes with ${encoder.about}`);
      return { encoder, videos: 0 };
    },

    async start({ options, state, scratch, workFolder }, first) {
      const rate = frameRate(options.fps);
      const keyFrames = keyFrameDistance(options.fps);
      const number = state.videos++;
      if (state.encoder.name === 'ffmpeg')
        return ffmpegWriter(first, {
          rate,
          args: format.ffmpegArgs(options, keyFrames),
          path: join(await workFolder(), `${number}.${format.type}`),
        });
      const { width, height, channels } = first;
      state.thread ??= h264Thread();
      return embeddedWriter(
        state.thread,
        { width, height, channels, keyFrames, quantizer: embeddedQuantizer(options.quality) },
        rate,
        await scratch(`video-${number}`),
      );
    },

    close: async ({ thread }) => thread?.close(),
    keyParts: ({ encoder }) => [encoder.about],
  });
}

/** Pixels along an edge of H.264 at most. */
export const h264Edge = longestEdge;
