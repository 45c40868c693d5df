// Stages
export { mp4, mp4Options } from './mp4.ts';
export type { OpenVideos } from './define-video.ts';
export type { H264Settings } from './h264-encoder.ts';
export type { H264Thread, VideoInThread } from './h264-thread.ts';
export { webm, webmOptions } from './webm.ts';
export { stages } from './stages.ts';
// Encoders
export { encoderNames, findEncoder, type Codec, type EncoderName, type FoundEncoder } from './find-encoder.ts';
