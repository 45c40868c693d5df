import { tensor } from '@deepearth/core/tensor';
import type { TokenGrid } from '@deepearth/core/items';
import { describe, expect, test } from 'vitest';
import { bytesSource } from './bytes.ts';
import { encodeSafetensors } from './safetensors.ts';
import { describeTokenFile, readTokenFile } from './token-file.ts';

const frame = (number: number) => ({
  kind: 'frame' as const,
  id: `frame-${number}`,
  key: `${number}`.repeat(8),
  sequence: 'north',
  number,
  at: `2024-02-22T10:15:0${number}.000Z`,
  seconds: number / 4,
  footprint: { x: 8 * number, y: 0, width: 8, height: 8 },
  locator: { source: 'source/frames', uri: `a/f${number}.tif`, sha256: `${number}`.repeat(64), page: 0 },
  width: 8,
  height: 8,
  read: () => Promise.reject(new Error('not here')),
});
const tokens: TokenGrid = {
  kind: 'tokens',
  id: 'clip-000002',
  key: 'abcdef0123456789',
  values: tensor(
    'float32',
    [1, 2, 2, 3],
    Float32Array.from({ length: 12 }, (_, i) => i / 7),
  ),
  axes: ['time', 'height', 'width', 'channels'],
  valid: Uint8Array.from([255, 17, 0, 255]),
  globals: {
    names: ['class', 'register'],
    axes: ['name', 'channels'],
    values: tensor('float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
  },
  clip: {
    kind: 'clip',
    id: 'clip-000002',
    key: 'cc',
    sequence: 'north',
    index: 2,
    frames: [frame(5), frame(6)],
    padded: 0,
  },
  origin: { kind: 'picture', geometry: { frameWidth: 8, frameHeight: 8, x: 0.5, y: 0, width: 7, height: 8 } },
  encoder: { name: 'some encoder', fingerprint: 'ffee' },
};
const write = async (
  change: (file: ReturnType<typeof describeTokenFile>) => void = () => undefined,
): Promise<Uint8Array> => {
  const file = describeTokenFile(tokens);
  change(file);
  return encodeSafetensors(file.tensors, file.metadata);
};
const read = async (change?: Parameters<typeof write>[0]) =>
  readTokenFile(bytesSource(await write(change), 'tokens.safetensors'));

describe('a token file', () => {
  test('reads back as it was written', async () => {
    const back = await read();
    const { clip, ...rest } = tokens;
    expect(back).toMatchObject(rest);
    expect(back.clip).toEqual({ ...clip, frames: clip!.frames.map(({ read: _, ...frame }) => frame) });
  });

  test('holds tokens of any axes, of no clip and of no picture', async () => {
    const { clip: _, valid: __, globals: ___, ...rest } = tokens;
    const words: TokenGrid = {
      ...rest,
      values: tensor('float32', [4, 3], new Float32Array(12)),
      axes: ['token', 'channels'],
      origin: { kind: 'text', uri: 'notes.txt' },
    };
    const { tensors, metadata } = describeTokenFile(words);
    expect(await readTokenFile(bytesSource(await encodeSafetensors(tensors, metadata)))).toEqual(words);
  });

  test('of the first layout is read, its frames as far as it knew them', async () => {
    const { values, encoder } = tokens;
    const bytes = await encodeSafetensors(
      { features: values, valid: tensor('bool', [1, 2, 2], Uint8Array.of(1, 1, 0, 1)) },
      {
        'deepearth.tokens': '1',
        id: 'clip-000000',
        key: 'aa',
        axes: '["time","height","width","channels"]',
        clip: JSON.stringify({
          id: 'clip-000000',
          key: 'cc',
          index: 0,
          padded: 0,
          frames: [{ number: 5, key: '5', origin: 'a/f5.tif', seconds: 1 }],
        }),
        geometry: JSON.stringify({ frameWidth: 8, frameHeight: 6, x: 0, y: 0, width: 8, height: 6 }),
        encoder: JSON.stringify(encoder),
      },
    );
    const back = await readTokenFile(bytesSource(bytes));
    expect([...back.valid!]).toEqual([255, 255, 0, 255]);
    expect(back.origin).toMatchObject({ kind: 'picture', geometry: { frameWidth: 8, frameHeight: 6 } });
    expect(back.clip!.frames[0]).toMatchObject({
      number: 5,
      seconds: 1,
      width: 8,
      height: 6,
      locator: { uri: 'a/f5.tif' },
    });
  });

  test('has no mask where all tokens are good', async () => {
    expect((await read((file) => delete file.tensors['valid'])).valid).toBeUndefined();
  });

  test('is the same bytes for the same tokens', async () => {
    expect(await write()).toEqual(await write());
  });
});

describe('a file that is none', () => {
  test('is refused with the reason', async () => {
    await expect(read((file) => delete file.metadata['deepearth.tokens'])).rejects.toThrow(
      /tokens\.safetensors: is no token file: its metadata says null for "deepearth\.tokens", expected "2"/,
    );
    await expect(read((file) => void (file.metadata['clip'] = '{'))).rejects.toThrow(
      /the metadata value of "clip" is no JSON/,
    );
    await expect(read((file) => delete file.metadata['origin'])).rejects.toThrow(/its metadata has no "origin"/);
    await expect(read((file) => void (file.metadata['axes'] = '["time"]'))).rejects.toThrow(
      /its axes \["time"\] do not fit/,
    );
    await expect(read((file) => void (file.metadata['encoder'] = 'null'))).rejects.toThrow(
      /encoder is null, expected an object/,
    );
    await expect(read((file) => void (file.tensors['valid'] = tensor('bool', [4], new Uint8Array(4))))).rejects.toThrow(
      /its mask is bool of shape \[4\]/,
    );
    await expect(
      read((file) => void (file.tensors['features'] = tensor('int32', [1, 2, 2, 3], new Int32Array(12)))),
    ).rejects.toThrow(/its features are int32/);
  });

  test.each<[string, (value: any) => void, RegExp]>([
    ['clip', (clip) => (clip.frames = []), /clip\.frames has no frames/],
    ['clip', (clip) => (clip.frames = { length: 1 }), /clip\.frames is an object, expected a list/],
    ['clip', (clip) => delete clip.index, /clip\.index is missing/],
    ['clip', (clip) => (clip.padded = -1), /clip\.padded is -1, expected a whole number of at least 0/],
    ['clip', (clip) => (clip.frames[1] = 7), /clip\.frames\[1\] is 7, expected an object/],
    ['clip', (clip) => delete clip.frames[1].locator, /clip\.frames\[1\]\.locator is missing/],
    ['clip', (clip) => (clip.frames[0].locator.uri = 3), /clip\.frames\[0\]\.locator\.uri is 3, expected text/],
    ['clip', (clip) => (clip.frames[0].number = 'x'), /frames\[0\]\.number is "x", expected a whole number/],
    ['clip', (clip) => (clip.frames[0].width = 0), /frames\[0\]\.width is 0, expected a whole number of at least 1/],
    ['origin', (origin) => delete origin.geometry, /origin\.geometry is missing/],
    ['origin', (origin) => (origin.geometry.x = null), /origin\.geometry\.x is null, expected a number/],
    ['encoder', (encoder) => (encoder.name = 5), /encoder\.name is 5, expected text/],
    ['globals', (globals) => (globals.names = 'class'), /globals\.names is "class", expected a list/],
  ])('of which the field %s is wrong is refused, and the field named (%#)', async (name, change, reason) => {
    const made = read((file) => {
      const value = JSON.parse(file.metadata[name]!);
      change(value);
      file.metadata[name] = JSON.stringify(value);
    });
    await expect(made).rejects.toThrow(reason);
    await expect(made).rejects.toMatchObject({ code: 'E_TOKEN_FILE' });
  });
});
