// Stages
export { mp4, mp4Options } from './mp4.ts';
export { webm, webmOptions } from './webm.ts';
export { stages } from './stages.ts';
// Encoders
export { encoderNames, findEncoder, type Codec, type EncoderName, type FoundEncoder } from './find-encoder.ts';
