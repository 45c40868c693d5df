// The embedded H.264 encoder: minih264 in WebAssembly, as the package h264-mp4-encoder brings it.
//
// That package keeps an MP4 file in memory until it is whole. Here it writes one for each group of pictures (a key
// frame and those that follow it); the samples are taken out of it, and memory does not grow with the length of a
// video.

import { bt709 } from './bt709.ts';
import { even } from './even-pixels.ts';
import { mp4Samples, type H264Group } from './mp4-samples.ts';

/** How an encoder is set up. */
export interface H264Settings {
  readonly width: number;
  readonly height: number;
  /** 3, or 4 with opacity last: what is see-through becomes black. */
  readonly channels: number;
  /** Frames from one key frame to the next: a group. */
  readonly keyFrames: number;
  /** 10 (best) to 51. */
  readonly quantizer: number;
}

/** An encoder for pictures of one size. */
export interface H264Encoder {
  /** Takes `[height, width, channels]`. Resolves to a group where this picture is its last, else to nothing. */
  add(pixels: Uint8Array): Promise<H264Group | undefined>;
  /** Resolves to the group that is not full yet, if there is one. */
  end(): Promise<H264Group | undefined>;
  /** Frees what an unfinished group holds. */
  close(): void;
}

/** Of minih264's speeds, 0 to 10. The best one takes four times as long and makes a fifth less. */
const speed = 10;

/** Names of the encoder's files: all encoders of a thread share one file system in memory. */
let files = 0;

/** Starts an encoder. Edges that are odd get another column or row, equal to the last. */
export async function h264Encoder(settings: H264Settings): Promise<H264Encoder> {
  const { createH264MP4Encoder } = (await import('h264-mp4-encoder')).default;
  const [width, height] = [even(settings.width), even(settings.height)];
  const planes = new Uint8Array((width * height * 3) / 2);
  let group: Awaited<ReturnType<typeof createH264MP4Encoder>> | undefined;
  let pictures = 0;

  const start = async (): Promise<NonNullable<typeof group>> => {
    const encoder = await createH264MP4Encoder();
    Object.assign(encoder, {
      outputFilename: `${files++}.mp4`,
      width,
      height,
      speed,
      quantizationParameter: settings.quantizer,
      groupOfPictures: settings.keyFrames,
    });
    encoder.initialize();
    return encoder;
  };
  /** What the group's file holds. The encoder has to write it also where nobody wants it. */
  const finish = (): Uint8Array => {
    const { FS, outputFilename: file } = group!;
    try {
      group!.finalize();
      return FS.readFile(file);
    } finally {
      group!.delete();
      FS.unlink(file);
      group = undefined;
      pictures = 0;
    }
  };
  const end = async (): Promise<H264Group | undefined> => (group ? mp4Samples(finish()) : undefined);

  return {
    async add(pixels) {
      group ??= await start();
      group.addFrameYuv(bt709(pixels, settings, planes));
      return ++pictures === settings.keyFrames ? end() : undefined;
    },
    end,
    close() {
      if (group) finish();
    },
  };
}

/**
 * Bytes that an encoder takes: pictures in 4:2:0, pixels under way, and a group of coded pictures, which take half a
 * byte for a pixel where they are full of detail.
 */
export const encoderBytes = (width: number, height: number, keyFrames: number): number =>
  Math.ceil(width * height * (12 + keyFrames / 2)) + (16 << 20);
