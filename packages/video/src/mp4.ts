// Writes pictures as MP4 videos (H.264), one for each layer and sequence.

import { z } from 'zod';
import { defineVideo, encoderOption, h264Edge, videoOptions } from './define-video.ts';
import { h264Quality } from './quality.ts';

/** Options of `sink/mp4`. */
export const mp4Options = z.strictObject({
  fps: videoOptions.fps,
  quality: videoOptions.quality,
  encoder: encoderOption.describe(
    '`ffmpeg` on the path (x264), or `embedded`, which comes along. `auto` is the first of them that is there; plan and manifest say which.',
  ),
  directory: videoOptions.directory,
  file: videoOptions.file,
});

/** The stage `sink/mp4`. */
export const mp4 = defineVideo({
  type: 'mp4',
  summary: 'Writes pictures as MP4 videos (H.264), one for each layer (and sequence, where there are several).',
  options: mp4Options,
  examples: ['- type: sink/mp4', '- type: sink/mp4\n  with: { fps: 23.976, quality: 90, encoder: embedded }'],
  noun: 'MP4',
  mediaType: 'video/mp4',
  codec: 'h264',
  mostEdge: h264Edge,
  ffmpegArgs: ({ quality }, keyFrames) => [
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', String(h264Quality(quality)), '-g', String(keyFrames)],
    ...['-movflags', '+faststart+write_colr', '-f', 'mp4'],
  ],
});
