// Writes what stands before the samples of an MP4 file: one H.264 track, all samples in one piece behind the head.

import { concat } from '@deepearth/formats/bytes';
import type { FrameRate } from './frame-rate.ts';

/** What a head says of its track. */
export interface Mp4Track {
  readonly width: number;
  readonly height: number;
  readonly rate: FrameRate;
  /** Sequence and picture heads of the stream, without start codes. */
  readonly sequenceHead: Uint8Array;
  readonly pictureHead: Uint8Array;
  /** Bytes of each sample, in order. */
  readonly sizes: readonly number[];
  /** Positions of the key frames. */
  readonly keys: readonly number[];
}

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const u16 = (value: number): Uint8Array => bytes(value >>> 8, value & 255);
const u32 = (...values: readonly number[]): Uint8Array => {
  const out = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => out.setUint32(i * 4, value));
  return new Uint8Array(out.buffer);
};
const u64 = (value: number): Uint8Array => u32(Math.floor(value / 2 ** 32), value % 2 ** 32);

const box = (type: string, ...parts: readonly Uint8Array[]): Uint8Array => {
  const content = concat(parts);
  return concat([u32(content.length + 8), text(type), content]);
};
const fullBox = (type: string, flags: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  box(type, u32(flags), ...parts);

/** No turn, no stretch: rows of a matrix, 16 and 2 bits after the point. */
const identity = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** Ticks of a second and of a frame: whole, and at least 600 a second, which players expect. */
export function timing({ numerator, denominator }: FrameRate): { readonly timescale: number; readonly delta: number } {
  const factor = Math.ceil(600 / numerator);
  return { timescale: numerator * factor, delta: denominator * factor };
}

/** The file up to its first sample: `ftyp`, `moov`, and the beginning of `mdat`. */
export function mp4Head(track: Mp4Track): Uint8Array {
  const total = track.sizes.reduce((sum, size) => sum + size, 0);
  const type = box('ftyp', text('isom'), u32(512), text('isomiso2avc1mp41'));
  const long = total + 16 > 0xffffffff;
  const data = long ? concat([u32(1), text('mdat'), u64(total + 16)]) : concat([u32(total + 8), text('mdat')]);
  // Where the samples begin is known once the head is there, whose length does not depend on it.
  const before = type.length + movie(track, 0).length + data.length;
  return concat([type, movie(track, before), data]);
}

function movie(track: Mp4Track, dataAt: number): Uint8Array {
  const { width, height, sizes, keys } = track;
  const { timescale, delta } = timing(track.rate);
  const duration = delta * sizes.length;
  // Times are left out: the same pictures are the same bytes.
  const long = duration > 0xffffffff;
  const times = long ? [u64(0), u64(0)] : [u32(0, 0)];
  const lasts = long ? u64(duration) : u32(duration);
  const version = long ? 0x01000000 : 0;

  const samples = box(
    'stbl',
    fullBox('stsd', 0, u32(1), sampleEntry(track)),
    fullBox('stts', 0, u32(1, sizes.length, delta)),
    fullBox('stss', 0, u32(keys.length), ...chunked(keys.map((key) => key + 1))),
    // One chunk holds all samples.
    fullBox('stsc', 0, u32(1, 1, sizes.length, 1)),
    fullBox('stsz', 0, u32(0, sizes.length), ...chunked(sizes)),
    fullBox('co64', 0, u32(1), u64(dataAt)),
  );
  const media = box(
    'mdia',
    fullBox('mdhd', version, ...times, u32(timescale), lasts, bytes(0x55, 0xc4, 0, 0)),
    fullBox('hdlr', 0, u32(0), text('vide'), u32(0, 0, 0), text('VideoHandler\0')),
    box('minf', fullBox('vmhd', 1, u32(0, 0)), box('dinf', fullBox('dref', 0, u32(1), fullBox('url ', 1))), samples),
  );
  return box(
    'moov',
    fullBox(
      'mvhd',
      version,
      ...times,
      u32(timescale),
      lasts,
      u32(0x10000),
      bytes(1, 0, 0, 0),
      u32(0, 0),
      identity,
      u32(0, 0, 0, 0, 0, 0, 2),
    ),
    box(
      'trak',
      fullBox(
        'tkhd',
        version | 3,
        ...times,
        u32(1, 0),
        lasts,
        u32(0, 0, 0, 0),
        identity,
        u32(width * 65536, height * 65536),
      ),
      media,
    ),
  );
}

/** Numbers of 32 bits, some thousand at a time: a call has not room for any number of arguments. */
function* chunked(values: readonly number[]): Generator<Uint8Array> {
  for (let at = 0; at < values.length; at += 4096) yield u32(...values.slice(at, at + 4096));
}

function sampleEntry({ width, height, sequenceHead, pictureHead }: Mp4Track): Uint8Array {
  const configuration = box(
    'avcC',
    bytes(1, sequenceHead[1]!, sequenceHead[2]!, sequenceHead[3]!, 0xff, 0xe1),
    u16(sequenceHead.length),
    sequenceHead,
    bytes(1),
    u16(pictureHead.length),
    pictureHead,
  );
  return box(
    'avc1',
    u32(0),
    u16(0),
    u16(1),
    u32(0, 0, 0, 0),
    u16(width),
    u16(height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    new Uint8Array(32),
    u16(24),
    u16(0xffff),
    configuration,
    // BT.709: primaries, transfer, matrix; limited range.
    box('colr', text('nclx'), u16(1), u16(1), u16(1), bytes(0)),
    box('pasp', u32(1, 1)),
  );
}
