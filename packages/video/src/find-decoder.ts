// Finds what can decode video on this machine: ffmpeg and ffprobe on the path.

import { isOnPath, programOutput } from './program-output.ts';

/** A decoder that is there. */
export interface Decoder {
  /** For people, the manifest and keys: "ffmpeg 5.1.9". */
  readonly about: string;
  /** The arguments that leave times as they are and repeat or drop no frame. */
  readonly everyFrame: readonly string[];
  /** The codecs that this build decodes, as ffprobe calls them. */
  readonly codecs: ReadonlySet<string>;
}

/** A decoder that is there, or why none is. */
export type FoundDecoder = Decoder | { readonly missing: string; readonly remedy: string };

/** Looks for ffmpeg and ffprobe, which it needs for the times of frames. */
export async function findDecoder(signal?: AbortSignal): Promise<FoundDecoder> {
  const [listed, hasProbe] = await Promise.all([programOutput('ffmpeg', ['-decoders'], signal), isOnPath('ffprobe')]);
  if (!listed || !hasProbe)
    return {
      missing: `no ${listed ? 'ffprobe' : 'ffmpeg'} is on the path.`,
      remedy:
        'Install ffmpeg, which brings ffprobe (Debian and Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg). GIF, animated WebP and animated PNG are read without it.',
    };
  // Before 5.1 the option had another name; builds from the repository have no number and are newer.
  const { text: decoders, version = 'of an unknown version' } = listed;
  const [major = 99, minor = 0] = /^n?(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? [];
  const old = major < 5 || (major === 5 && minor < 1);
  return {
    about: `ffmpeg ${version.replace(/-.*$/, '')}`,
    everyFrame: ['-copyts', old ? '-vsync' : '-fps_mode', 'passthrough'],
    // " V....D libdav1d  dav1d AV1 decoder by VideoLAN (codec av1)": the codec is the last word where it is not the
    // name.
    codecs: new Set(
      [...decoders.matchAll(/^ V\S* (\S+)(?:.*\(codec (\w+)\))?/gm)].map(([, name, codec]) => codec ?? name!),
    ),
  };
}
