// Writes pictures as WebM videos (VP9), one for each layer and sequence.

import { z } from 'zod';
import { defineVideo, videoOptions } from './define-video.ts';
import { vp9Quality } from './quality.ts';

/** Options of `sink/webm`. */
export const webmOptions = z.strictObject({
  fps: videoOptions.fps,
  quality: videoOptions.quality,
  encoder: z
    .enum(['auto', 'ffmpeg'])
    .default('auto')
    .describe('`ffmpeg` on the path (libvpx); there is no embedded one for VP9.'),
  directory: videoOptions.directory,
  file: videoOptions.file,
});

/** The stage `sink/webm`. */
export const webm = defineVideo({
  type: 'webm',
  summary: 'Writes pictures as WebM videos (VP9), one for each layer (and sequence, where there are several).',
  options: webmOptions,
  examples: ['- type: sink/webm', '- type: sink/webm\n  with: { fps: 6, quality: 50 }'],
  noun: 'WebM',
  mediaType: 'video/webm',
  codec: 'vp9',
  mostEdge: 16383,
  ffmpegArgs: ({ quality }, keyFrames) => [
    ...['-c:v', 'libvpx-vp9', '-crf', String(vp9Quality(quality)), '-b:v', '0', '-g', String(keyFrames)],
    ...['-deadline', 'good', '-cpu-used', '4', '-row-mt', '1', '-f', 'webm'],
  ],
});
