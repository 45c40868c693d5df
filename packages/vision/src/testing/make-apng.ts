// Animated PNGs whose frames a test lays out itself.

import { concat } from '@deepearth/formats/bytes';
import { crc32 } from '@deepearth/formats/crc32';
import sharp from 'sharp';

/** A frame: where it lies, one colour, how it is put there and what becomes of its place. */
export interface MadeFrame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly rgba: readonly [number, number, number, number];
  readonly delay?: readonly [numerator: number, denominator: number];
  /** 0 keep, 1 clear, 2 restore. */
  readonly dispose?: 0 | 1 | 2;
  /** 0 covers, 1 blends. */
  readonly blend?: 0 | 1;
}

const u32 = (...values: readonly number[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => view.setUint32(i * 4, value));
  return new Uint8Array(view.buffer);
};

function chunk(type: string, ...contents: readonly Uint8Array[]): Uint8Array {
  const data = concat([new TextEncoder().encode(type), ...contents]);
  return concat([u32(data.length - 4), data, u32(crc32(data))]);
}

/** An animated PNG; `promised` is how many frames its header speaks of. */
export async function makeApng(frames: readonly MadeFrame[], promised = frames.length): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let number = 0;
  for (const [i, { x, y, width, height, rgba, delay = [1, 10], dispose = 0, blend = 0 }] of frames.entries()) {
    const pixels = new Uint8Array(width * height * 4);
    for (let at = 0; at < pixels.length; at += 4) pixels.set(rgba, at);
    const png = new Uint8Array(
      await sharp(pixels, { raw: { width, height, channels: 4 } })
        .png({ palette: false })
        .toBuffer(),
    );
    if (i === 0) parts.push(png.slice(0, 33), chunk('acTL', u32(promised, 0)));
    const times = Uint8Array.of(delay[0] >> 8, delay[0] & 255, delay[1] >> 8, delay[1] & 255, dispose, blend);
    parts.push(chunk('fcTL', u32(number++, width, height, x, y), times));
    for (const data of dataOf(png)) parts.push(i === 0 ? chunk('IDAT', data) : chunk('fdAT', u32(number++), data));
  }
  return concat([...parts, chunk('IEND')]);
}

function* dataOf(png: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(png.buffer);
  for (let at = 8; at + 8 <= png.length; at += 12 + view.getUint32(at))
    if (String.fromCharCode(...png.subarray(at + 4, at + 8)) === 'IDAT')
      yield png.subarray(at + 8, at + 8 + view.getUint32(at));
}
