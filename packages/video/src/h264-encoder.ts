// The embedded H.264 encoder: minih264 in WebAssembly, one instance for each video.

import { kernel } from './h264-kernel.generated.ts';

/** How an encoder is set up. */
export interface H264Settings {
  readonly width: number;
  readonly height: number;
  /** 3, or 4 with opacity last: what is see-through becomes black. */
  readonly channels: number;
  /** Frames from one key frame to the next. */
  readonly keyFrames: number;
  /** 10 (best) to 51. */
  readonly quantizer: number;
}

/** An encoder for pictures of one size. */
export interface H264Encoder {
  /** Returns the next part of the stream, with start codes. `[height, width, channels]` goes in. */
  encode(pixels: Uint8Array): Uint8Array;
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  open(width: number, height: number, channels: number, keyFrames: number, quantizer: number, speed: number): number;
  encode(channels: number): number;
  coded(): number;
}

let compiled: WebAssembly.Module | undefined;

/** Of minih264's speeds, 0 to 10: 0 takes twice the time of 10 and makes a quarter less. */
const speed = 0;

/** Starts an encoder. Edges that are odd get another column or row, equal to the last. */
export function h264Encoder({ width, height, channels, keyFrames, quantizer }: H264Settings): H264Encoder {
  compiled ??= new WebAssembly.Module(Buffer.from(kernel, 'base64'));
  const { memory, open, encode, coded } = new WebAssembly.Instance(compiled).exports as unknown as Exports;
  const at = open(width, height, channels, keyFrames, quantizer, speed);
  if (at === 0) throw new Error(`the encoder has no room for pictures of ${width} x ${height}`);
  return {
    encode(pixels) {
      new Uint8Array(memory.buffer, at, width * height * channels).set(pixels);
      const length = encode(channels);
      if (length < 0) throw new Error(`the encoder failed with status ${-length}`);
      return new Uint8Array(memory.buffer, coded(), length).slice();
    },
  };
}

/** Bytes that an encoder takes: three pictures in 4:2:0, the pixels, and room for what is coded. */
export const encoderBytes = (width: number, height: number): number => Math.ceil(width * height * 12) + (1 << 20);
