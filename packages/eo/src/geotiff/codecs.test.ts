import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecs, type BlockShape } from './codecs.ts';
import { decodeLzw } from './lzw.ts';
import { decodePackBits } from './pack-bits.ts';

/** LZW as TIFF has it, the plain way: what the decoder has to undo. */
function encodeLzw(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  let [held, bits, width] = [0, 0, 9];
  const put = (code: number): void => {
    held = held * 2 ** width + code;
    bits += width;
    while (bits >= 8) {
      out.push(Math.floor(held / 2 ** (bits - 8)) & 255);
      held %= 2 ** (bits - 8);
      bits -= 8;
    }
  };
  let table = new Map<string, number>();
  const codeOf = (text: string): number => (text.length === 1 ? text.charCodeAt(0) : table.get(text)!);
  let next = 258;
  put(256);
  let text = '';
  for (const byte of bytes) {
    const letter = String.fromCharCode(byte);
    if (text === '' || table.has(text + letter)) {
      text += letter;
      continue;
    }
    put(codeOf(text));
    table.set(text + letter, next++);
    // The decoder's table is one entry behind, which is why it widens one code early.
    if (next === 4095) {
      put(256);
      table = new Map();
      [next, width] = [258, 9];
    } else if (next === 2 ** width) width++;
    text = letter;
  }
  if (text) put(codeOf(text));
  put(257);
  if (bits > 0) out.push((held << (8 - bits)) & 255);
  return Uint8Array.from(out);
}

const block = (length: number): BlockShape => ({
  width: length,
  height: 1,
  samples: 1,
  length,
  most: length,
  photometric: 1,
  floatBits: 0,
});

/** Bytes with runs and repetitions, as pictures have them. */
const bytes = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 40 })), { maxLength: 300 })
  .map((runs) => Uint8Array.from(runs.flatMap(([value, count]) => Array<number>(count).fill(value * 31))));

describe('LZW', () => {
  test('is undone, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, fc.uint8Array({ maxLength: 20_000 })), (data) => {
        expect(decodeLzw(encodeLzw(data), data.length)).toEqual(data);
      }),
      { numRuns: 60 },
    );
  });

  test('of many codes goes through the whole table and begins anew', () => {
    const data = Uint8Array.from({ length: 60_000 }, (_, i) => (i * i * 7919) >> 5);
    expect(decodeLzw(encodeLzw(data), data.length)).toEqual(data);
  });

  test('that is cut, or has codes that were never made, is refused', () => {
    const data = Uint8Array.from({ length: 4000 }, (_, i) => (i * 7919) >> 3);
    const whole = encodeLzw(data);
    expect(() => decodeLzw(whole.subarray(0, 100), data.length)).toThrow(/end too early|never made/);
    // After a clear code, a code beyond the bytes.
    expect(() => decodeLzw(Uint8Array.of(0x80, 0x7f, 0xff), 10)).toThrow(/never made/);
    expect(() => decodeLzw(Uint8Array.of(0x00, 0x01, 0x02), 10)).toThrow(/low bit first/);
  });
});

describe('PackBits', () => {
  test('has literals, runs and a byte that says nothing', () => {
    const packed = Uint8Array.of(2, 1, 2, 3, 128, 254, 9, 0, 7);
    expect([...decodePackBits(packed, 7)]).toEqual([1, 2, 3, 9, 9, 9, 7]);
    expect([...decodePackBits(packed, 5)]).toEqual([1, 2, 3, 9, 9]);
  });

  test('that is cut is refused', () => {
    expect(() => decodePackBits(Uint8Array.of(5, 1, 2), 6)).toThrow(/too early/);
    expect(() => decodePackBits(Uint8Array.of(250), 6)).toThrow(/too early/);
  });
});

describe('deflate', () => {
  test('that holds more than its block is refused before it fills the memory', async () => {
    const bomb = deflateSync(new Uint8Array(1 << 22));
    await expect(codecs[8]!.decode!(bomb, block(1000))).rejects.toThrow();
    expect(await codecs[8]!.decode!(deflateSync(new Uint8Array(1000)), block(1000))).toHaveLength(1000);
  });
});
