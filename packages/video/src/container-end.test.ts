import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { promisedBytes } from './container-end.ts';

const folder = await mkdtemp(join(tmpdir(), 'container-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let serial = 0;
/** What the first `length` bytes promise. */
async function promised(bytes: readonly number[], length = bytes.length): Promise<number | undefined> {
  const path = join(folder, String(serial++));
  await writeFile(path, Uint8Array.from(bytes.slice(0, length)));
  const file = await open(path);
  try {
    return await promisedBytes(file, length);
  } finally {
    await file.close();
  }
}

const text = (value: string): number[] => [...value].map((character) => character.charCodeAt(0));
const zeros = (count: number): number[] => Array<number>(count).fill(0);
const box = (type: string, content: number): number[] => [0, 0, 0, 8 + content, ...text(type), ...zeros(content)];

describe('a container says where it ends', () => {
  const mp4 = [...box('ftyp', 8), ...box('moov', 40), ...box('mdat', 60)];
  test('MP4 by its boxes, wherever it is cut', async () => {
    expect(await promised(mp4)).toBe(mp4.length);
    for (const length of [70, 100, mp4.length - 1]) expect(await promised(mp4, length)).toBeGreaterThan(length);
    // Between two boxes nothing shows.
    expect(await promised(mp4, 64)).toBe(64);
  });

  test('MP4 with a box of 64 bits, and one that goes on to the end', async () => {
    const large = [...box('ftyp', 8), 0, 0, 0, 1, ...text('mdat'), 0, 0, 0, 1, 0, 0, 0, 0, ...zeros(9)];
    expect(await promised(large)).toBe(16 + 2 ** 32);
    expect(await promised([...box('ftyp', 8), 0, 0, 0, 0, ...text('mdat'), ...zeros(9)])).toBeUndefined();
    expect(await promised([...box('ftyp', 8), 0, 0, 0, 3, ...text('mdat'), ...zeros(9)])).toBeUndefined();
  });

  test('AVI by its RIFF chunks', async () => {
    const avi = [...text('RIFF'), 21, 0, 0, 0, ...text('AVI '), ...zeros(18)];
    expect(await promised(avi)).toBe(30);
    expect(await promised(avi, 29)).toBe(29);
    expect(await promised(avi, 20)).toBe(30);
    expect(await promised([...text('RIFF'), 0, 0, 0, 0, ...text('AVI '), ...zeros(18)])).toBeUndefined();
  });

  test('Matroska by its segment, unless that was written as a stream', async () => {
    const head = [0x1a, 0x45, 0xdf, 0xa3, 0x83, 1, 2, 3, 0x18, 0x53, 0x80, 0x67];
    expect(await promised([...head, 0x40, 20, ...zeros(20)])).toBe(34);
    expect(await promised([...head, 0x40, 20, ...zeros(10)])).toBe(34);
    expect(await promised([...head, 0x01, ...Array<number>(7).fill(255), ...zeros(20)])).toBeUndefined();
    expect(await promised([...head, 0x00, ...zeros(20)])).toBeUndefined();
  });

  test('anything else does not', async () => {
    expect(await promised(zeros(40))).toBeUndefined();
    expect(await promised([])).toBeUndefined();
  });
});
