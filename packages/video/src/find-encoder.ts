// Finds what can encode video on this machine: ffmpeg on the path, else the encoder that comes along.

import { programOutput } from './program-output.ts';

/** How a user names an encoder. */
export const encoderNames = ['auto', 'ffmpeg', 'embedded'] as const;
/** How an encoder is chosen: the best that is there, `ffmpeg` on the path, or the one in this package. */
export type EncoderName = (typeof encoderNames)[number];
/** The kinds of streams. */
export type Codec = 'h264' | 'vp9';

/** An encoder that is there, or why none is. */
export type FoundEncoder =
  | {
      readonly name: 'ffmpeg' | 'embedded';
      /** For people, the manifest and keys: "ffmpeg 5.1.9 with libx264". */
      readonly about: string;
    }
  | { readonly missing: string; readonly remedy: string };

/** The libraries of ffmpeg that encode. */
export const ffmpegLibraries: Readonly<Record<Codec, string>> = { h264: 'libx264', vp9: 'libvpx-vp9' };

const embedded = { name: 'embedded', about: 'the embedded H.264 encoder (h264-mp4-encoder 1.0.12)' } as const;

/** What encodes: as `choice` says, or the first of ffmpeg and the embedded encoder that can. */
export async function findEncoder(choice: EncoderName, codec: Codec, signal?: AbortSignal): Promise<FoundEncoder> {
  if (choice === 'embedded') {
    if (codec === 'h264') return embedded;
    return { missing: 'the embedded encoder makes H.264 only.', remedy: 'Use sink/mp4, or encoder: ffmpeg.' };
  }
  const found = await findFfmpeg(codec, signal);
  if ('name' in found || choice === 'ffmpeg' || codec !== 'h264') return found;
  return embedded;
}

async function findFfmpeg(codec: Codec, signal: AbortSignal | undefined): Promise<FoundEncoder> {
  const library = ffmpegLibraries[codec];
  const listed = await programOutput('ffmpeg', ['-encoders'], signal);
  const remedy = `Install ffmpeg with ${library} (Debian and Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg)${codec === 'h264' ? ', or use encoder: embedded' : ', or use sink/mp4'}.`;
  if (!listed) return { missing: 'no ffmpeg is on the path.', remedy };
  const { text, version = 'of an unknown version' } = listed;
  if (!text.includes(` ${library} `)) return { missing: `ffmpeg ${version} is without ${library}.`, remedy };
  return { name: 'ffmpeg', about: `ffmpeg ${version} with ${library}` };
}
