// Encoders of GIF and MP4 that run in a browser: those of the sinks, and WebCodecs where it has H.264.

import { gifWriter } from '@deepearth/sinks/gif-frames';
import { even, evenPixels } from '@deepearth/video/even-pixels';
import { frameRate, keyFrameDistance, type FrameRate } from '@deepearth/video/frame-rate';
import { h264Encoder } from '@deepearth/video/h264-encoder';
import { mp4Head } from '@deepearth/video/mp4-head';
import type { H264Group } from '@deepearth/video/mp4-samples';
import { describeUse, levelOf } from '@deepearth/video/sequence-head';
import type { MovieSettings } from './movie-protocol.ts';

/** Takes pictures, `[height, width, 4]`, and makes a file. */
export interface MovieEncoder {
  /** For people: which encoder it is. */
  readonly name: string;
  add(pixels: Uint8Array<ArrayBuffer>): Promise<void>;
  end(): Promise<Blob>;
}

/** Of 10 (best) to 51, what `sink/mp4` takes for high quality. */
const quantizer = 20;
/** Bits for a pixel of a picture, where an encoder wants a rate. */
const bitsPerPixel = 0.2;

/** Starts the encoder of a format. */
export async function movieEncoder(settings: MovieSettings): Promise<MovieEncoder> {
  if (settings.format === 'gif') return gif(settings);
  return (await hardware(settings)) ?? embedded(settings);
}

async function gif({ width, height, fps }: MovieSettings): Promise<MovieEncoder> {
  const writer = await gifWriter({ fps, loop: true, colors: 256, palette: 'shared', dither: true });
  const parts: Blob[] = [];
  // What the writer returns is valid until its next call.
  const keep = (pieces: readonly Uint8Array[]): void => {
    for (const piece of pieces) parts.push(new Blob([piece as Uint8Array<ArrayBuffer>]));
  };
  return {
    name: 'gif',
    async add(data) {
      keep(writer.add({ data: opaque(data), width, height, channels: 3 }));
    },
    async end() {
      keep(writer.end());
      return new Blob(parts, { type: 'image/gif' });
    },
  };
}

/** Pictures of the stage have no opacity of their own. */
function opaque(data: Uint8Array): Uint8Array {
  const out = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    out[to++] = data[from]!;
    out[to++] = data[from + 1]!;
    out[to++] = data[from + 2]!;
  }
  return out;
}

/** The samples of an MP4 and where its key frames are. */
function samples({ width, height }: MovieSettings, rate: FrameRate) {
  const parts: Blob[] = [];
  const sizes: number[] = [];
  const keys: number[] = [];
  return {
    add(bytes: Uint8Array<ArrayBuffer>, own: readonly number[]): void {
      parts.push(new Blob([bytes]));
      sizes.push(...own);
    },
    key: () => keys.push(sizes.length),
    file(sequenceHead: Uint8Array, pictureHead: Uint8Array): Blob {
      const [columns, rows] = [even(width), even(height)];
      const head = mp4Head({ width: columns, height: rows, rate, sequenceHead, pictureHead, sizes, keys });
      return new Blob([head as Uint8Array<ArrayBuffer>, ...parts], { type: 'video/mp4' });
    },
  };
}

async function embedded(settings: MovieSettings): Promise<MovieEncoder> {
  const { width, height, fps } = settings;
  const rate = frameRate(fps);
  const encoder = await h264Encoder({ width, height, channels: 4, keyFrames: keyFrameDistance(fps), quantizer });
  const all = samples(settings, rate);
  let heads: H264Group | undefined;
  const take = (group: H264Group | undefined): void => {
    if (!group) return;
    heads ??= group;
    all.key();
    all.add(group.samples as Uint8Array<ArrayBuffer>, group.sizes);
  };
  return {
    name: 'minih264',
    async add(pixels) {
      take(await encoder.add(pixels));
    },
    async end() {
      take(await encoder.end());
      if (!heads) throw new Error('A film needs a frame.');
      const head = describeUse(heads.sequenceHead, levelOf(even(width), even(height), rate), rate);
      return all.file(head, heads.pictureHead);
    },
  };
}

/** WebCodecs; `undefined` where this browser has no H.264, as some builds of Chromium do not. */
async function hardware(settings: MovieSettings): Promise<MovieEncoder | undefined> {
  if (typeof VideoEncoder === 'undefined') return undefined;
  const { fps } = settings;
  const [width, height] = [even(settings.width), even(settings.height)];
  const rate = frameRate(fps);
  const config: VideoEncoderConfig = {
    codec: `avc1.42E0${levelOf(width, height, rate).toString(16).padStart(2, '0')}`,
    width,
    height,
    framerate: fps,
    bitrate: Math.max(500_000, Math.round(width * height * fps * bitsPerPixel)),
    avc: { format: 'avc' },
  };
  const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({ supported: false }));
  if (!supported) return undefined;
  const all = samples(settings, rate);
  let configuration: Uint8Array | undefined;
  let failed: Error | undefined;
  const encoder = new VideoEncoder({
    output(chunk, metadata) {
      const description = metadata?.decoderConfig?.description;
      if (description && !configuration)
        configuration = new Uint8Array(
          description instanceof ArrayBuffer
            ? description.slice(0)
            : new Uint8Array((description as ArrayBufferView).buffer as ArrayBuffer).slice(),
        );
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      if (chunk.type === 'key') all.key();
      all.add(bytes, [bytes.length]);
    },
    error: (error) => (failed = error),
  });
  encoder.configure(config);
  const keyFrames = keyFrameDistance(fps);
  let count = 0;
  return {
    name: 'WebCodecs',
    async add(data) {
      if (failed) throw failed;
      const pixels = opaquePixels(evenPixels({ data, width: settings.width, height: settings.height, channels: 4 }));
      const timestamp = Math.round((count * 1e6) / fps);
      const frame = new VideoFrame(pixels, { format: 'RGBX', codedWidth: width, codedHeight: height, timestamp });
      encoder.encode(frame, { keyFrame: count % keyFrames === 0 });
      frame.close();
      count++;
      while (encoder.encodeQueueSize > 4 && !failed) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async end() {
      await encoder.flush();
      encoder.close();
      if (failed) throw failed;
      if (!configuration) throw new Error('The encoder of this browser described no stream.');
      const { sequenceHead, pictureHead } = headsOf(configuration);
      return all.file(sequenceHead, pictureHead);
    },
  };
}

function opaquePixels(rgb: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((rgb.length / 3) * 4);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    out[to] = rgb[from]!;
    out[to + 1] = rgb[from + 1]!;
    out[to + 2] = rgb[from + 2]!;
    out[to + 3] = 255;
  }
  return out;
}

/** The heads of an `avcC` box with one of each (ISO/IEC 14496-15, 5.3.3.1). */
function headsOf(bytes: Uint8Array): Pick<H264Group, 'sequenceHead' | 'pictureHead'> {
  const sized = (at: number): Uint8Array => {
    const length = bytes[at]! * 256 + bytes[at + 1]!;
    return bytes.slice(at + 2, at + 2 + length);
  };
  const sequenceHead = sized(6);
  return { sequenceHead, pictureHead: sized(6 + 2 + sequenceHead.length + 1) };
}
