// Stages
export { video, videoSourceOptions, type VideoSourceOptions, type VideoSurvey } from './video.ts';
export type { Part, SurveyedVideo } from './video-survey.ts';
export { mp4, mp4Options } from './mp4.ts';
export type { OpenVideos } from './define-video.ts';
export type { H264Settings } from './h264-encoder.ts';
export type { H264Thread, VideoInThread } from './h264-thread.ts';
export type { H264Group } from './mp4-samples.ts';
export { webm, webmOptions } from './webm.ts';
export { stages } from './stages.ts';
// Encoders
export { encoderNames, findEncoder, type Codec, type EncoderName, type FoundEncoder } from './find-encoder.ts';
// Decoders
export { findDecoder, type Decoder, type FoundDecoder } from './find-decoder.ts';
export { decoderOnce, openVideo, type Decoded, type DecodeMore, type Video, type VideoOpening } from './open-video.ts';
export { decoderPool, videoReader, type DecoderPool, type VideoReader } from './video-reader.ts';
export { chooseFrames, type Choice } from './choose-frames.ts';
export { findVideos, videoEndings, type VideoFile } from './find-videos.ts';
// What a file holds
export { inspectVideo, isVideo, videoHeadBytes, type InspectedVideo, type InspectVideoOptions } from './inspect.ts';
